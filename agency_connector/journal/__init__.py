"""The journal: what officers asked and were answered, sealed, kept by their own agency alone."""
