"""What listens on this machine: the local JSON API, the officers' pages, and who may use them."""
