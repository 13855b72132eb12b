"""Lookups: recorded, then answered; and the references that an answer gives out."""
