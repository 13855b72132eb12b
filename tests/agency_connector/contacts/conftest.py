"""Police who have looked somebody up, and a council whose front desk the answer named."""

from tests.agency_connector.lookups.conftest import template, town

__all__ = ["template", "town"]
