"""What somebody has to look at, shown everywhere until a person says that they have."""

from agency_connector.alarms.storage import (
    Alarm,
    acknowledge,
    every_alarm,
    open_alarms,
    raise_alarm,
)

__all__ = ["Alarm", "acknowledge", "every_alarm", "open_alarms", "raise_alarm"]
