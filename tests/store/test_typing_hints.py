"""Hints while somebody is writing: nothing is stored, nothing of other districts is told."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from triage.casework.intake import NewAppeal
from triage.casework.receive import receive
from triage.casework.typing import hint
from triage.store import schema
from triage.store.access import EVERYWHERE, SYSTEM, Actor, Scope
from triage.store.database import Database
from triage.store.errors import Refused
from triage.testing import fake_desk

SMOKE = "柳溪路枫桥花园小区楼下烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡，多次投诉没有结果"


def test_a_draft_gets_units_risk_and_duplicates_and_is_not_stored(database: Database) -> None:
    desk = fake_desk(database)
    stored = receive(desk, SYSTEM, NewAppeal(content=f"{SMOKE}，电话13800138000", title="讨薪"))
    found = hint(desk, SYSTEM, NewAppeal(content=f"{SMOKE}，电话13800138000"))
    assert [unit.name for unit in found.units] == ["住建局"]
    assert found.risk.level == 0
    assert found.demands == ()
    (similar,) = found.similar
    assert similar.appeal.id == stored.appeal_id
    assert similar.probability > 0.9
    assert not similar.vetoed
    assert "13800138000" not in repr(found.similar)
    with database.transaction(EVERYWHERE) as connection:
        assert connection.execute(select(func.count()).select_from(schema.appeals)).scalar_one() == 1


def test_a_draft_is_not_compared_with_other_districts(database: Database) -> None:
    desk = fake_desk(database)
    receive(desk, SYSTEM, NewAppeal(content=SMOKE, district="南汀区"))
    north = Actor(name="key:1", role="intake", scope=Scope(("北屏区", "云岫县")))
    assert hint(desk, north, NewAppeal(content=SMOKE)).similar == ()


@pytest.mark.parametrize("text", ["", " ", "路", "\0"])
def test_hardly_any_text_gets_a_hint_too(database: Database, text: str) -> None:
    assert hint(fake_desk(database), SYSTEM, NewAppeal(content=text)).units


def test_an_analyst_gets_no_hints(database: Database) -> None:
    with pytest.raises(Refused):
        hint(fake_desk(database), Actor(name="user:1", role="analyst", scope=EVERYWHERE), NewAppeal(content=SMOKE))
