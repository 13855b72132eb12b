"""What people do with contact requests: ask to be phoned, take a step, and see how they stand."""

from agency_connector.contacts.contact import Contact, NewContact, NewStep
from agency_connector.installation import Installation
from foundation.operator import OperatorError


def ask(installation: Installation, user: str, asked: NewContact) -> Contact:
    """Ask the desk that an answer to `user` named to phone, and return the request.

    It is on the disk, sealed, before anything leaves this machine, and is sent at once; if the
    index cannot be reached it is `waiting` and the schedule sends it. The same `asked.id` again is
    the same request. A refusal of the index (a limit, a reference too old) is in `trouble`.
    Raises CheckRefused: 404 `no-such-check` if the check is not `user`'s or did not give out the
    reference, 409 `asked-already` while another request about it is open, 422 `contact-text`.
    """
    raise OperatorError("contact requests are not ready")


def step(installation: Installation, user: str, contact: str, taken: NewStep) -> Contact:
    """Take a step of a contact request, and return the request; sent as `ask` sends.

    One that this agency sent is stepped by its officer only; of one received, the caller has made
    sure that `user` may. The same step again changes nothing. Raises CheckRefused: 404
    `no-such-contact`, 409 `contact-moved-on` if the step is not in `may`, 409 `not-sent-yet` while
    another step of ours waits, 422 `contact-text` for a refusal without a reason or a bad answer.
    """
    raise OperatorError("contact requests are not ready")


def find(installation: Installation, contact: str) -> Contact | None:
    """Return a contact request by its id, sent or received, or None; the caller says who sees."""
    raise OperatorError("contact requests are not ready")


def sent_by(installation: Installation, user: str, since: int = 0) -> tuple[Contact, ...]:
    """Return what `user` asked since then (ms UTC), newest first, at most 200."""
    raise OperatorError("contact requests are not ready")


def received(
    installation: Installation, *, desk: str | None = None, open_only: bool = True
) -> tuple[Contact, ...]:
    """Return the requests to this agency, or to one desk, oldest first, at most 200.

    Those that cannot be read are for every desk.
    """
    raise OperatorError("contact requests are not ready")


def overdue(installation: Installation) -> tuple[Contact, ...]:
    """Return the open requests, sent and received, whose next step is overdue, oldest first."""
    raise OperatorError("contact requests are not ready")


def crime_open(installation: Installation) -> tuple[Contact, ...]:
    """Return the closed requests whose crime question this agency has not seen answered."""
    raise OperatorError("contact requests are not ready")
