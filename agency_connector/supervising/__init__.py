"""Supervising: a sample that cannot be steered, opened checks, verdicts, red flags, counts."""
