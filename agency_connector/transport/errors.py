"""What can go wrong between the connector and a service, each as one line with its mend."""

from foundation.operator import OperatorError


class Unreachable(OperatorError):
    """No answer came. `worth_repeating` is False if the same request would fail again."""

    def __init__(self, message: str, *, worth_repeating: bool = True) -> None:
        super().__init__(message)
        self.worth_repeating = worth_repeating


class NotGenuine(OperatorError):
    """An answer came that the service with the pinned key did not give; nothing of it is used."""


class ClockOff(NotGenuine):
    """The clocks of the two machines differ by more than the five minutes that are allowed."""


class Refused(OperatorError):
    """The service refused, in a signed problem document (RFC 9457).

    `code` is the last part of its type, `retry_after` seconds or None. `sequence` comes with
    `old-sequence`: that of the agency's latest batch.
    """

    def __init__(
        self,
        service: str,
        status: int,
        code: str,
        detail: str,
        retry_after: int | None,
        sequence: int | None = None,
    ) -> None:
        super().__init__(f"the {service} refused: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.sequence = sequence
