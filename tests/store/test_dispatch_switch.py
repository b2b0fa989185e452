"""What makes automatic dispatch stop, over a real store: windows, streams that get worse, several processes, resumption."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import URL, insert

from tests.store.dispatching import ADMIN, actions, desk_of, held, post, state, told
from tests.store.filing import DISPATCHER, StandingClock, file_event, person, rows
from tests.store.services import ROOT
from triage.casework import review
from triage.casework.dispatch_policy import ON, Policy
from triage.casework.dispatching import releasing, reporting, switching
from triage.casework.dispatching.switching import panel_of
from triage.errors import InputError
from triage.store import dispatch_switch, dispatches, feedback, schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.dispatches import Dispatch
from triage.store.errors import Refused, StateConflict
from triage.store.feedback import Feedback
from triage.store.ids import new_id
from triage.testing import dispatch_at_once


def file_checked(database: Database, agreed: list[bool], *, outcome: str, at: datetime, bundle: str = "fake") -> None:
    """File appeals with what was done and said about each, a minute apart, the last one at a time."""
    event, sent = file_event(database), outcome in ("held", "sent", "recalled", "overtaken")
    ids = [new_id(at) for _ in agreed]
    appeal = {"content": "路灯", "district": "龙华区", "event_id": event, "received_at": at}
    done = {"unit": "城管局", "bundle": bundle, "probability": 0.99, "outcome": outcome}
    filed = []
    for number, (id_, right) in enumerate(zip(ids, agreed, strict=True), start=1 - len(agreed)):
        moment = at + timedelta(minutes=number)
        said = None if sent and right else right  # nobody speaks up for what was sent rightly
        judged = None if said is None else moment
        filed.append({**done, "appeal_id": id_, "at": moment, "agreed": said, "judged_at": judged})
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.appeals), [{**appeal, "id": id_} for id_ in ids])
        for row in filed:
            row["release_at"] = row["at"] if sent else None
        connection.execute(insert(schema.dispatching.dispatches), filed)


def share(n: int, errors: int) -> list[bool]:
    """A window with its errors spread over it."""
    found = [True] * n
    for place in range(errors):
        found[place * n // errors] = False
    return found


def now_of(database: Database) -> dispatch_switch.Switch:
    with database.transaction(EVERYWHERE) as connection:
        return dispatch_switch.read(connection)


def test_a_good_record_lets_it_dispatch(database: Database) -> None:
    clock = StandingClock()
    file_checked(database, share(600, 12), outcome="shadow", at=clock())
    found = post(desk_of(database, dispatch_at_once(), clock=clock))
    assert state(database, found.appeal_id)[0] == "assigned"
    assert not now_of(database).fallen


@pytest.mark.parametrize("outcome", ["shadow", "sampled", "sent"])
def test_a_window_below_the_floor_stops_it_before_the_next_dispatch(database: Database, outcome: str) -> None:
    clock = StandingClock()
    file_checked(database, share(500, 26), outcome=outcome, at=clock())
    desk = desk_of(database, dispatch_at_once(), clock=clock)
    found = post(desk)
    assert found.dispatch == "shadow"
    assert state(database, found.appeal_id) == ("waiting", "proposed", "")
    switch = now_of(database)
    assert switch.fallen
    assert switch.actor == "system"
    assert "474件" in switch.reason
    (alert,) = told(database, "dispatch.fallen")
    assert "474件" in alert["reason"]
    assert (alert["target"], alert["precision"]) == ("95.0%", "92.9%")
    assert [row["action"] for row in rows(database, "audit")] == ["dispatch.fallen"]
    post(desk)
    assert len(told(database, "dispatch.fallen")) == 1


def test_only_the_last_five_hundred_count(database: Database) -> None:
    clock = StandingClock()
    file_checked(database, [False] * 200, outcome="shadow", at=clock() - timedelta(days=2))
    file_checked(database, share(500, 10), outcome="shadow", at=clock())
    assert post(desk_of(database, dispatch_at_once(), clock=clock)).dispatch == "held"


def test_the_present_models_are_not_carried_by_the_former_ones_record(database: Database) -> None:
    clock = StandingClock()
    file_checked(database, [True] * 480, outcome="shadow", at=clock() - timedelta(days=1), bundle="former")
    file_checked(database, share(20, 10), outcome="shadow", at=clock())
    assert post(desk_of(database, dispatch_at_once(), clock=clock)).dispatch == "shadow"
    assert "现用模型" in now_of(database).reason


def test_old_dispatches_count_although_the_newest_are_too_young_to_have_been_returned(database: Database) -> None:
    clock = StandingClock()
    file_checked(database, share(500, 60), outcome="sent", at=clock() - timedelta(days=5))
    file_checked(database, [True] * 600, outcome="sent", at=clock())
    assert post(desk_of(database, dispatch_at_once(), clock=clock)).dispatch == "shadow"
    assert "退单时限" in now_of(database).reason


def test_the_worker_stops_it_though_nobody_posts(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, held(), clock=clock)
    waiting = post(desk)
    file_checked(database, share(500, 40), outcome="sampled", at=clock())
    assert releasing.watch(desk).fell
    assert not releasing.watch(desk).fell
    clock.pass_(minutes=10)
    done = releasing.watch(desk)
    assert (done.told, done.recalled) == (0, 1)
    assert state(database, waiting.appeal_id) == ("waiting", "proposed", "")
    assert actions(database, waiting.appeal_id)[-1] == "appeal.recalled"


def test_shadow_neither_falls_nor_alarms_anybody(database: Database) -> None:
    clock = StandingClock()
    file_checked(database, share(500, 100), outcome="shadow", at=clock())
    desk = desk_of(database, Policy(), clock=clock)
    post(desk)
    releasing.watch(desk)
    assert not now_of(database).fallen
    status = reporting.status(panel_of(desk), ADMIN)
    assert not status.judgements[0].holds


def test_several_processes_that_see_the_fall_record_and_tell_it_once(database_url: URL) -> None:
    clock, houses = StandingClock(), [Database(database_url, patience=0.5) for _ in range(4)]
    file_checked(houses[0], share(500, 50), outcome="shadow", at=clock())
    desks = [desk_of(house, dispatch_at_once(), clock=clock) for house in houses]
    begin = threading.Barrier(8)

    def act(number: int) -> str:
        begin.wait()
        if number % 2:
            return str(releasing.watch(desks[number // 2]).fell)
        return post(desks[number // 2]).dispatch

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(act, range(8)))
    assert done.count("shadow") == 4
    assert len(told(houses[0], "dispatch.fallen")) == 1
    assert [row["state"] for row in rows(houses[0], "dispatch_switch")] == ["fallen"]
    for house in houses:
        house.close()


def test_it_stays_off_until_people_resume_it_with_a_good_record_since(database: Database) -> None:
    clock = StandingClock()
    file_checked(database, share(500, 50), outcome="shadow", at=clock())
    desk = desk_of(database, dispatch_at_once(), clock=clock)
    panel = panel_of(desk)
    post(desk)
    clock.pass_(days=30)
    assert post(desk).dispatch == "shadow"
    clock.pass_(minutes=1)
    file_checked(database, share(40, 12), outcome="shadow", at=clock())
    with pytest.raises(StateConflict, match="仍不足以恢复"):
        switching.resume(panel, ADMIN, reason="模型已更新")
    assert now_of(database).fallen
    assert told(database, "dispatch.resumed") == []
    clock.pass_(days=1)
    file_checked(database, [True] * 500, outcome="shadow", at=clock())
    assert switching.resume(panel, ADMIN, reason="模型已更新").epoch == 1
    assert post(desk).dispatch == "held"
    assert len(told(database, "dispatch.resumed")) == 1


def test_it_falls_again_in_its_second_life(database: Database) -> None:
    clock = StandingClock()
    desk = desk_of(database, dispatch_at_once(), clock=clock)
    switching.suspend(panel_of(desk), ADMIN, reason="演练")
    clock.pass_(days=1)
    switching.resume(panel_of(desk), ADMIN, reason="演练结束")
    clock.pass_(days=1)
    file_checked(database, share(500, 50), outcome="sampled", at=clock())
    assert post(desk).dispatch == "shadow"
    assert (now_of(database).epoch, now_of(database).fallen) == (1, True)
    assert len(told(database, "dispatch.fallen")) == 2


def test_an_administrator_stops_it_at_once(database: Database) -> None:
    desk = desk_of(database, dispatch_at_once())
    assert switching.suspend(panel_of(desk), ADMIN, reason="系统割接")
    assert not switching.suspend(panel_of(desk), ADMIN, reason="系统割接")
    assert post(desk).dispatch == "shadow"
    (message,) = told(database, "dispatch.fallen")
    assert "割接" not in json.dumps(message, ensure_ascii=False)
    assert now_of(database).reason == "系统割接"


def test_only_administrators_of_the_whole_city_turn_the_switch(database: Database) -> None:
    panel = panel_of(desk_of(database, dispatch_at_once()))
    for actor in (DISPATCHER, person("officer"), person("admin", "龙华区")):
        with pytest.raises(Refused):
            switching.suspend(panel, actor, reason="试试")
        with pytest.raises(Refused):
            switching.resume(panel, actor, reason="试试")
    with pytest.raises(InputError, match="请写明理由"):
        switching.suspend(panel, ADMIN, reason=" ")
    with pytest.raises(StateConflict, match="没有停用"):
        switching.resume(panel, ADMIN, reason="试试")


def test_a_drift_is_stopped_while_few_wrong_dispatches_have_been_made(database: Database) -> None:
    """500 checked at 98 %, then 80 %: units return what is wrong, people judge a twentieth themselves."""
    chance, clock = random.Random(7), StandingClock()
    policy = Policy(mode=ON, recall=timedelta())
    desk = desk_of(database, policy, clock=clock)
    file_checked(database, share(500, 10), outcome="shadow", at=clock())
    event, wrong, sent = file_event(database), 0, 0
    for _ in range(600):
        clock.pass_(minutes=1)
        with database.transaction(EVERYWHERE) as connection:
            if not switching.may_dispatch(connection, panel_of(desk)):
                break
            right, id_ = chance.random() < 0.8, new_id(clock())
            drawn = policy.draws(desk.secret, id_)
            connection.execute(
                insert(schema.appeals), {"id": id_, "content": "x", "event_id": event, "received_at": clock()}
            )
            outcome = "sampled" if drawn else "sent"
            done = Dispatch(
                appeal_id=id_,
                unit="城管局",
                bundle="fake",
                probability=0.9,
                outcome=outcome,
                at=clock(),
                release_at=None if drawn else clock(),
            )
            dispatches.add(connection, done)
            if drawn or not right:
                label = Feedback(
                    appeal_id=id_,
                    decision_version=1,
                    kind="confirm" if right else "return",
                    actor="user:1",
                    at=clock(),
                    unit_from="城管局",
                    unit_to="城管局" if right else "",
                )
                feedback.add(connection, [label])
            sent += not drawn
            wrong += not drawn and not right
    assert now_of(database).fallen
    assert sent < 200
    assert wrong <= 27


def test_a_model_that_is_wrong_half_the_time_is_stopped_by_its_first_returns(database: Database) -> None:
    """From the post to the return, by the use cases themselves: every second dispatch comes back."""
    clock = StandingClock()
    desk = desk_of(database, dispatch_at_once(), clock=clock)
    outcomes = []
    for number in range(40):
        clock.pass_(minutes=1)
        found = post(desk)
        outcomes.append(found.dispatch)
        if found.dispatch == "held" and number % 2:
            review.send_back(desk, DISPATCHER, found.appeal_id, reason="非本单位职责")
    sent = outcomes.count("held")
    assert sent < 20
    assert outcomes == ["held"] * sent + ["shadow"] * (40 - sent), "once stopped, it stays stopped"
    assert len(told(database, "dispatch.fallen")) == 1


_POSTER = """
import sys
from sqlalchemy import make_url
from tests.store.dispatching import desk_of, post
from triage.store.database import Database
from triage.testing import dispatch_at_once
desk = desk_of(Database(make_url(sys.stdin.readline().strip())), dispatch_at_once())
print("ready", flush=True)
for line in sys.stdin:
    print(post(desk, "垃圾成堆" + sys.argv[1]).dispatch, flush=True)
"""


def test_a_fall_in_one_process_holds_in_all_others_at_once(database: Database, database_url: URL) -> None:
    posters = [_Poster(name, database_url) for name in ("甲", "乙", "丙")]
    try:
        assert [poster.post() for poster in posters] == ["held"] * 3
        file_checked(database, share(500, 50), outcome="sampled", at=StandingClock()())
        assert [poster.post() for poster in posters] == ["shadow"] * 3
        assert len(told(database, "dispatch.fallen")) == 1
        panel = panel_of(desk_of(database, dispatch_at_once(), clock=StandingClock(datetime(2026, 3, 3, tzinfo=UTC))))
        switching.resume(panel, ADMIN, reason="模型已更新")
        assert [poster.post() for poster in posters] == ["held"] * 3, "and so does its end"
    finally:
        for poster in posters:
            poster.end()


class _Poster:
    """A process of its own that posts an appeal whenever it is told to."""

    def __init__(self, name: str, url: URL) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _POSTER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self._say(url.render_as_string(hide_password=False))
        assert self._hear() == "ready"

    def post(self) -> str:
        self._say("post")
        return self._hear()

    def end(self) -> None:
        self._process.communicate()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
