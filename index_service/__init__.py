"""The index and the evaluator (command: index-service)."""
