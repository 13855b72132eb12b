"""This connector as a witness of the index's log: outbound only, one history and no other."""
