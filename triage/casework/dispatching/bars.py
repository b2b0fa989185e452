"""What is never dispatched by machine, however certain it is; each obstacle with its reason for people.

Most of this list keeps the assembler from saying ``auto`` in the first place. It is asked again here, of the decision itself,
because this is the last place before a unit gets the appeal and any decider may stand behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, select

from triage.assembly import EMERGENCY, SERIOUS
from triage.casework.desk import Desk
from triage.casework.intake import Prepared
from triage.decision import Decision
from triage.rules import color, complained_about
from triage.rules.deadlines import CHINA
from triage.store import schema

BACKDATED = timedelta(days=1)
"""What came in so long before it is recorded is an old ticket, as in a file of last year's: its unit has had it long ago."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One obstacle.

    Attributes:
        code: For history and statistics.
        reason: For people, in Chinese; never in the appeal's words.
    """

    code: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Matter:
    """An appeal with all that an obstacle may lie in.

    Attributes:
        decision: What is proposed; there is a first candidate.
        text: The normalised text.
        refused: Whether the appellant objects to a decision by machine alone.
        event_risk: Level of its event, 0 … 4.
        backdated: Whether it came in long before it is recorded (`BACKDATED`).
        supplement: Whether it adds to an open ticket.
        known: Whether its unit exists today, as far as a list of units says.
        names: What the unit is called.
    """

    decision: Decision
    text: str
    refused: bool
    event_risk: int
    backdated: bool
    supplement: bool
    known: bool
    names: Sequence[str]


def bars_of(matter: Matter) -> tuple[Bar, ...]:
    """Return every obstacle; empty if the appeal may go to its unit without a person."""
    found = ((code, find(matter)) for code, find in _BARS.items())
    return tuple(Bar(code, reason) for code, reason in found if reason)


def matter_of(
    connection: Connection, desk: Desk, prepared: Prepared, decision: Decision, *, event_id: UUID, refused: bool
) -> Matter:
    """Collect what obstacles may lie in; the event's level is that after this appeal's own warnings."""
    first = decision.unit.candidates[0].name
    directory = desk.current().triage.directory
    unit = directory.get(first) if directory is not None else None
    known = directory is None or (unit is not None and unit.valid_on(desk.clock().astimezone(CHINA).date()))
    events = schema.events.c
    level = connection.execute(select(events.risk_level).where(events.id == event_id)).scalar_one()
    return Matter(
        decision=decision,
        text=prepared.reading.document.text,
        refused=refused,
        event_risk=level,
        backdated=desk.clock() - prepared.received_at > BACKDATED,
        supplement=bool(prepared.new.supplements),
        known=known,
        names=(unit.name, *unit.aliases) if unit is not None else (first,),
    )


def _risk(matter: Matter) -> str:
    level = matter.decision.risk.level
    return f"风险等级{level}级（{color(level)}），须人工确认" if level >= SERIOUS else ""


def _event_risk(matter: Matter) -> str:
    level = matter.event_risk
    serious = level >= SERIOUS > matter.decision.risk.level
    return f"所属事件风险等级{level}级（{color(level)}），须人工确认" if serious else ""


def _emergency(matter: Matter) -> str:
    return "可能属紧急事项，须人工立即确认" if matter.decision.risk.emergency >= EMERGENCY else ""


def _demands(matter: Matter) -> str:
    number = len(matter.decision.demands)
    return f"含{number}项诉求，须人工确认主办、协办单位" if number > 1 else ""


def _conduct(matter: Matter) -> str:
    about = complained_about(matter.text, matter.names) is not None
    return f"诉求反映“{matter.names[0]}”自身履职问题，须人工确认受理单位" if about else ""


def _route_out(matter: Matter) -> str:
    channel = matter.decision.route_out
    return f"应转其他渠道（{channel[0]}），须人工确认" if channel else ""


def _objection(matter: Matter) -> str:
    return "诉求人不同意仅由机器作出决定（个人信息保护法第二十四条），由人工办理" if matter.refused else ""


def _backdated(matter: Matter) -> str:
    return "补录的历史诉求，不自动派单" if matter.backdated else ""


def _supplement(matter: Matter) -> str:
    return "补充件随主单办理，不单独派单" if matter.supplement else ""


def _unit(matter: Matter) -> str:
    return "" if matter.known else "建议单位不在现行单位名录中，须人工确认"


_BARS: Mapping[str, Callable[[Matter], str]] = {
    "objection": _objection,
    "risk": _risk,
    "event_risk": _event_risk,
    "emergency": _emergency,
    "demands": _demands,
    "conduct": _conduct,
    "route_out": _route_out,
    "unit": _unit,
    "backdated": _backdated,
    "supplement": _supplement,
}
"""Code → what finds the obstacle and says why; empty where there is none."""
