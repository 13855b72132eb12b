"""The steward's commands, a file for each word."""
