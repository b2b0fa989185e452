"""The sweep over terms: tells which are half used up, nearly, or over, each once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from triage.casework import warnings
from triage.casework.desk import Desk
from triage.rules.deadlines import STEPS
from triage.rules.durations import CHINA
from triage.store import history, outbox
from triage.store import terms as rows
from triage.store.access import EVERYWHERE
from triage.store.errors import StoreUnavailable
from triage.store.schema import appeals
from triage.store.schema import terms as table
from triage.store.terms import HALF, MOST, OVER, Term

TERM_REMINDED, TERM_OVERDUE = "term.reminded", "term.overdue"
"""Topics of messages; their payload holds ids, the step, the unit and the end, never a text."""

MOST_APPEALS = 2_000
"""Appeals looked at in one sweep; what is left is taken by the next one."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reminded:
    """What one sweep told, in terms.

    Attributes:
        half: Half of the term is used up.
        most: 80 % of it is used up.
        overdue: It is over.
        failed: Appeals that could not be worked on; they are tried again by the next sweep.
    """

    half: int = 0
    most: int = 0
    overdue: int = 0
    failed: int = 0


def remind(desk: Desk, now: datetime) -> Reminded:
    """Tell which terms are half used up, nearly, or over; each once, whoever sweeps and however often.

    A sweep that comes late (the service was down, the clock jumped ahead) tells the latest mark only; one whose clock
    jumped back finds the marks noted and tells nothing twice. Each appeal is a transaction of its own.

    Args:
        desk: Composition.
        now: The present moment.

    Raises:
        StoreUnavailable: The database cannot be reached.
    """
    done: list[int] = []
    failed = 0
    with desk.database.transaction(EVERYWHERE) as connection:
        waiting = _waiting(connection, now)
    for appeal_id in waiting:
        try:
            with desk.database.transaction(EVERYWHERE) as connection:
                done += _remind(connection, desk, appeal_id, now)
        except StoreUnavailable:
            raise
        except Exception:  # one appeal that cannot be told of must not silence the others
            failed += 1
            _LOG.exception("reminder failed", extra={"action": "term.failed", "appeal_id": str(appeal_id)})
    found = Reminded(half=done.count(HALF), most=done.count(MOST), overdue=done.count(OVER), failed=failed)
    if done or failed:
        _LOG.info(
            "terms swept: %d half, %d most, %d overdue, %d failed",
            *(found.half, found.most, found.overdue, failed),
            extra={"action": "term.sweep", "count": len(done)},
        )
    return found


def _waiting(connection: Connection, now: datetime) -> list[UUID]:
    statement = (
        select(table.c.appeal_id)
        .where(table.c.state == rows.OPEN, table.c.next_at <= now)
        .order_by(table.c.next_at)
        .limit(MOST_APPEALS)
    )
    return list(dict.fromkeys(connection.execute(statement).scalars()))


def _remind(connection: Connection, desk: Desk, appeal_id: UUID, now: datetime) -> list[int]:
    """Tell of one appeal's terms; the appeal's row is locked first, as by every step, so that no two wait in a circle."""
    locked = select(appeals.c.district).where(appeals.c.id == appeal_id)
    row = connection.execute(locked.with_for_update(skip_locked=True, key_share=True)).one_or_none()
    if row is None:  # somebody is working on it; the next sweep looks again
        return []
    told = []
    for term in rows.standing(connection, appeal_id):
        mark = term.used(now)
        if term.paused_at is not None or mark <= term.reminded:
            continue
        rows.change(connection, [term.id], reminded=mark, next_at=term.next_look(mark))
        _tell(connection, term, mark, district=row.district, now=now)
        told.append(mark)
    if OVER in told:
        warnings.on_overdue(connection, desk, appeal_id)
    return told


def _tell(connection: Connection, term: Term, mark: int, *, district: str, now: datetime) -> None:
    facts: dict[str, Any] = {
        "appeal_id": str(term.appeal_id),
        "term_id": term.id,
        "step": term.step,
        "name": STEPS.get(term.step, term.step),
        "unit": term.unit,
        "due_at": term.due_at.astimezone(CHINA).isoformat(),
        "mark": mark,
    }
    topic = TERM_OVERDUE if mark == OVER else TERM_REMINDED
    key = f"{topic}:{term.id}:{mark}:{term.due_at.timestamp():.0f}"
    outbox.add(connection, topic, key=key, payload={**facts, "district": district}, at=now)
    if mark == OVER:
        history.add(connection, term.appeal_id, actor="system", action=topic, at=now, detail=facts)
