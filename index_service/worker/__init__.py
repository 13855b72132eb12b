"""What the index does by itself: jobs on a schedule, each done by one copy of the worker."""
