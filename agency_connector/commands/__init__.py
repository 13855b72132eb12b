"""The command line: one module for each word a person types."""
