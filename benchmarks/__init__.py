"""What the documents state in figures, measured: `python -m benchmarks` runs everything."""
