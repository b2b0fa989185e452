"""What the store holds, in a few figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select, text

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.store.access import Actor
from triage.store.schema import appeals

_TOP = 8

# Under row-level security, as everything the service's role reads.
_PROPOSED = text("""
    SELECT coalesce(nullif(a.unit, ''), d.record #>> '{unit,candidates,0,name}', a.function) AS name, count(*) AS number
    FROM appeals a JOIN decisions d ON d.appeal_id = a.id AND d.version = a.decision_version
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :top
""")
_EVENTS = text("""
    SELECT count(*) AS events, coalesce(sum(size), 0) AS linked
    FROM (SELECT count(*) AS size FROM appeals GROUP BY event_id HAVING count(*) > 1) AS shared
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What the actor may see of the store.

    Attributes:
        total: Appeals.
        states: Case state → appeals.
        risks: Appeals of risk level 0 … 4; five numbers.
        events: Events of two or more appeals.
        linked: Appeals in those events.
        units: The most frequent responsible or, before dispatch, proposed units (functions where no unit is proposed).
    """

    total: int
    states: Mapping[str, int]
    risks: Sequence[int]
    events: int
    linked: int
    units: Mapping[str, int]


def summarise(desk: Desk, actor: Actor) -> Summary:
    """Count everything the actor may see.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "report.read")
    with desk.database.transaction(actor.scope) as connection:
        risks = _counted(connection, appeals.c.risk_level)
        states = _counted(connection, appeals.c.case_state)
        shared = connection.execute(_EVENTS).one()
        units = connection.execute(_PROPOSED, {"top": _TOP})
        return Summary(
            total=sum(risks.values()),
            states=states,
            risks=[risks.get(str(level), 0) for level in range(5)],
            events=int(shared.events),
            linked=int(shared.linked),
            units={row.name: row.number for row in units},
        )


def _counted(connection: Connection, column: ColumnElement[str] | ColumnElement[int]) -> dict[str, int]:
    number = func.count().label("number")
    rows = connection.execute(select(column.label("name"), number).group_by(column).order_by(number.desc(), column))
    return {str(row.name): row.number for row in rows}
