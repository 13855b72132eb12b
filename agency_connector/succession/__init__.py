"""A log that ended and its successor: shown to a person, who alone makes this connector take it."""
