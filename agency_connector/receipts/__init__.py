"""What became of each receipt: recorded, verified in the log that partners see, or an alarm."""
