"""Telling a desk's mailbox that a request to phone waits; the mail holds no personal data."""
