"""From match keys to match tokens, through the evaluator and never without checking it."""
