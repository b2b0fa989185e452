"""What people decided, for training: with the texts, in the scope of whoever trains, and on record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from triage.appeal import Appeal
from triage.casework.desk import Desk
from triage.casework.learning.texts import appeals_of
from triage.casework.rights import require
from triage.directory import Directory
from triage.io.atomic import AtomicFile
from triage.rules.deadlines import CHINA
from triage.store import appeals, audit, labels, units
from triage.store.access import EVERYWHERE, Actor
from triage.store.appeals import AppealView
from triage.store.labels import UnitLabel

MOST = 100_000
"""Labels of one training or export, the latest ones; some 300 MB of texts."""
SPAN = timedelta(days=730)
"""How far back labels are read unless told otherwise: habits of dispatching change."""
_PAGE = 1_000

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """An appeal whose unit a person confirmed or chose.

    Attributes:
        appeal: As the models read it when it came in.
        unit: Full name in the present directory, where there is one.
        label: What people decided.
    """

    appeal: Appeal
    unit: str
    label: UnitLabel


@dataclass(frozen=True, kw_only=True, slots=True)
class Lessons:
    """What a training reads from the store.

    Attributes:
        rows: In order of the people's decisions, the oldest first.
        directory: The present list of units; None where the store has none.
        until: The latest decision read; None without any.
        without_unit: Appeals returned by a unit that nobody has sent elsewhere since: known whose duty it is not, only.
        withdrawn: Appeals of units that the present list does not have.
        erased: Appeals whose text was erased on request.
    """

    rows: tuple[Lesson, ...]
    directory: Directory | None
    until: datetime | None
    without_unit: int
    withdrawn: int
    erased: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many labelled rows there are, by what they say.

    Attributes:
        confirmed: Appeals whose proposed unit was confirmed.
        corrected: Appeals that a person sent elsewhere than proposed.
        returned: Appeals that a unit sent back and nobody has sent on.
        same: Pairs put together.
        apart: Pairs parted.
        warnings: Warnings judged to be ones.
        false_alarms: Warnings judged to be none.
    """

    confirmed: int
    corrected: int
    returned: int
    same: int
    apart: int
    warnings: int
    false_alarms: int


def lessons(desk: Desk, actor: Actor, *, span: timedelta = SPAN, most: int = MOST) -> Lessons:
    """Read what a training may learn from; that it was read, and how much, is in the audit.

    Training reads what inference reads, the appeals as they came in; masking is part of reading, and nothing verbatim is
    written into a bundle (`training.from_store`). Erased appeals are no longer there, anonymised ones only in their masked
    form.

    Args:
        desk: The desk.
        actor: Administrator of the whole city.
        span: How far back.
        most: Labels at the most, the latest.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "bundle.train")
    with desk.database.transaction(EVERYWHERE) as connection:
        found = labels.units(connection, since=desk.clock() - span, most=most)
        read = _lessons(connection, found)
        detail = {"appeals": len(read.rows), "days": span.days}
        audit.append(connection, actor=actor.name, action="labels.read", detail=detail)
    return read


def _lessons(connection: Connection, found: list[UnitLabel]) -> Lessons:
    directory = units.directory(connection)
    named = {label.appeal_id: _present(label.unit, directory) for label in found if label.unit}
    texts = appeals_of(connection, [id_ for id_, unit in named.items() if unit])
    rows = tuple(
        Lesson(appeal=texts[label.appeal_id], unit=named[label.appeal_id], label=label)
        for label in reversed(found)
        if label.appeal_id in texts
    )
    return Lessons(
        rows=rows,
        directory=directory,
        until=max((label.at for label in found), default=None),
        without_unit=sum(not label.unit for label in found),
        withdrawn=sum(not unit for unit in named.values()),
        erased=sum(bool(unit) for unit in named.values()) - len(rows),
    )


def _present(unit: str, directory: Directory | None) -> str:
    """Return a unit's name today; empty where it is no more. Names of old are aliases of their successors."""
    known = directory.get(unit) if directory is not None else None
    return unit if directory is None else known.name if known is not None else ""


