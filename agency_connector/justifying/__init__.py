"""Justifications: one check in N is asked for more first; one at once owes its own within a day."""
