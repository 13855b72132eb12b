"""What index, evaluator and connectors must compute alike, byte for byte."""
