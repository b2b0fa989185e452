"""Desks with automatic dispatch, and what it left in the store, for the tests of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.store.filing import StandingClock, person, rows
from triage.casework.desk import Desk
from triage.casework.dispatch_policy import ON, Policy
from triage.casework.intake import NewAppeal
from triage.casework.receive import Receipt, receive
from triage.store import appeals, history
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.database import Database
from triage.testing import NoSample, fake_desk

ADMIN = person("admin")
WASTE = "青石大道农贸市场门口垃圾堆放无人清理，请尽快安排清运"
"""The fake decider sends it to 城管局 by itself."""
LAMP = "青石大道路灯不亮，请维修"


class Always(Policy):
    """Draws every appeal."""

    def draws(self, secret: bytes, appeal_id: UUID) -> bool:
        return True


def held() -> Policy:
    return NoSample(mode=ON, recall=timedelta(minutes=10))


def desk_of(database: Database, policy: Policy, *, clock: StandingClock | None = None, **more: Any) -> Desk:
    return fake_desk(database, clock=clock or StandingClock(), dispatch=policy, **more)


_NUMBERS = iter(range(1_000_000))


def post(desk: Desk, content: str = WASTE, **more: Any) -> Receipt:
    """Post an appeal of an event of its own."""
    return receive(desk, SYSTEM, NewAppeal(content=f"{content}（第{next(_NUMBERS)}处）", **more))


def state(database: Database, appeal_id: UUID) -> tuple[str, str, str]:
    with database.transaction(EVERYWHERE) as connection:
        view = appeals.get(connection, appeal_id)
    return view.case_state, view.delivery_state, view.unit


def actions(database: Database, appeal_id: UUID) -> list[str]:
    with database.transaction(EVERYWHERE) as connection:
        return [step.action for step in history.of(connection, appeal_id)]


def noted(database: Database, appeal_id: UUID) -> dict[str, Any] | None:
    found = rows(database, "dispatches", appeal_id=appeal_id)
    return found[0] if found else None


def told(database: Database, topic: str) -> list[dict[str, Any]]:
    return [row["payload"] for row in rows(database, "outbox", topic=topic)]  # type: ignore[misc]
