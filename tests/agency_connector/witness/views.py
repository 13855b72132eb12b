"""An index that shows each agency the log it likes: every view is signed with the real log key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from werkzeug.wrappers import Request, Response

from agency_connector.installation import Installation
from protocol.log.checkpoints import Checkpoint, sign_checkpoint
from protocol.log.errors import BadTile
from protocol.log.notes import NoteSignature, read_note, with_signatures
from protocol.log.proofs import Head
from protocol.log.tiles import Tile, read_path
from tests.agency_connector.fake_services import FakeIndex
from tests.protocol.log.trees import GrownLog

ORIGIN = "northgate.ifi-log"


@dataclass
class View:
    """One history of the log, as a WSGI app over the fake index that serves everything else.

    `head` is what it says that it is, if not the whole of `log`; `instead` gives by path what is
    served in the place of the honest answer; `shares` are the views whose lines it publishes too.
    """

    index: FakeIndex
    log: GrownLog
    head: Head | None = None
    instead: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    url: str = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.method == "POST" or not request.path.startswith("/log/"):
            return self.index(environ, start_response)
        content = self._content(request.path.removeprefix("/log/"))
        lie = self.instead.get(request.path)
        if lie is not None:
            content = lie(content or b"")
        response = Response(status=404) if content is None else Response(content)
        return response(environ, start_response)

    def note(self) -> bytes:
        """The checkpoint with every line that was brought for exactly its text."""
        note = sign_checkpoint(ORIGIN, self.head or self.log.head, self.index.log)
        return with_signatures(note, self.lines(note.text)).to_bytes()

    def lines(self, text: str) -> Sequence[NoteSignature]:
        """The cosignatures that were brought for `text`, one of each agency: its latest."""
        latest = {
            caller: note.signatures[-1]
            for caller, note in ((who, read_note(raw.encode())) for who, raw in self.index.cosigned)
            if note.text == text
        }
        return tuple(latest.values())

    def shown_to(self, installation: Installation) -> Installation:
        """Return the connector as it is when this is the index it reaches."""
        told = installation.settings
        service = msgspec.structs.replace(told.index, url=self.url)
        return replace(installation, settings=msgspec.structs.replace(told, index=service))

    def _content(self, path: str) -> bytes | None:
        if path.startswith("checkpoint"):
            return self.note()
        tile = read_path(path)
        try:
            return self._cut(tile) if isinstance(tile, Tile) else None
        except BadTile:
            return None

    def _cut(self, tile: Tile) -> bytes:
        for held, content in self.log.tiles.held.items():
            if (held.level, held.index) == (tile.level, tile.index) and held.width >= tile.width:
                return content[: tile.size]
        raise BadTile("not here")


def text_of(note: bytes) -> str:
    """The text of a note."""
    return read_note(note).text


def text_at(head: Head) -> str:
    """The text of the log's checkpoint with `head`."""
    return Checkpoint(ORIGIN, head).text
