"""Whom the agency may flag: its own rules, and the decision they give for each row."""
