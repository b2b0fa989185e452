"""Encodes stored appeals with another encoder while the present one serves, and then lets the other one take its place.

The work goes in chunks; each is committed with a note of how far it is, so whoever goes on after kill -9 repeats one chunk
at most, and repeating one changes nothing. It ends in three steps:

1. a look at every appeal finds none without a vector: the other encoder becomes the active one, in one transaction;
2. after `FOLLOWED` seconds every process has followed. Until then all of them wrote vectors of both, so nobody searched an
   encoder whose vectors are not all there. What a process without the new encoder received is encoded now;
3. the vectors that no encoder in use has made are removed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from triage.appeal import Appeal
from triage.casework import encoders as production
from triage.casework.desk import Desk
from triage.document import read_document
from triage.service import Triage
from triage.store import encoders, jobs
from triage.store.access import EVERYWHERE
from triage.store.encoders import ACTIVE, LEAVING, PREPARING, RETIRED, StoredEncoder
from triage.store.errors import StoreUnavailable
from triage.store.jobs import Job
from triage.store.vectors import DenseEncoder

CHUNK = 64
"""Appeals encoded and stored at a time; their rows are locked for the tens of milliseconds that storing takes."""
FORGOTTEN = 2_000
"""Vectors looked at in one transaction when old ones are removed."""
SLICE = 10.0
"""Seconds of work after which the queue gets its turn: somebody may have posted a batch."""
FOLLOWED = 15.0
"""Seconds after which every process has followed a switch; they look every three."""
_PATIENCE = 300.0
"""Seconds to wait for this process to load the encoder before the job is given up."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    desk: Desk
    job: Job
    go_on: Callable[[], bool]
    followed: float


def run(
    desk: Desk,
    job_id: UUID,
    *,
    go_on: Callable[[], bool] = lambda: True,
    seconds: float = SLICE,
    followed: float | None = None,
) -> Job:
    """Do a piece of the work.

    Args:
        desk: The desk of a process that follows the store, so that it has loaded the encoder.
        job_id: The job.
        go_on: Asked before every chunk; False leaves the rest for later.
        seconds: Time after which the rest is left for later.
        followed: Seconds after the switch before old vectors are removed; None: `FOLLOWED`.

    Returns:
        The job as it is then; ``finished_at`` is None where work is left: call again.

    Raises:
        NotFound: There is no such job.
        StoreUnavailable: The database cannot be reached; call again later.
    """
    until = time.monotonic() + seconds
    with desk.database.transaction(EVERYWHERE) as connection:
        job = jobs.get(connection, job_id)
        if job.finished_at is not None:
            return job
        jobs.start(connection, job_id)
        stored = encoders.of_job(connection, job_id)
    if stored is None or stored.state not in (PREPARING, ACTIVE):
        return _finish(desk, job, error="已改用其他编码器")
    encoder = _loaded(desk, stored)
    if encoder is None:
        return _wait_for_loading(desk, job, stored)
    patience = FOLLOWED if followed is None else followed
    work = _Work(desk=desk, job=job, go_on=lambda: go_on() and time.monotonic() < until, followed=patience)
    try:
        done = _prepare(work, stored, encoder) if stored.state == PREPARING else _complete(work, stored, encoder)
    except StoreUnavailable:
        raise
    except Exception as error:
        # Tried again it would fail again, and the worker would do nothing else for ever.
        log.exception("encoding failed", extra={"action": "encoder.fill.failed", "job": str(job_id)})
        return _give_up(desk, job, stored, f"任务中止（{type(error).__name__}），现用的编码器不变；请告知维护人员")
    return _finish(desk, job) if done else _present(desk, job_id)


def _prepare(work: _Work, stored: StoredEncoder, encoder: DenseEncoder) -> bool:
    """Encode what is stored, then switch; never ends the job, since the old vectors are still there."""
    if stored.reached is None and not _forget(work):
        return False
    if not _fill(work, stored, encoder):
        return False
    with work.desk.database.transaction(EVERYWHERE) as connection:
        encoders.lock(connection)
        if encoders.get(connection, stored.fingerprint).state == PREPARING:
            production.activate(connection, work.job, stored)
    return False


