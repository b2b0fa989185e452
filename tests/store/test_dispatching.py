"""Automatic dispatch over a real store: what it does with each appeal, how it is taken back, how people's judgement counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.store.dispatching import ADMIN, LAMP, Always, actions, desk_of, held, noted, post, state, told
from tests.store.filing import DISPATCHER, StandingClock, add_units, person
from triage.casework import privacy, review
from triage.casework.desk import Desk
from triage.casework.dispatch_policy import OFF, ON, SHADOW, Policy
from triage.casework.dispatching import objecting, releasing
from triage.casework.intake import NewAppeal
from triage.casework.lifecycle import handling
from triage.casework.receive import receive
from triage.decision import AUTO, Candidate, Decision, DemandText, UnitDecision
from triage.store import history, schema
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.database import Database
from triage.store.errors import NotFound, Refused, StateConflict
from triage.testing import FakeDecider, dispatch_at_once, fake_active


def test_off_notes_nothing(database: Database) -> None:
    found = post(desk_of(database, Policy(mode=OFF)))
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")
    assert noted(database, found.appeal_id) is None
    assert found.dispatch == "off"


def test_shadow_notes_what_it_would_have_done_and_leaves_it_to_people(database: Database) -> None:
    found = post(desk_of(database, Policy()))
    assert found.dispatch == SHADOW
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")
    row = noted(database, found.appeal_id)
    assert row is not None
    assert (row["outcome"], row["unit"], row["bundle"], row["release_at"]) == ("shadow", "城管局", "fake", None)
    assert actions(database, found.appeal_id) == ["received", "dispatch.shadow"]
    assert told(database, "appeal.dispatched") == []


def test_on_holds_the_appeal_and_tells_the_unit_after_the_window(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, held(), clock=clock)
    found = post(desk)
    assert state(database, found.appeal_id) == ("waiting", "held", "")
    assert told(database, "appeal.dispatched") == []
    clock.pass_(minutes=9, seconds=59)
    assert releasing.watch(desk).told == 0
    clock.pass_(seconds=1)
    assert releasing.watch(desk).told == 1
    assert state(database, found.appeal_id) == ("assigned", "dispatched", "城管局")
    assert actions(database, found.appeal_id) == ["received", "dispatch.held", "appeal.dispatched"]
    (message,) = told(database, "appeal.dispatched")
    assert (message["appeal_id"], message["unit"]) == (str(found.appeal_id), "城管局")
    with database.transaction(EVERYWHERE) as connection:
        actors = [step.actor for step in history.of(connection, found.appeal_id)]
    assert set(actors) == {"system"}
    assert releasing.watch(desk).told == 0


def test_without_a_window_the_unit_is_told_at_once(database: Database) -> None:
    found = post(desk_of(database, dispatch_at_once()))
    assert found.dispatch == "held"
    assert state(database, found.appeal_id) == ("assigned", "dispatched", "城管局")
    assert len(told(database, "appeal.dispatched")) == 1
    assert noted(database, found.appeal_id)["outcome"] == "sent"  # type: ignore[index]


def test_what_the_models_are_not_sure_of_is_never_noted(database: Database) -> None:
    found = post(desk_of(database, dispatch_at_once()), LAMP)
    assert noted(database, found.appeal_id) is None
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")


def test_a_drawn_appeal_goes_to_people_and_says_so(database: Database) -> None:
    found = post(desk_of(database, Always(mode=ON, recall=timedelta())))
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")
    assert noted(database, found.appeal_id)["outcome"] == "sampled"  # type: ignore[index]
    unit = found.decision_record["unit"]
    assert unit["decision"] == "review"
    assert "随机抽检" in unit["reason"]


@dataclass
class Altered(FakeDecider):
    """Says ``auto`` whatever it decides, and alters its decisions."""

    change: Callable[[Decision], Decision]

    def __post_init__(self) -> None:
        super().__init__()

    def decide_readings(self, readings: Any, *, contexts: Any = None) -> list[Decision]:
        def sure(found: Decision) -> Decision:
            unit = UnitDecision((Candidate("城管局", 0.99),), AUTO, "确定")
            return self.change(replace(found, unit=unit))

        return [sure(found) for found in super().decide_readings(readings, contexts=contexts)]


def sure_desk(database: Database, change: Callable[[Decision], Decision] = lambda found: found) -> Desk:
    active = replace(fake_active(), triage=Altered(change))
    return desk_of(database, dispatch_at_once(), active=active)


BARRED: dict[str, tuple[Callable[[Decision], Decision], str, str]] = {
    "risk": (lambda d: replace(d, risk=replace(d.risk, level=3)), LAMP, "风险等级3级"),
    "emergency": (lambda d: replace(d, risk=replace(d.risk, emergency=0.7)), LAMP, "紧急事项"),
    "demands": (lambda d: replace(d, demands=(DemandText("一", 0, 1), DemandText("二", 1, 2))), LAMP, "含2项诉求"),
    "conduct": (lambda d: d, "城管局工作人员态度恶劣，推诿扯皮", "自身履职问题"),
    "route_out": (lambda d: replace(d, route_out=("110", "警情")), LAMP, "应转其他渠道（110）"),
}


@pytest.mark.parametrize("code", sorted(BARRED))
def test_it_is_left_to_people_with_the_reason_in_record_and_history(database: Database, code: str) -> None:
    change, text, words = BARRED[code]
    desk = sure_desk(database, change)
    found = post(desk, text)
    assert found.dispatch == "barred"
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")
    assert found.decision_record["unit"]["decision"] == "review"
    assert words in found.decision_record["unit"]["reason"]
    with database.transaction(EVERYWHERE) as connection:
        step = next(s for s in history.of(connection, found.appeal_id) if s.action == "dispatch.barred")
    assert step.detail["bars"] == [code]
    assert noted(database, found.appeal_id) is None


def test_the_same_decider_dispatches_what_nothing_speaks_against(database: Database) -> None:
    found = post(sure_desk(database), LAMP)
    assert state(database, found.appeal_id) == ("assigned", "dispatched", "城管局")


def test_several_obstacles_are_all_named(database: Database) -> None:
    desk = sure_desk(database, lambda d: replace(d, risk=replace(d.risk, level=4, emergency=0.9)))
    found = post(desk, LAMP, no_automation=True)
    reason = found.decision_record["unit"]["reason"]
    assert all(words in reason for words in ("第二十四条", "风险等级4级", "紧急事项"))


def test_an_appeal_that_joins_a_serious_event_waits_for_a_person(database: Database) -> None:
    desk = sure_desk(database)
    first = receive(desk, SYSTEM, NewAppeal(content=LAMP))
    with database.transaction(EVERYWHERE) as connection:
        for table, found in ((schema.events, first.event_id), (schema.appeals, first.appeal_id)):
            connection.execute(table.update().where(table.c.id == found).values(risk_level=3))
    second = receive(desk, SYSTEM, NewAppeal(content=LAMP))
    assert second.event_id == first.event_id
    assert "所属事件风险等级3级" in second.decision_record["unit"]["reason"]


def test_an_old_ticket_that_is_recorded_later_is_not_dispatched(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, dispatch_at_once(), clock=clock)
    old = post(desk, received_at=clock() - timedelta(days=30))
    late = post(desk, received_at=clock() - timedelta(hours=2))
    assert "补录" in old.decision_record["unit"]["reason"]
    assert state(database, late.appeal_id)[0] == "assigned"


def test_a_person_takes_it_back_before_the_unit_is_told(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, held(), clock=clock)
    found = post(desk)
    clock.pass_(minutes=5)
    view = releasing.recall(desk, DISPATCHER, found.appeal_id)
    assert (view.case_state, view.delivery_state, view.unit) == ("waiting", "proposed", "")
    clock.pass_(hours=1)
    assert releasing.watch(desk).told == 0
    assert told(database, "appeal.dispatched") == []
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")
    assert actions(database, found.appeal_id)[-1] == "appeal.recalled"


def test_after_the_unit_was_told_it_is_too_late(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, held(), clock=clock)
    found = post(desk)
    clock.pass_(minutes=10)
    releasing.watch(desk)
    with pytest.raises(StateConflict, match=r"撤回时限已过.*请改派"):
        releasing.recall(desk, DISPATCHER, found.appeal_id)


def test_what_people_dispatched_cannot_be_recalled(database: Database) -> None:
    desk = desk_of(database, held())
    found = post(desk, LAMP)
    with pytest.raises(StateConflict, match="不是自动派单"):
        releasing.recall(desk, DISPATCHER, found.appeal_id)


def test_nobody_recalls_what_they_may_not_see_or_change(database: Database) -> None:
    desk = desk_of(database, held())
    found = post(desk, district="龙华区")
    with pytest.raises(NotFound):
        releasing.recall(desk, person("dispatcher", "秀英区"), found.appeal_id)
    with pytest.raises(Refused):
        releasing.recall(desk, person("intake"), found.appeal_id)


def test_a_person_who_is_quicker_dispatches_it_and_the_machine_stays_silent(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, held(), clock=clock)
    found = post(desk)
    review.confirm(desk, DISPATCHER, found.appeal_id)
    clock.pass_(hours=1)
    assert releasing.watch(desk).told == 0
    assert len(told(database, "appeal.dispatched")) == 1
    row = noted(database, found.appeal_id)
    assert row is not None
    assert (row["outcome"], row["agreed"]) == ("overtaken", True)
    with pytest.raises(StateConflict, match="已由人工处理"):
        releasing.recall(desk, DISPATCHER, found.appeal_id)


def test_what_is_passed_on_within_the_window_is_not_dispatched(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, held(), clock=clock)
    found = post(desk)
    handling.pass_on(desk, DISPATCHER, found.appeal_id, channel="诉讼")
    clock.pass_(hours=1)
    done = releasing.watch(desk)
    assert (done.told, done.recalled) == (0, 0)
    assert state(database, found.appeal_id)[0] == "closed"
    assert noted(database, found.appeal_id)["outcome"] == "overtaken"  # type: ignore[index]
    with pytest.raises(StateConflict, match="已由人工"):
        releasing.recall(desk, DISPATCHER, found.appeal_id)


def test_an_event_that_becomes_serious_within_the_window_gives_its_appeals_back(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, held(), clock=clock)
    found = post(desk)
    with database.transaction(EVERYWHERE) as connection:
        table = schema.events
        connection.execute(table.update().where(table.c.id == found.event_id).values(risk_level=3))
    clock.pass_(minutes=10)
    assert releasing.watch(desk).recalled == 1
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")


def test_recall_and_release_at_the_same_instant_have_one_winner(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, held(), clock=clock)
    found = [post(desk).appeal_id for _ in range(12)]
    clock.pass_(minutes=10)
    begin = threading.Barrier(3)

    def release(_: int) -> int:
        begin.wait()
        return releasing.watch(desk).told

    def recall() -> int:
        begin.wait()
        won = 0
        for one in found:
            try:
                releasing.recall(desk, DISPATCHER, one)
                won += 1
            except StateConflict:
                pass
        return won

    with ThreadPoolExecutor(3) as pool:
        recalled = pool.submit(recall)
        released = sum(pool.map(release, range(2)))
    assert recalled.result() + released == 12
    assert len(told(database, "appeal.dispatched")) == released
    assert {state(database, one)[1] for one in found} <= {"dispatched", "proposed"}


def test_people_who_confirm_agree_and_people_who_choose_otherwise_do_not(database: Database) -> None:
    desk = desk_of(database, Policy())
    add_units(database, "城管局", "住建局")
    good, bad = post(desk), post(desk)
    review.confirm(desk, DISPATCHER, good.appeal_id)
    review.reassign(desk, DISPATCHER, bad.appeal_id, unit="住建局", reason="不属城管职责", override=True)
    assert noted(database, good.appeal_id)["agreed"] is True  # type: ignore[index]
    assert noted(database, bad.appeal_id)["agreed"] is False  # type: ignore[index]


def test_a_unit_that_returns_an_automatic_dispatch_speaks_against_it(database: Database) -> None:
    desk = desk_of(database, dispatch_at_once())
    found = post(desk)
    assert noted(database, found.appeal_id)["agreed"] is None  # type: ignore[index]
    review.send_back(desk, DISPATCHER, found.appeal_id, reason="非本单位职责")
    assert noted(database, found.appeal_id)["agreed"] is False  # type: ignore[index]


def test_the_latest_judgement_counts(database: Database) -> None:
    desk = desk_of(database, Policy())
    found = post(desk)
    review.confirm(desk, DISPATCHER, found.appeal_id)
    review.send_back(desk, DISPATCHER, found.appeal_id, reason="非本单位职责")
    assert noted(database, found.appeal_id)["agreed"] is False  # type: ignore[index]


def test_an_appellant_who_objects_at_intake_gets_a_person(database: Database) -> None:
    found = post(desk_of(database, dispatch_at_once()), no_automation=True)
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")
    assert "个人信息保护法第二十四条" in found.decision_record["unit"]["reason"]
    with database.transaction(EVERYWHERE) as connection:
        steps = history.of(connection, found.appeal_id)
    assert steps[0].detail["no_automation"] is True
    assert steps[1].detail["bars"] == ["objection"]


def test_the_objection_holds_for_later_appeals_of_the_same_person_only(database: Database) -> None:
    desk = desk_of(database, dispatch_at_once())
    post(desk, user="王某", no_automation=True)
    later, other = post(desk, user=" 王某 "), post(desk, user="李某")
    assert later.dispatch == "barred"
    assert state(database, other.appeal_id)[0] == "assigned"


def test_an_objection_within_the_window_takes_it_back(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, held(), clock=clock)
    found = post(desk)
    assert objecting.object_to_automation(desk, person("intake"), found.appeal_id).effect == "recalled"
    clock.pass_(hours=1)
    assert releasing.watch(desk).told == 0
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")


def test_an_objection_after_the_dispatch_brings_a_review_by_a_person(database: Database) -> None:
    desk = desk_of(database, dispatch_at_once())
    found = post(desk)
    assert objecting.object_to_automation(desk, person("intake"), found.appeal_id).effect == "review"
    assert objecting.to_review(desk, DISPATCHER) == [found.appeal_id]
    handling.accept(desk, DISPATCHER, found.appeal_id)
    assert objecting.to_review(desk, DISPATCHER) == [found.appeal_id]
    view = objecting.keep_dispatch(desk, DISPATCHER, found.appeal_id)
    assert (view.delivery_state, view.unit) == ("accepted", "城管局")
    assert objecting.to_review(desk, DISPATCHER) == []
    assert noted(database, found.appeal_id)["agreed"] is True  # type: ignore[index]
    with pytest.raises(StateConflict, match="已由人工复核"):
        objecting.keep_dispatch(desk, DISPATCHER, found.appeal_id)


def test_saying_it_twice_changes_nothing(database: Database) -> None:
    desk = desk_of(database, Policy())
    found = post(desk)
    for _ in range(2):
        assert objecting.object_to_automation(desk, DISPATCHER, found.appeal_id).effect == "noted"
    assert actions(database, found.appeal_id).count("appeal.automation_refused") == 1


def test_reviews_of_other_districts_are_not_listed(database: Database) -> None:
    desk = desk_of(database, dispatch_at_once())
    found = post(desk, district="龙华区")
    objecting.object_to_automation(desk, DISPATCHER, found.appeal_id)
    assert objecting.to_review(desk, person("dispatcher", "秀英区")) == []
    with pytest.raises(NotFound):
        objecting.object_to_automation(desk, person("intake", "秀英区"), found.appeal_id)


def test_what_was_dispatched_goes_with_the_appeal(database: Database) -> None:
    desk = desk_of(database, held())
    post(desk, user="王某", no_automation=True)
    privacy.erase(desk, ADMIN, "王某")
    again = post(desk, user="王某")
    assert again.dispatch == "held", "an erased person leaves no mark by which they are known again"
