"""From particulars to match keys, variants and grades: pure functions, no index, no network."""
