"""Flags: taken in batches, ended in time, and how fresh each agency's publication is."""
