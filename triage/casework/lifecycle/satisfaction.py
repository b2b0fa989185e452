"""响应率, 解决率, 满意率 by unit, counted over the cases that were called back or evaluated in a stretch of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, text
from sqlalchemy.types import DateTime

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.errors import InputError
from triage.store.access import Actor

LONGEST = timedelta(days=400)
"""A year and the month before it, to compare with."""

# What counts of a case is the latest that was said about each question; an evaluation by the appellant comes before what
# was said at a call back. A case that nobody was reached for counts as asked only; one that was passed on without a unit is
# nobody's work.
_RATES = text(
    """
    WITH said AS (
      SELECT appeal_id, unit, kind, reached, responded, solved, satisfaction, at, id FROM answers
      WHERE at >= :since AND at < :until AND unit <> ''
    ), cases AS (
      SELECT unit, appeal_id,
        bool_or(reached) AS reached,
        (array_agg(responded ORDER BY at DESC, id DESC) FILTER (WHERE responded IS NOT NULL))[1] AS responded,
        (array_agg(solved ORDER BY kind = 'evaluation' DESC, at DESC, id DESC)
          FILTER (WHERE solved IS NOT NULL))[1] AS solved,
        (array_agg(satisfaction ORDER BY kind = 'evaluation' DESC, at DESC, id DESC)
          FILTER (WHERE satisfaction <> ''))[1] AS satisfaction
      FROM said GROUP BY unit, appeal_id
    )
    SELECT unit, count(*) AS asked, count(*) FILTER (WHERE reached) AS reached,
      count(responded) AS responded_of, count(*) FILTER (WHERE responded) AS responded,
      count(solved) AS solved_of, count(*) FILTER (WHERE solved) AS solved,
      count(satisfaction) AS satisfied_of,
      count(*) FILTER (WHERE satisfaction = 'satisfied') AS satisfied,
      count(*) FILTER (WHERE satisfaction = 'fairly') AS fairly
    FROM cases GROUP BY unit ORDER BY asked DESC, unit
    """
).bindparams(bindparam("since", type_=DateTime(timezone=True)), bindparam("until", type_=DateTime(timezone=True)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """What appellants said about a unit's work; a rate is None where nobody said anything.

    Attributes:
        unit: The unit; empty for all together.
        asked: Cases that were called back or evaluated.
        reached: Of these, those whose appellant was reached.
        responded_of: Cases in which somebody said whether the unit had made contact.
        responded: Of these, those in which it had.
        solved_of: Cases in which somebody said whether it is solved.
        solved: Of these, those that are.
        satisfied_of: Cases that were rated.
        satisfied: Of these, 满意.
        fairly: Of these, 基本满意.
    """

    unit: str
    asked: int
    reached: int
    responded_of: int
    responded: int
    solved_of: int
    solved: int
    satisfied_of: int
    satisfied: int
    fairly: int

    @property
    def response_rate(self) -> float | None:
        """Return 响应率, 0 to 1."""
        return _share(self.responded, self.responded_of)

    @property
    def solution_rate(self) -> float | None:
        """Return 解决率, 0 to 1."""
        return _share(self.solved, self.solved_of)

    @property
    def satisfaction_rate(self) -> float | None:
        """Return 满意率, 0 to 1: 满意 and 基本满意 together."""
        return _share(self.satisfied + self.fairly, self.satisfied_of)


def rates(desk: Desk, actor: Actor, *, since: datetime, until: datetime) -> list[Rates]:
    """Return the rates of all units together, first, and of each unit; of the actor's districts only.

    Args:
        desk: The desk.
        actor: Officer, analyst or administrator.
        since: Said at this moment or later.
        until: Said before this moment; at most `LONGEST` later.

    Raises:
        Refused: The actor may not.
        InputError: The stretch is empty or too long.
    """
    require(actor, "report.read")
    if not timedelta() < until - since <= LONGEST:
        raise InputError(f"统计时段应大于 0，且不超过 {LONGEST.days} 天")
    with desk.database.transaction(actor.scope) as connection:
        found = [Rates(**row._mapping) for row in connection.execute(_RATES, {"since": since, "until": until})]
    counted = [name for name in Rates.__slots__ if name != "unit"]
    total = {name: sum(getattr(one, name) for one in found) for name in counted}
    return [Rates(unit="", **total), *found]


def _share(some: int, of: int) -> float | None:
    return some / of if of else None
