"""Signing in: at the agency's identity provider or with a local account; roles; the trail of it."""
