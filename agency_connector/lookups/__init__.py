"""Checking a name and resolving a reference: asked with a statement, verified, put in words."""
