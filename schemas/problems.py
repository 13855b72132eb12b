"""Problem documents (RFC 9457): what a refused request gets back."""

from typing import Annotated

from msgspec import Meta, Struct


class ProblemDocument(Struct, frozen=True, kw_only=True):
    """A refusal for two readers: `type` for code, `detail` says to a person what to do.

    Other members may stand beside these (RFC 9457 §3.2), such as `retry_after` in seconds.
    """

    type: Annotated[str, Meta(pattern=r"^urn:ifi:problem:[a-z0-9-]+\Z")]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    retry_after: int | None = None
