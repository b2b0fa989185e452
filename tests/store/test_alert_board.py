"""Warnings as the duty officer sees them: red first, those of one event together, with reasons; and handing them on."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from tests.store.filing import CLOCK, LONGHUA, file_appeal, file_event, person, rows
from triage.casework import alert_board, alerts, forwarding, targets
from triage.casework.desk import Desk
from triage.casework.targets import Mailroom, Wish
from triage.errors import InputError
from triage.notify import Guard, NetworkRules
from triage.store import schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import NotFound, Refused
from triage.store.sealing import Seal
from triage.testing import fake_desk

OFFICER, ADMIN = person("officer"), person("admin")


@pytest.fixture
def desk(database: Database) -> Desk:
    return fake_desk(database, clock=CLOCK)


def raise_alert(
    database: Database,
    event: UUID,
    *,
    level: int = 3,
    district: str = "龙华区",
    minutes_ago: int = 0,
    reason: str = "群体性",
) -> UUID:
    appeal, alert = file_appeal(database, event_id=event, district=district), uuid4()
    values = {"id": alert, "event_id": event, "appeal_id": appeal, "district": district, "level": level}
    with database.transaction(EVERYWHERE) as connection:
        at = CLOCK() - timedelta(minutes=minutes_ago)
        connection.execute(insert(schema.alerts).values(**values, reason=reason, at=at))
    return alert


def raise_level(database: Database, event: UUID, *, reason: str, district: str = "龙华区") -> None:
    values = {"event_id": event, "district": district, "level_from": 2, "level_to": 3, "ground": "heads"}
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.warnings.escalations).values(**values, reason=reason, at=CLOCK()))


def receiver(database: Database, name: str, *, districts: tuple[str, ...] = ("*",)) -> UUID:
    rules = NetworkRules(hosts=frozenset({"hook.city.gov.cn"}))
    room = Mailroom(database=database, seal=Seal(b"k" * 32), guard=Guard(rules=rules), clock=CLOCK)
    wish = Wish(name=name, kind="webhook", address={"url": "https://hook.city.gov.cn/x"}, districts=districts)
    return targets.add(room, ADMIN, wish).target.id


def test_red_comes_before_orange_and_the_latest_first(database: Database, desk: Desk) -> None:
    orange, red, older_red = (file_event(database) for _ in range(3))
    raise_alert(database, orange, level=3)
    raise_alert(database, red, level=4, minutes_ago=5)
    raise_alert(database, older_red, level=4, minutes_ago=9)
    found = alert_board.board(desk, OFFICER)
    assert [group.event.id for group in found.groups] == [red, older_red, orange]
    assert found.counts == {4: 2, 3: 1}


def test_warnings_of_one_event_stand_together_with_every_reason_once(database: Database, desk: Desk) -> None:
    event = file_event(database, district="")
    raise_alert(database, event, level=3, reason="反映人数达20人", minutes_ago=3)
    raise_alert(database, event, level=4, district="秀英区")
    for reason in ("反映人数达20人", "同一诉求人第3次反映", "同一诉求人第3次反映"):
        raise_level(database, event, reason=reason)
    (group,) = alert_board.board(desk, OFFICER).groups
    assert (group.level, [alert.level for alert in group.alerts]) == (4, [4, 3])
    assert [reason.reason for reason in group.further] == ["同一诉求人第3次反映"]


def test_a_district_sees_its_own_warnings(database: Database, desk: Desk) -> None:
    mine, theirs = file_event(database), file_event(database, district="秀英区")
    raise_alert(database, mine)
    raise_alert(database, theirs, district="秀英区", level=4)
    found = alert_board.board(desk, LONGHUA)
    assert [group.event.id for group in found.groups] == [mine]
    assert found.counts == {3: 1}


def test_an_acknowledged_warning_moves_to_its_own_list_with_a_name(database: Database, desk: Desk) -> None:
    event = file_event(database)
    alert = raise_alert(database, event)
    before = alert_board.board(desk, OFFICER)
    alerts.acknowledge(desk, OFFICER, alert)
    assert alert_board.board(desk, OFFICER).groups == ()
    (group,) = alert_board.board(desk, OFFICER, state=alert_board.ACKNOWLEDGED).groups
    assert group.alerts[0].acknowledged_by == OFFICER.name
    assert before.newest != ""


def test_only_one_level_can_be_looked_at(database: Database, desk: Desk) -> None:
    event = file_event(database)
    raise_alert(database, event, level=3)
    assert alert_board.board(desk, OFFICER, level=4).groups == ()
    assert len(alert_board.board(desk, OFFICER, level=3).groups) == 1


def test_a_forwarded_warning_goes_to_the_chosen_receivers_and_nobody_else(database: Database, desk: Desk) -> None:
    alert = raise_alert(database, file_event(database))
    chosen, other = receiver(database, "公安指挥平台"), receiver(database, "另一平台")
    sent = forwarding.forward(desk, OFFICER, alert, to=[chosen, chosen])
    assert [one.name for one in sent] == ["公安指挥平台"]
    assert [row["target_id"] for row in rows(database, "deliveries")] == [chosen]
    assert other != chosen
    (message,) = rows(database, "outbox", topic="alert.forwarded")
    assert message["state"] == "routed"
    (step,) = rows(database, "history", action="alert.forwarded")
    assert step["detail"]["receivers"] == ["公安指挥平台"]  # type: ignore[index]


def test_a_warning_of_one_district_goes_to_no_receiver_of_another(database: Database, desk: Desk) -> None:
    alert = raise_alert(database, file_event(database))
    elsewhere = receiver(database, "秀英区值班群", districts=("秀英区",))
    assert forwarding.receivers(desk, LONGHUA) == []
    with pytest.raises(NotFound, match="不接收该区划的预警"):
        forwarding.forward(desk, OFFICER, alert, to=[elsewhere])
    assert rows(database, "outbox") == []


def test_forwarding_needs_a_receiver_and_a_visible_warning(database: Database, desk: Desk) -> None:
    hidden = raise_alert(database, file_event(database, district="秀英区"), district="秀英区")
    everywhere = receiver(database, "公安指挥平台")
    with pytest.raises(InputError, match="至少选择一个接收方"):
        forwarding.forward(desk, OFFICER, hidden, to=[])
    with pytest.raises(NotFound, match="不在可见区划内"):
        forwarding.forward(desk, LONGHUA, hidden, to=[everywhere])
    with pytest.raises(Refused):
        forwarding.forward(desk, person("analyst"), hidden, to=[everywhere])
