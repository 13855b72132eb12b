"""The index's schema, step by step."""
