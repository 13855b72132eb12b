"""Whom and what this connector believes, and how a person made it so."""
