"""What every program of ours stands on; it knows no word of the domain."""
