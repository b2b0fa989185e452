"""What has changed since the models were trained: words, units, and how often the proposals are right."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from triage.casework.desk import ActiveTriage, Desk
from triage.casework.evaluation import learned_until
from triage.casework.learning.precision import FALLING, Share, UnitChange, unit_changes
from triage.casework.learning.words import NewWord, new_words
from triage.casework.privacy import TOMBSTONE
from triage.casework.rights import require
from triage.rules.deadlines import CHINA
from triage.service import Triage
from triage.store import labels, learning, units
from triage.store.access import Actor

MOST_DAYS = 92
MOST_JUDGED = 50_000
MOST_TEXTS = 4_000
"""Texts of either time whose words are counted; some two seconds."""
WORTH_TRAINING = 500
"""Appeals decided since the last training that are worth another one."""
_TICK = timedelta(microseconds=1)
_ENOUGH = 30
_OFF = 0.05
"""By how much the models may be surer than right before the report says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewUnit:
    """A unit of the list that the models know little or nothing of.

    Attributes:
        name: Its name.
        since: When it came into the list.
        taught: Appeals that people have given it.
        known: Whether the deciding bundle learned from any; without a local bundle no unit is.
    """

    name: str
    since: datetime
    taught: int
    known: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """The report, of what the actor may see.

    Attributes:
        before_since: Beginning of the time before.
        since: Beginning of the recent time, end of the time before.
        until: End of the recent time.
        bundle: What decides now.
        learned_until: Up to when people's decisions taught it; None where it learned from none in this store.
        labels_since: Appeals decided by people after that; what a training would learn anew.
        before: The first proposal in the time before.
        now: In the recent time.
        confidence: Mean probability that the models gave their recent proposals; None where unknown.
        units: Per unit.
        words: Words that have become frequent.
        new_units: Units that came into the list in either time, or that the deciding bundle has never met.
        withdrawn: Units that are still proposed and no longer in the list.
        warnings: Recent warnings that people judged, and the share that were ones.
        links: Pairs that people put together or parted recently, and the share put together.
        advice: What to do about it, in Chinese.
    """

    before_since: datetime
    since: datetime
    until: datetime
    bundle: str
    learned_until: datetime | None
    labels_since: int
    before: Share
    now: Share
    confidence: float | None
    units: tuple[UnitChange, ...]
    words: tuple[NewWord, ...]
    new_units: tuple[NewUnit, ...]
    withdrawn: tuple[str, ...]
    warnings: Share
    links: Share
    advice: tuple[str, ...]


def drift(desk: Desk, actor: Actor, *, days: int = 7, before: int = 56) -> Drift:
    """Compare the latest days with the weeks before.

    Args:
        desk: The desk.
        actor: Officer, analyst or administrator; the report covers their districts.
        days: The recent time, 1 … `MOST_DAYS` days.
        before: The time before it, 1 … four times `MOST_DAYS` days.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "report.read")
    until = desk.clock()
    since = until - timedelta(days=max(1, min(days, MOST_DAYS)))
    start = since - timedelta(days=max(1, min(before, 4 * MOST_DAYS)))
    active = desk.current()
    with desk.database.transaction(actor.scope) as connection:
        judged = labels.proposals(connection, since=start, most=MOST_JUDGED)
        recent_texts = learning.texts(connection, since=since, until=until, most=MOST_TEXTS, erased=TOMBSTONE)
        earlier_texts = learning.texts(connection, since=start, until=since, most=MOST_TEXTS, erased=TOMBSTONE)
        listed = set(units.names(connection, day=until.astimezone(CHINA).date()))
        fresh = _new_units(connection, active, start, listed=listed)
        warnings, links = _others_judged(connection, since)
        learned = learned_until(active)
        taught = learning.taught(connection, since=learned + _TICK if learned else start)
    recent = [one for one in judged if one.at >= since]
    changes = unit_changes(recent, [one for one in judged if one.at < since])
    sure = [one.confidence for one in recent if one.confidence is not None]
    found = Drift(
        before_since=start,
        since=since,
        until=until,
        bundle=active.bundle,
        learned_until=learned,
        labels_since=sum(taught.values()),
        before=Share.of([one for one in judged if one.at < since]),
        now=Share.of(recent),
        confidence=round(sum(sure) / len(sure), 4) if sure else None,
        units=changes,
        words=new_words(recent_texts, earlier_texts, words=desk.words),
        new_units=fresh,
        withdrawn=tuple(sorted({change.unit for change in changes} - listed)) if listed else (),
        warnings=warnings,
        links=links,
        advice=(),
    )
    return _advised(found)


def _others_judged(connection: Connection, since: datetime) -> tuple[Share, Share]:
    risks = labels.risks(connection, since=since, most=MOST_JUDGED)
    pairs = labels.pairs(connection, since=since, most=MOST_JUDGED)
    real = sum(risk.judged > 0 for risk in risks)
    same = sum(pair.same for pair in pairs)
    return Share.counted(len(risks), real), Share.counted(len(pairs), same)


def _new_units(
    connection: Connection, active: ActiveTriage, start: datetime, *, listed: Set[str]
) -> tuple[NewUnit, ...]:
    """Return units of today that came after the first list, in either time, or whose appeals taught the bundle nothing."""
    rows = units.list_units(connection, withdrawn=True)
    begun: dict[str, datetime] = {}
    for row in rows:
        name = row.unit.name
        begun[name] = min(begun.get(name, row.recorded_at), row.recorded_at)
    first = min(begun.values(), default=start)
    known = _known_units(active)
    taught = learning.taught(connection, since=start - timedelta(days=365))
    return tuple(
        NewUnit(name=name, since=begun[name], taught=taught.get(name, 0), known=name in known)
        for name in sorted(listed)
        if begun[name] > max(first, start) or (known and name not in known)
    )


def _known_units(active: ActiveTriage) -> frozenset[str]:
    triage = active.triage
    if not isinstance(triage, Triage) or triage.local is None:
        return frozenset()
    return frozenset(triage.local.text.classes["unit"])


def _advised(found: Drift) -> Drift:
    """Add what to do."""
    said = []
    falling = [change.unit for change in found.units if change.verdict == FALLING]
    if falling:
        said.append(
            f"{'、'.join(falling[:5])}等{len(falling)}个单位的建议准确率明显下降，请核对职责是否调整，并重新训练"
        )
    if found.before.n >= _ENOUGH and found.now.n >= _ENOUGH and found.now.high < found.before.low:
        said.append("总体首选准确率明显下降，请重新训练（triage train --from-store）")
    sure, now = found.confidence, found.now
    if sure is not None and now.n >= _ENOUGH and now.high < sure - _OFF:
        said.append(f"模型自评把握（{sure:.0%}）高于实际准确率（{now.share:.0%}），自动派单门槛已不可靠，请重新训练")
    unmet = [unit.name for unit in found.new_units if not unit.known and unit.taught]
    if unmet and found.learned_until is not None:
        said.append(f"{'、'.join(unmet[:5])}等{len(unmet)}个单位已有人工派单而现用模型未学过，请重新训练")
    if found.withdrawn:
        said.append(f"{'、'.join(found.withdrawn[:5])}已不在单位名录中，近期仍被建议")
    if found.labels_since >= WORTH_TRAINING:
        said.append(f"现用模型训练后又有 {found.labels_since} 件人工派单可供学习")
    return replace(found, advice=tuple(said))
