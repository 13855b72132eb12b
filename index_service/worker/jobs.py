"""The jobs of the index, and how often each is due."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from index_service.audit.reading_segments import build_segments
from index_service.audit.rounds import open_round
from index_service.audit.sequencing import sequence
from index_service.installation import Installation
from index_service.settings import WorkerSettings
from index_service.worker import retention, staleness
from index_service.worker.doing import Done, Job
from index_service.worker.ending import end_flags

SEQUENCE: Final = "sequence-log"


def jobs_of(settings: WorkerSettings, show_stale: Callable[[int], object]) -> tuple[Job, ...]:
    """Return every job. `show_stale` is told how many partners are stale, whenever that is seen."""

    def report_stale(connection: Connection, index: Installation, now: int) -> Done:
        stale = staleness.stale_partners(connection, index, now)
        staleness.report(stale)
        show_stale(len(stale))
        return Done(len(stale), more=False)

    kept = settings.retention_seconds
    return (
        Job(SEQUENCE, settings.sequence_seconds, sequence),
        Job("open-round", settings.round_seconds, open_round),
        Job("build-segments", settings.segments_seconds, build_segments),
        Job("end-flags", settings.flag_ends_seconds, end_flags),
        Job("forget-nonces", settings.nonces_seconds, retention.forget_nonces),
        Job("report-stale", settings.stale_seconds, report_stale),
        Job("erase-side-records", kept, retention.erase_side_records),
        Job("forget-references", kept, retention.forget_references),
        Job("forget-counts", kept, retention.forget_counts),
        Job("forget-codes", kept, retention.forget_codes),
        Job("forget-handovers", kept, retention.forget_handovers),
        Job("forget-contacts", kept, retention.forget_contacts),
    )