def counts(desk: Desk, actor: Actor, *, span: timedelta = SPAN) -> Counts:
    """Count the labelled rows of the actor's districts.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "report.read")
    since = desk.clock() - span
    with desk.database.transaction(actor.scope) as connection:
        found = labels.units(connection, since=since, most=MOST)
        paired = labels.pairs(connection, since=since, most=MOST)
        judged = labels.risks(connection, since=since, most=MOST)
    kept = [label for label in found if label.unit]
    same = sum(pair.same for pair in paired)
    false = sum(not risk.judged for risk in judged)
    confirmed = sum(label.unit == label.proposed for label in kept)
    return Counts(
        confirmed=confirmed,
        corrected=len(kept) - confirmed,
        returned=len(found) - len(kept),
        same=same,
        apart=len(paired) - same,
        warnings=len(judged) - false,
        false_alarms=false,
    )


def export(desk: Desk, actor: Actor, path: Path, *, kind: str = "unit", span: timedelta = SPAN) -> int:
    """Write labelled rows of the actor's districts as JSON Lines, texts masked, and return how many; on record.

    The file of the kind ``unit`` is one that ``triage train`` reads.

    Args:
        desk: The desk.
        actor: Officer, analyst or administrator.
        path: The file that is made, readable by its owner only.
        kind: One of `KINDS`.
        span: How far back.

    Raises:
        Refused: The actor may not.
        OutputError: The file cannot be written.
    """
    require(actor, "appeal.export")
    rows, since, count = KINDS[kind], desk.clock() - span, 0
    file = AtomicFile(path, mode=0o600)
    try:
        handle = file.open()
        with desk.database.transaction(actor.scope) as connection:
            for row in rows(connection, since):
                handle.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                count += 1
            detail = {"rows": count, "kind": kind}
            audit.append(connection, actor=actor.name, action="labels.export", detail=detail)
        file.commit()
    finally:
        file.abort()
    return count


def _unit_rows(connection: Connection, since: datetime) -> Iterator[Row]:
    found = labels.units(connection, since=since, most=MOST)
    for at in range(0, len(found), _PAGE):
        part = found[at : at + _PAGE]
        views = appeals.get_many(connection, [label.appeal_id for label in part])
        yield from (_unit_row(label, views[label.appeal_id]) for label in part if label.appeal_id in views)


def _pair_rows(connection: Connection, since: datetime) -> Iterator[Row]:
    for pair in labels.pairs(connection, since=since, most=MOST):
        facts = {"id": str(pair.appeal_id), "other": str(pair.other_id), "same": pair.same}
        yield {"kind": "pair", **facts, "decided_at": _stated(pair.at)}


def _risk_rows(connection: Connection, since: datetime) -> Iterator[Row]:
    for risk in labels.risks(connection, since=since, most=MOST):
        facts = {"id": str(risk.appeal_id), "warned": risk.warned, "judged": risk.judged}
        yield {"kind": "risk", **facts, "decided_at": _stated(risk.at)}


def _unit_row(label: UnitLabel, view: AppealView) -> Row:
    return {
        "kind": "unit",
        "id": str(label.appeal_id),
        "title": view.title,
        "content": view.content,
        "created_at": _stated(view.created_at or view.received_at),
        "channel": view.channel,
        "unit": label.unit,
        "proposed": label.proposed,
        "refused": list(label.refused),
        "decided": label.kind,
        "decided_at": _stated(label.at),
        "event": str(label.event_id),
    }


def _stated(moment: datetime) -> str:
    return moment.astimezone(CHINA).isoformat(timespec="seconds")


KINDS: Mapping[str, Callable[[Connection, datetime], Iterator[Row]]] = {
    "unit": _unit_rows,
    "pair": _pair_rows,
    "risk": _risk_rows,
}
"""What is exported: whose duty an appeal is; whether two are about one event; how serious a warning was."""
