"""Signed requests to index and evaluator, and answers that are checked before they are used."""

from agency_connector.transport.client import SignedClient
from agency_connector.transport.errors import NotGenuine, Refused, Unreachable

__all__ = ["NotGenuine", "Refused", "SignedClient", "Unreachable"]
