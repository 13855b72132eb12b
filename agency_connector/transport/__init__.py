"""Signed requests to index and evaluator, and answers that are checked before they are used."""

from agency_connector.transport.client import SignedClient
from agency_connector.transport.errors import ClockOff, NotGenuine, Refused, Unreachable
from agency_connector.transport.wire import Wire

__all__ = ["ClockOff", "NotGenuine", "Refused", "SignedClient", "Unreachable", "Wire"]
