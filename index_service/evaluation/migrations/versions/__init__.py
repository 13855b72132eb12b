"""The evaluator's schema, step by step."""
