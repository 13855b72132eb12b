"""Agencies: registered by the steward, enrolled with their keys, with their signed desks."""