def _complete(work: _Work, stored: StoredEncoder, encoder: DenseEncoder) -> bool:
    """Encode what came in during the switch and remove what no search reads any more."""
    with work.desk.database.transaction(EVERYWHERE) as connection:
        if not encoders.is_followed(connection, stored.fingerprint, within=work.followed):
            return False
    if not _fill(work, stored, encoder):
        return False
    with work.desk.database.transaction(EVERYWHERE) as connection:
        encoders.lock(connection)
        for one in encoders.in_use(connection):
            if one.state == LEAVING:
                encoders.set_state(connection, one.fingerprint, RETIRED)
    return _forget(work)


def _fill(work: _Work, stored: StoredEncoder, encoder: DenseEncoder) -> bool:
    """Encode all appeals that lack a vector; True when a look from the beginning found none."""
    after, swept = stored.reached, stored.reached is None
    while work.go_on():
        with work.desk.database.transaction(EVERYWHERE) as connection:
            found = encoders.lacking(connection, stored.fingerprint, after=after, most=CHUNK)
        if not found:
            if swept:
                return True
            # Ids follow the time of arrival, but what is committed late stands before what was committed early.
            after, swept = None, True
            continue
        vectors = encoder.encode([_text(work.desk, one) for one in found])
        with work.desk.database.transaction(EVERYWHERE) as connection:
            encoders.fill(connection, stored.fingerprint, found, vectors)
            furthest = max(found[-1].id, stored.reached or found[-1].id)
            if encoders.reach(connection, stored.fingerprint, before=stored.reached, after=furthest):
                encoders.advance(connection, work.job.id, len(found))
            stored = encoders.get(connection, stored.fingerprint)
        # An appeal whose text was changed or erased meanwhile got no vector; the sweep looks at it again.
        after, swept = found[-1].id, False
    return False


def _forget(work: _Work) -> bool:
    """Remove vectors that no encoder in use has made; True when none is left."""
    with work.desk.database.transaction(EVERYWHERE) as connection:
        if not encoders.has_strangers(connection):
            return True
    after: UUID | None = None
    while work.go_on():
        with work.desk.database.transaction(EVERYWHERE) as connection:
            _, after = encoders.forget(connection, after=after, batch=FORGOTTEN)
        if after is None:
            return True
    return False


def _text(desk: Desk, one: encoders.Lacking) -> str:
    """Return what the encoder would have read when the appeal came in."""
    triage = desk.current().triage
    strip = triage.settings.strip if isinstance(triage, Triage) else True
    return read_document(Appeal(id=str(one.id), title=one.title, content=one.content), strip=strip).text


def _loaded(desk: Desk, stored: StoredEncoder) -> DenseEncoder | None:
    active = desk.current()
    return next((one for one in (active.encoder, *active.others) if one.fingerprint == stored.fingerprint), None)


def _wait_for_loading(desk: Desk, job: Job, stored: StoredEncoder) -> Job:
    """Leave the job for later: this process will load the encoder with its next look at the store, or never."""
    if (desk.clock() - job.created_at).total_seconds() < _PATIENCE:
        return _present(desk, job.id)
    log.error("encoder is not loaded", extra={"action": "encoder.fill.failed", "job": str(job.id)})
    return _give_up(desk, job, stored, f"编码器 {stored.name} 未能载入，原因见服务日志；现用的编码器不变")


def _give_up(desk: Desk, job: Job, stored: StoredEncoder, error: str) -> Job:
    """End the job; what was not active yet will not be."""
    with desk.database.transaction(EVERYWHERE) as connection:
        encoders.lock(connection)
        if encoders.get(connection, stored.fingerprint).state == PREPARING:
            encoders.set_state(connection, stored.fingerprint, RETIRED)
    return _finish(desk, job, error=error)


def _finish(desk: Desk, job: Job, *, error: str = "") -> Job:
    with desk.database.transaction(EVERYWHERE) as connection:
        if not error:
            encoders.set_total(connection, job.id, jobs.get(connection, job.id).done)
        return jobs.finish(connection, job.id, at=desk.clock(), error=error)


def _present(desk: Desk, job_id: UUID) -> Job:
    with desk.database.transaction(EVERYWHERE) as connection:
        return jobs.get(connection, job_id)
