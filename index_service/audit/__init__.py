"""The record: entries are taken in with the act they record, in the same transaction."""
