"""The evaluator: holds the key without which no token can be made, and counts every use of it."""
