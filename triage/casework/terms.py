"""The terms of an appeal: begun with a step, reminded at half and 80 %, overdue at the end; met, extended, suspended.

Every function works inside the transaction of the step it belongs to, but `remind`, the worker's sweep.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, select, update

from triage.assembly import EMERGENCY
from triage.casework.desk import Desk
from triage.casework.reminders import Reminded, remind
from triage.errors import InputError
from triage.rules.deadlines import (
    ACCEPT,
    ASSIST,
    CALLBACK,
    CONTACT,
    EXTENSION,
    FINISH,
    NOTICE,
    OBJECTION,
    RECHECK_OPINION,
    REPLY,
    REPORT_IN,
    REQUEST_RECHECK,
    REQUEST_REVIEW,
    RETURN,
    REVIEW,
    REVIEW_OPINION,
    SIGN,
    STEPS,
    SUPERVISE,
    TRANSFER,
    UTILITIES,
    WINDOWS,
    Due,
    Facts,
)
from triage.rules.durations import CHINA, Duration, end_of
from triage.store import terms as rows
from triage.store.errors import NotFound, StateConflict
from triage.store.schema import appeals, decisions
from triage.store.terms import OVER, NewTerm, Term

__all__ = [
    "ACCEPT",
    "ASSIST",
    "CALLBACK",
    "CONTACT",
    "EXTENSION",
    "FINISH",
    "NOTICE",
    "OBJECTION",
    "RECHECK_OPINION",
    "REPLY",
    "REPORT_IN",
    "REQUEST_RECHECK",
    "REQUEST_REVIEW",
    "RETURN",
    "REVIEW",
    "REVIEW_OPINION",
    "SIGN",
    "STEPS",
    "SUPERVISE",
    "TRANSFER",
    "Reminded",
    "Term",
    "begin",
    "drop",
    "extend",
    "hand_over",
    "longest_extension",
    "meet",
    "of",
    "passed",
    "remind",
    "resume",
    "start",
    "suspend",
]


def begin(
    connection: Connection,
    desk: Desk,
    appeal_id: UUID,
    *,
    deadline: tuple[datetime, datetime, str] | None,
    started_at: datetime,
    at: datetime,
) -> None:
    """Begin the terms of acceptance and of finishing of an appeal that came in.

    Args:
        connection: In the transaction that records the appeal.
        desk: Composition.
        appeal_id: The appeal.
        deadline: As the decision has it (accept by, finish by, rule); None: there is none.
        started_at: When the appeal came in; from then on shares are counted.
        at: Now. What was over before the appeal came into the store (a file of last year's) is listed as overdue and
            alarms nobody.
    """
    if deadline is None:
        return
    accept_by, finish_by, rule = deadline
    rules = desk.rules.deadlines
    fresh = [
        _new(
            appeal_id,
            step,
            rules.until(step, started_at, due_at, rule),
            unit="",
            started_at=started_at,
            now=at,
        )
        for step, due_at in ((ACCEPT, accept_by), (FINISH, finish_by))
    ]
    rows.add(connection, fresh)


def start(
    connection: Connection,
    desk: Desk,
    appeal_id: UUID,
    step: str,
    *,
    at: datetime,
    unit: str = "",
    due_at: datetime | None = None,
) -> Term | None:
    """Begin a term; an open one of the same step and unit gives way to it.

    Args:
        connection: In the transaction of the step.
        desk: Composition.
        appeal_id: The appeal.
        step: One of `STEPS`.
        at: Now; the term begins.
        unit: Who must act; empty: the hotline.
        due_at: Its end, where a person set it (督办单); None: by the rules.

    Returns:
        The term; None where the rules state none for this step.

    Raises:
        NotFound: There is no such appeal in the scope of the transaction.
    """
    rules = desk.rules.deadlines
    if due_at is None:
        due = rules.due(step, at, _facts(connection, appeal_id))
    else:
        due = rules.until(step, at, due_at, f"{STEPS[step]}时限由人工指定")
    if due is None:
        return None
    _end(connection, rows.standing(connection, appeal_id, step=step, unit=unit), state=rows.DROPPED, at=at)
    (number,) = rows.add(connection, [_new(appeal_id, step, due, unit=unit, started_at=at, now=at)])
    if step == FINISH:
        _note_finish(connection, appeal_id, due.due_at)
    return next(term for term in rows.of(connection, appeal_id) if term.id == number)


def meet(connection: Connection, appeal_id: UUID, step: str, *, at: datetime, unit: str | None = None) -> bool:
    """Note that a step was done; False where no term of it was open.

    Args:
        connection: In the transaction of the step.
        appeal_id: The appeal.
        step: One of `STEPS`.
        at: Now.
        unit: Only the term of this unit; None: of all.
    """
    return _end(connection, rows.standing(connection, appeal_id, step=step, unit=unit), state=rows.MET, at=at) > 0


def drop(
    connection: Connection, appeal_id: UUID, *, at: datetime, step: str | None = None, unit: str | None = None
) -> int:
    """Note that terms are no longer asked for (returned, passed on, closed) and return how many.

    Args:
        connection: In the transaction of the step.
        appeal_id: The appeal.
        at: Now.
        step: One of `STEPS`; None: all.
        unit: Only those of this unit; None: of all.
    """
    return _end(connection, rows.standing(connection, appeal_id, step=step, unit=unit), state=rows.DROPPED, at=at)


def hand_over(connection: Connection, appeal_id: UUID, *, unit: str) -> None:
    """Let the term of finishing go on with another unit: a reassignment does not give the citizen a later answer."""
    rows.change(connection, [term.id for term in rows.standing(connection, appeal_id, step=FINISH)], unit=unit)


def take_back(connection: Connection, appeal_id: UUID, *, unit: str, since: datetime, at: datetime) -> None:
    """Undo what a dispatch did to the terms: those of the unit go, that of accepting runs on where it ended then.

    Args:
        connection: In the transaction that takes the dispatch back.
        appeal_id: The appeal.
        unit: That had it.
        since: When it was dispatched.
        at: Now.
    """
    for term in rows.standing(connection, appeal_id, unit=unit):
        if term.started_at >= since and term.step != FINISH:
            rows.change(connection, [term.id], state=rows.DROPPED, ended_at=at, next_at=None)
    for term in rows.of(connection, appeal_id):
        if term.step == ACCEPT and term.state == rows.MET and term.ended_at is not None and term.ended_at >= since:
            rows.change(connection, [term.id], state=rows.OPEN, ended_at=None, next_at=term.next_look(term.reminded))
    hand_over(connection, appeal_id, unit="")


def extend(
    connection: Connection, desk: Desk, appeal_id: UUID, *, at: datetime, by: Duration | str | None = None
) -> Term:
    """Extend the term of finishing, counted from its present end.

    Args:
        connection: In the transaction of the step.
        desk: Composition.
        appeal_id: The appeal.
        at: Now.
        by: How long, e.g. ``5 wd``; None: as long as the rules allow.

    Raises:
        StateConflict: It is not open, over already, was extended as often as allowed, or would be longer than allowed.
        InputError: ``by`` is no length of time.
    """
    rules, allowed = desk.rules.deadlines, longest_extension(desk)
    wanted = Duration.parse(by) if isinstance(by, str) else by or allowed
    if wanted is None or wanted.count == 0:
        raise InputError("延期时长应写成 5 wd（工作日）、10 d（自然日）或 24 h")
    term = next(iter(rows.standing(connection, appeal_id, step=FINISH)), None)
    if term is None or term.paused_at is not None:
        raise StateConflict("该诉求没有正在计算的办理时限，不能延期")
    if term.extensions >= rules.extensions:
        raise StateConflict(f"办理时限只能延期{rules.extensions}次")
    if term.is_over(at):
        raise StateConflict("办理时限已过，不能再延期")
    longest = rules.extended(term.started_at, term.due_at, allowed)
    due = rules.extended(term.started_at, term.due_at, wanted)
    if due.due_at > longest.due_at:
        raise StateConflict(f"每次延期最长{allowed}")
    return _renew(connection, term, due, at=at, extensions=term.extensions + 1)


def longest_extension(desk: Desk) -> Duration:
    """Return how long a term may be extended at a time.

    Raises:
        StateConflict: The rules of the place allow none.
    """
    allowed = desk.rules.deadlines.extension
    if allowed is None:
        raise StateConflict("现行时限规则不允许延期")
    return allowed


def suspend(connection: Connection, appeal_id: UUID, step: str, *, at: datetime) -> None:
    """Stop the clock of a term, e.g. during a hearing (信访工作条例 art. 35: its time is not counted).

    Raises:
        StateConflict: No term of the step is running.
    """
    running = [term for term in rows.standing(connection, appeal_id, step=step) if term.paused_at is None]
    if not running:
        raise StateConflict(f"没有正在计算的“{STEPS[step]}”时限")
    rows.change(connection, [term.id for term in running], paused_at=at, next_at=None)


def resume(connection: Connection, desk: Desk, appeal_id: UUID, step: str, *, at: datetime) -> Term:
    """Let a suspended term go on: its end moves by the time that it stood still, in days where it ends with a day.

    Raises:
        StateConflict: No term of the step is suspended.
    """
    term = next((term for term in rows.standing(connection, appeal_id, step=step) if term.paused_at), None)
    if term is None or term.paused_at is None:
        raise StateConflict(f"没有中止的“{STEPS[step]}”时限")
    due_at = _later(term.due_at, term.paused_at, at)
    due = desk.rules.deadlines.until(step, term.started_at + (at - term.paused_at), due_at, term.rule)
    return _renew(connection, term, due, at=at, paused_at=None)


def passed(connection: Connection, appeal_id: UUID, step: str, *, at: datetime) -> bool:
    """Say whether the open term of a step is over, e.g. whether a unit may no longer return an appeal."""
    return any(term.is_over(at) for term in rows.standing(connection, appeal_id, step=step))


def of(connection: Connection, appeal_id: UUID) -> list[Term]:
    """Return the terms of an appeal, oldest first; empty where the appeal is not visible."""
    return rows.of(connection, appeal_id)


def _new(appeal_id: UUID, step: str, due: Due, *, unit: str, started_at: datetime, now: datetime) -> NewTerm:
    silent = step in WINDOWS
    fresh = NewTerm(
        appeal_id=appeal_id,
        step=step,
        unit=unit,
        rule=due.rule,
        started_at=started_at,
        due_at=due.due_at,
        half_at=None if silent else due.half_at,
        most_at=None if silent else due.most_at,
        next_at=None if silent else due.half_at,
    )
    over = due.due_at < now and not silent
    return replace(fresh, reminded=OVER, next_at=None) if over else fresh


def _renew(connection: Connection, term: Term, due: Due, *, at: datetime, **values: object) -> Term:
    """Give a term a new end; marks that lie behind stay told, those ahead are told again."""
    silent = term.step in WINDOWS
    later = replace(
        term,
        due_at=due.due_at,
        rule=due.rule,
        half_at=None if silent else due.half_at,
        most_at=None if silent else due.most_at,
    )
    reminded = min(later.used(at), term.reminded)
    changed: dict[str, object] = {
        "due_at": later.due_at,
        "rule": later.rule,
        "half_at": later.half_at,
        "most_at": later.most_at,
        "reminded": reminded,
        "next_at": later.next_look(reminded),
        **values,
    }
    rows.change(connection, [term.id], **changed)
    if term.step == FINISH:
        _note_finish(connection, term.appeal_id, due.due_at)
    return next(found for found in rows.of(connection, term.appeal_id) if found.id == term.id)


def _later(due_at: datetime, paused_at: datetime, at: datetime) -> datetime:
    due = due_at.astimezone(CHINA)
    if due == end_of(due.date()):
        stood = (at.astimezone(CHINA).date() - paused_at.astimezone(CHINA).date()).days
        return end_of(due.date() + timedelta(days=stood))
    return due + (at - paused_at)


def _end(connection: Connection, ended: list[Term], *, state: str, at: datetime) -> int:
    rows.change(connection, [term.id for term in ended], state=state, ended_at=at, next_at=None)
    return len(ended)


def _note_finish(connection: Connection, appeal_id: UUID, due_at: datetime) -> None:
    connection.execute(update(appeals).where(appeals.c.id == appeal_id).values(finish_by=due_at))


def _facts(connection: Connection, appeal_id: UUID) -> Facts:
    """Read what terms depend on off the appeal and the present decision about it."""
    emergency = decisions.c.record[("risk", "emergency")].as_float()
    statement = (
        select(appeals.c.type, appeals.c.channel, appeals.c.function, emergency.label("emergency"))
        .outerjoin(
            decisions,
            (decisions.c.appeal_id == appeals.c.id) & (decisions.c.version == appeals.c.decision_version),
        )
        .where(appeals.c.id == appeal_id)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(f"没有诉求 {appeal_id}，或不在可见区划内")
    return Facts(
        type=row.type,
        channel=row.channel,
        emergency=(row.emergency or 0.0) >= EMERGENCY,
        utilities=row.function in UTILITIES,
    )
