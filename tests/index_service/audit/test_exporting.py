"""An export holds what it says, is checked without a database, and by software that is not ours."""

import io
import random
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from index_service.app import create_app
from index_service.audit import exporting, storage
from protocol.exports import Checked, check_export
from protocol.keys import SigningKey
from protocol.log.errors import LogError
from protocol.log.notes import read_note
from protocol.verification import Fault
from protocol.verifier_keys import read
from tests.index_service.audit.flipping import flipped, members
from tests.index_service.audit.logs import Kept
from tests.index_service.audit.originals import Copier
from tests.index_service.partnership import Partnership
from tests.index_service.publishing import look_up
from tests.protocol.log import sumdb

SAMPLED = 150


def make_long(kept: Kept) -> None:
    """Make a log of more than two bundles, with an agency that enrolls early and asks late."""
    partnership = Partnership(kept.index, create_app(kept.index).test_client())
    police = partnership.member("police")
    assert police.open_epoch(1).status == 200
    partnership.agree(police)
    kept.take_in(560)
    for _ in range(3):
        assert look_up(police).status == 200
    kept.sequence()


@pytest.fixture
def long(copier: Copier) -> Iterator[Kept]:
    """A log of more than two bundles."""
    with copier.copied(make_long) as (kept, _):
        yield kept


def exported(log: Kept, first: int | None = None, end: int | None = None) -> bytes:
    file = io.BytesIO()
    with log.index.database.read() as connection:
        note, head = exporting.checkpoint_to_export(connection, log.index)
        part = exporting.bounds(head, first, end)
        exporting.export(connection, log.index, note, head, part, file)
    return file.getvalue()


def checked(log: Kept, content: bytes) -> Checked:
    return check_export(io.BytesIO(content), read(log.index.log.verifier_key))


def test_a_whole_log_is_exported_and_checked(long: Kept) -> None:
    size = long.published().size
    found = checked(long, exported(long))
    assert (found.first, found.end, found.size, found.whole) == (0, size, size, True)


def test_an_empty_log_is_exported(kept: Kept) -> None:
    kept.sequence()
    assert checked(kept, exported(kept)).size == 0


@pytest.mark.parametrize(
    ("first", "end", "part"), [(0, 10, (0, 256)), (300, 301, (256, 512)), (530, None, (512, None))]
)
def test_a_part_is_whole_bundles_with_the_keys_of_those_who_signed(
    long: Kept, first: int, end: int | None, part: tuple[int, int | None]
) -> None:
    """The last part holds statements; the key that signed them was enrolled in the first.

    With it comes the entry of the epoch, which names the evaluator's key.
    """
    found = checked(long, exported(long, first, end))
    assert (found.first, found.end) == (part[0], part[1] or long.published().size)
    assert found.registry == (0 if first == 0 else 2)
    assert not found.whole


def test_gos_sumdb_verifies_an_unpacked_export(long: Kept, tmp_path: Path) -> None:
    try:
        program = sumdb.build(tmp_path)
    except sumdb.SumdbMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    folder = tmp_path / "unpacked"
    (folder / "older").mkdir(parents=True)
    subprocess.run(["tar", "-x", "-C", folder], input=exported(long), check=True)
    counted = sumdb.verify(program, folder, long.index.log.verifier_key)
    assert counted["size"] == long.published().size


@pytest.mark.parametrize("first", [0, 530])
def test_every_changed_byte_of_an_export_is_found(long: Kept, first: int) -> None:
    """Of those that mean something: what fills a file up to 512 bytes, and its headers, do not."""
    content = exported(long, first)
    chosen, files = random.Random(first), list(members(content))
    for _ in range(SAMPLED):
        name, start, size = chosen.choice(files)
        at = chosen.randrange(size)
        changed = flipped(content, start + at, chosen.randrange(8))
        if name == "checkpoint" and same_note(content, changed, start, size):
            continue
        with pytest.raises(Fault):
            checked(long, changed)
    checked(long, content)


def same_note(content: bytes, changed: bytes, start: int, size: int) -> bool:
    """Whether only bits that base64 leaves over at the end of a signature were changed."""
    try:
        before, after = (read_note(each[start : start + size]) for each in (content, changed))
    except LogError:
        return False
    return before == after


@pytest.mark.parametrize("cut", [1, 600, 5_000])
def test_a_cut_export_is_refused(long: Kept, cut: int) -> None:
    content = exported(long)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        *_, last = archive
    with pytest.raises(Fault):
        checked(long, content[: last.offset_data + last.size - cut])


def test_another_logs_key_and_what_is_no_export_are_refused(long: Kept) -> None:
    other = replace(long.index, log=replace(long.index.log, key=SigningKey.generate()))
    with pytest.raises(Fault, match="another log"):
        checked(Kept(other), exported(long))
    with pytest.raises(Fault, match="no export"):
        checked(long, b"nothing of the kind" * 100)
    with pytest.raises(Fault):
        checked(long, b"")


def test_a_file_more_is_refused(long: Kept) -> None:
    content = io.BytesIO(exported(long))
    with tarfile.open(fileobj=content, mode="a") as archive:
        archive.addfile(tarfile.TarInfo("more"))
    with pytest.raises(Fault, match="more: it does not belong"):
        checked(long, content.getvalue())


def test_entries_that_are_not_there_are_not_exported(long: Kept) -> None:
    with long.index.database.read() as connection:
        head = storage.state(connection).head
    with pytest.raises(Exception, match="name some"):
        exporting.bounds(head, 3, head.size + 1)
