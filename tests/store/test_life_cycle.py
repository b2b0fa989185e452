"""受理 → 派单 → 接单 → 办理 → 办结 → 回访 → 评价, and what may come between: objection, extension, assistance, supervision."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.store.filing import (
    CLOCK,
    DISPATCHER,
    LONGHUA,
    PROPOSED,
    StandingClock,
    add_units,
    count,
    file_appeal,
    person,
    rows,
)
from tests.store_fixtures import both_ways
from triage.casework import events, review, terms
from triage.casework.cases import STAGES, STEPS, Case, CaseView, State
from triage.casework.desk import Desk
from triage.casework.lifecycle import answering, assisting, extensions, handling, objections, supervising
from triage.errors import InputError
from triage.store import lifecycle
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import NotFound, Refused, StateConflict
from triage.store.lifecycle import Extension, Supervision
from triage.testing import fake_desk

CITY, HOUSING, TRAFFIC = PROPOSED
WATER = "市供水公司"
OFFICER = person("officer")
WHY = "经核实属实情况"

STATES = {
    "received": State("waiting", "proposed"),
    "dispatched": State("assigned", "dispatched"),
    "accepted": State("assigned", "accepted"),
    "handling": State("assigned", "handling"),
    "closed": State("closed", "handling"),
    "called_back": State("closed", "handling", "called"),
    "evaluated": State("closed", "handling", "evaluated"),
    "returned": State("waiting", "returned"),
    "objected": State("assigned", "objected"),
    "joined": State("joined", "none"),
}


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def desk(database: Database, clock: StandingClock) -> Desk:
    add_units(database)
    return fake_desk(database, clock=clock)


def case_at(stage: str) -> Case:
    return Case(
        id=uuid4(),
        state=STATES[stage],
        unit="" if STATES[stage].case == "waiting" else CITY,
        first_unit="",
        district="龙华区",
        version=1,
        event_id=uuid4(),
        record={},
        returned=(),
    )


def dispatched(desk: Desk, **more: Any) -> UUID:
    appeal = file_appeal(desk.database, **more)
    with desk.database.transaction(EVERYWHERE) as connection:
        terms.start(connection, desk, appeal, terms.FINISH, at=desk.clock())
    review.confirm(desk, DISPATCHER, appeal)
    return appeal


def accepted(desk: Desk, **more: Any) -> UUID:
    appeal = dispatched(desk, **more)
    handling.accept(desk, DISPATCHER, appeal)
    return appeal


def closed(desk: Desk, **more: Any) -> UUID:
    appeal = accepted(desk, **more)
    handling.finish(desk, DISPATCHER, appeal)
    return appeal


def open_terms(desk: Desk, appeal: UUID) -> dict[str, str]:
    with desk.database.transaction(EVERYWHERE) as connection:
        return {term.step: term.unit for term in terms.of(connection, appeal) if term.state == "open"}


def row_of(desk: Desk, appeal: UUID) -> dict[str, Any]:
    (row,) = rows(desk.database, "appeals", id=appeal)
    return row


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_is_what_the_three_states_say(stage: str) -> None:
    assert STATES[stage].stage == stage
    if stage != "joined":
        assert case_at("handling").state.at(stage).stage == stage


@pytest.mark.parametrize("stage", sorted(STAGES))
@pytest.mark.parametrize("step", sorted(STEPS))
def test_every_step_leads_where_the_table_says_or_is_refused_with_a_word(step: str, stage: str) -> None:
    case, entry = case_at(stage), STEPS[step]
    if stage in entry.at:
        assert case.after(step).stage == (entry.to or stage)
    else:
        with pytest.raises(StateConflict, match=f"{entry.word}|请先"):
            case.after(step)


@both_ways()
def test_a_case_goes_the_whole_way(database: Database) -> None:
    add_units(database)
    desk = fake_desk(database, clock=CLOCK)
    appeal = file_appeal(database)
    steps: list[Callable[[], CaseView]] = [
        lambda: review.confirm(desk, DISPATCHER, appeal),
        lambda: handling.accept(desk, DISPATCHER, appeal),
        lambda: handling.handle(desk, DISPATCHER, appeal),
        lambda: handling.finish(desk, DISPATCHER, appeal, outcome="solved"),
        lambda: answering.call_back(
            desk, person("intake"), appeal, reached=True, responded=True, solved=True, satisfaction="fairly"
        ),
        lambda: answering.evaluate(desk, person("intake"), appeal, satisfaction="satisfied"),
    ]
    passed = [step().stage for step in steps]
    assert passed == ["dispatched", "accepted", "handling", "closed", "called_back", "evaluated"]
    actions = [row["action"] for row in sorted(rows(database, "history"), key=lambda row: str(row["id"]).zfill(9))]
    assert actions == [
        "appeal.confirmed",
        "appeal.accepted",
        "appeal.handling",
        "appeal.closed",
        "appeal.called_back",
        "appeal.evaluated",
    ]
    topics = {row["topic"] for row in rows(database, "outbox")}
    assert topics == {"appeal.dispatched", *actions[1:]}


def test_work_begins_only_after_the_unit_has_accepted(desk: Desk) -> None:
    appeal = dispatched(desk)
    with pytest.raises(StateConflict, match=f"{CITY}尚未签收该诉求，请先签收"):
        handling.handle(desk, DISPATCHER, appeal)


def test_the_first_unit_that_takes_it_on_is_kept_for_good(desk: Desk) -> None:
    appeal = dispatched(desk)
    assert row_of(desk, appeal)["first_unit"] == ""
    assert handling.accept(desk, DISPATCHER, appeal).first_unit == CITY
    view = review.reassign(desk, DISPATCHER, appeal, unit=HOUSING, reason=WHY)
    assert (view.unit, view.first_unit) == (HOUSING, CITY)
    handling.accept(desk, DISPATCHER, appeal)
    assert handling.finish(desk, DISPATCHER, appeal).first_unit == CITY


def test_after_a_return_the_label_names_the_unit_that_sent_it_back(desk: Desk) -> None:
    appeal = dispatched(desk)
    review.send_back(desk, DISPATCHER, appeal, reason=WHY)
    review.confirm(desk, DISPATCHER, appeal)
    labels = sorted(rows(desk.database, "feedback"), key=lambda row: str(row["id"]).zfill(9))
    assert [(row["kind"], row["unit_from"], row["unit_to"]) for row in labels] == [
        ("confirm", CITY, CITY),
        ("return", CITY, ""),
        ("confirm", CITY, HOUSING),
    ]


def test_terms_follow_the_steps(desk: Desk, clock: StandingClock) -> None:
    appeal = dispatched(desk)
    assert open_terms(desk, appeal) == {
        "finish": CITY,
        "sign": CITY,
        "contact": CITY,
        "return": CITY,
        "objection": CITY,
    }
    handling.accept(desk, DISPATCHER, appeal)
    handling.handle(desk, DISPATCHER, appeal)
    assert open_terms(desk, appeal) == {"finish": CITY, "return": CITY, "objection": CITY}
    review.reassign(desk, DISPATCHER, appeal, unit=HOUSING, reason=WHY)
    assert set(open_terms(desk, appeal).values()) == {HOUSING}
    review.send_back(desk, DISPATCHER, appeal, reason=WHY)
    assert open_terms(desk, appeal) == {"finish": ""}
    review.confirm(desk, DISPATCHER, appeal)
    clock.pass_(days=1)
    handling.finish(desk, DISPATCHER, appeal)
    assert open_terms(desk, appeal) == {"callback": ""}
    answering.call_back(desk, DISPATCHER, appeal, reached=True, solved=True)
    assert open_terms(desk, appeal) == {}


def test_a_return_that_comes_too_late_is_refused_with_the_remedy(desk: Desk, clock: StandingClock) -> None:
    appeal = dispatched(desk)
    clock.pass_(days=5)
    with pytest.raises(StateConflict, match=f"{CITY}已超过退单时限，不能再退单；确需更换单位请改派"):
        review.send_back(desk, DISPATCHER, appeal, reason=WHY)
    assert review.reassign(desk, DISPATCHER, appeal, unit=HOUSING, reason=WHY).unit == HOUSING
    assert review.send_back(desk, DISPATCHER, appeal, reason=WHY).returned == (HOUSING,)


def test_an_objection_stops_everything_until_the_review(desk: Desk) -> None:
    appeal = dispatched(desk)
    view = objections.raise_objection(desk, DISPATCHER, appeal, reason="属供水公司职责", proposed_unit=WATER)
    assert (view.stage, view.unit) == ("objected", CITY)
    assert open_terms(desk, appeal)["review"] == ""
    steps: list[Callable[[], CaseView]] = [
        lambda: handling.accept(desk, DISPATCHER, appeal),
        lambda: handling.finish(desk, DISPATCHER, appeal),
        lambda: review.reassign(desk, DISPATCHER, appeal, unit=HOUSING, reason=WHY),
        lambda: review.send_back(desk, DISPATCHER, appeal, reason=WHY),
        lambda: objections.raise_objection(desk, DISPATCHER, appeal, reason=WHY),
    ]
    for step in steps:
        with pytest.raises(StateConflict, match=f"{CITY}的异议正在审查"):
            step()
    (waiting,) = objections.waiting(desk, OFFICER)
    assert (waiting.unit, waiting.proposed_unit, waiting.reason) == (CITY, WATER, "属供水公司职责")


def test_an_upheld_objection_goes_back_to_the_dispatcher_with_another_proposal(desk: Desk) -> None:
    appeal = dispatched(desk)
    objections.raise_objection(desk, DISPATCHER, appeal, reason="属供水公司职责", proposed_unit=WATER)
    view = objections.rule(desk, OFFICER, appeal, uphold=True, reason="三定规定明确属供水公司")
    assert (view.stage, view.unit, view.returned) == ("returned", "", (CITY,))
    assert [name for name, _ in view.candidates] == [WATER, HOUSING, TRAFFIC]
    (row,) = rows(desk.database, "objections")
    assert (row["state"], row["decided_by"], row["ruling"]) == ("upheld", OFFICER.name, "三定规定明确属供水公司")
    label = rows(desk.database, "feedback", kind="return")[0]
    assert (label["unit_from"], label["reason"]) == (CITY, "属供水公司职责")
    with pytest.raises(StateConflict, match="已退回该诉求"):
        review.confirm(desk, DISPATCHER, appeal, unit=CITY)


def test_a_rejected_objection_stays_with_the_unit_and_cannot_be_repeated(desk: Desk) -> None:
    appeal = accepted(desk)
    objections.raise_objection(desk, DISPATCHER, appeal, reason="不属本单位职责")
    view = objections.rule(desk, OFFICER, appeal, uphold=False, reason="属其法定职责")
    assert (view.stage, view.unit, view.returned) == ("dispatched", CITY, ())
    assert {"sign", "contact", "finish"} == set(open_terms(desk, appeal))
    label = rows(desk.database, "feedback")[-1]
    assert (label["kind"], label["unit_from"], label["unit_to"]) == ("confirm", CITY, CITY)
    steps: list[Callable[[], CaseView]] = [
        lambda: objections.raise_objection(desk, DISPATCHER, appeal, reason=WHY),
        lambda: review.send_back(desk, DISPATCHER, appeal, reason=WHY),
    ]
    for step in steps:
        with pytest.raises(StateConflict, match="异议已审查驳回，不能再退单或提出异议；确需更换单位请改派"):
            step()
    assert handling.accept(desk, DISPATCHER, appeal).stage == "accepted"


def test_an_objection_is_decided_by_somebody_else_with_the_right(desk: Desk) -> None:
    appeal = dispatched(desk)
    objections.raise_objection(desk, OFFICER, appeal, reason=WHY)
    with pytest.raises(Refused, match="角色 dispatcher 无权审查异议、审批延期、督办"):
        objections.rule(desk, DISPATCHER, appeal, uphold=True, reason=WHY)
    with pytest.raises(StateConflict, match="提出异议的登记人不能自行审查"):
        objections.rule(desk, OFFICER, appeal, uphold=True, reason=WHY)
    with pytest.raises(InputError, match="驳回异议后仍由原单位办理"):
        objections.rule(desk, person("admin"), appeal, uphold=False, reason=WHY, proposed_unit=WATER)
    assert objections.rule(desk, person("admin"), appeal, uphold=True, reason=WHY).stage == "returned"
    with pytest.raises(StateConflict, match="尚未派单，不能驳回异议"):
        objections.rule(desk, person("admin"), appeal, uphold=False, reason=WHY)


def test_an_objection_after_five_working_days_is_refused(desk: Desk, clock: StandingClock) -> None:
    appeal = dispatched(desk)
    clock.pass_(days=10)
    with pytest.raises(StateConflict, match=f"{CITY}已超过提出职责异议时限"):
        objections.raise_objection(desk, DISPATCHER, appeal, reason=WHY)


def test_an_extension_is_approved_once_and_moves_the_end(desk: Desk) -> None:
    appeal = accepted(desk)
    with desk.database.transaction(EVERYWHERE) as connection:
        before = next(term for term in terms.of(connection, appeal) if term.step == "finish").due_at
    asked = extensions.ask(desk, DISPATCHER, appeal, days=5, reason="需要多部门会商")
    assert asked.state == "open"
    with pytest.raises(StateConflict, match="已有待审批的延期申请"):
        extensions.ask(desk, DISPATCHER, appeal, days=5, reason=WHY)
    done = extensions.decide(desk, OFFICER, appeal, approve=True, reason="同意")
    assert isinstance(done, Extension)
    assert (done.state, done.due_before) == ("approved", before)
    assert done.due_after is not None
    assert done.due_after - before >= timedelta(days=5)
    assert row_of(desk, appeal)["finish_by"] == done.due_after
    with pytest.raises(StateConflict, match="该诉求已延期一次，不能再次延期"):
        extensions.ask(desk, DISPATCHER, appeal, days=1, reason=WHY)


def test_a_refused_extension_changes_nothing_and_may_be_asked_again(desk: Desk) -> None:
    appeal = accepted(desk)
    before = row_of(desk, appeal)["finish_by"]
    extensions.ask(desk, DISPATCHER, appeal, days=5, reason=WHY)
    with pytest.raises(StateConflict, match="申请延期的登记人不能自行审批"):
        extensions.decide(desk, replace(DISPATCHER, role="admin"), appeal, approve=True, reason=WHY)
    refused = extensions.decide(desk, OFFICER, appeal, approve=False, reason="理由不充分")
    assert (refused.state, refused.due_after) == ("refused", None)
    assert row_of(desk, appeal)["finish_by"] == before
    assert extensions.ask(desk, DISPATCHER, appeal, days=3, reason=WHY).state == "open"


@pytest.mark.parametrize("days", [0, 11, -1])
def test_an_extension_is_at_most_ten_working_days(desk: Desk, days: int) -> None:
    appeal = accepted(desk)
    with pytest.raises(InputError, match="延期应为 1 至 10 个工作日"):
        extensions.ask(desk, DISPATCHER, appeal, days=days, reason=WHY)


def test_what_was_asked_lapses_when_the_unit_loses_the_case(desk: Desk) -> None:
    appeal = accepted(desk)
    extensions.ask(desk, DISPATCHER, appeal, days=5, reason=WHY)
    supervising.supervise(desk, OFFICER, appeal, reason=WHY)
    review.reassign(desk, DISPATCHER, appeal, unit=HOUSING, reason=WHY)
    (extension,) = rows(desk.database, "extensions")
    assert (extension["state"], extension["decided_by"]) == ("refused", "system")
    (order,) = rows(desk.database, "supervisions")
    assert (order["state"], order["ended_by"]) == ("ended", "system")


def test_urging_is_counted(desk: Desk) -> None:
    appeal = dispatched(desk)
    for _ in range(2):
        supervising.urge(desk, person("intake"), appeal)
    assert row_of(desk, appeal)["urged"] == 2
    told = [row["payload"] for row in rows(desk.database, "outbox", topic="appeal.urged")]
    assert sorted(payload["times"] for payload in told) == [1, 2]  # type: ignore[index]
    handling.finish(desk, DISPATCHER, appeal)
    with pytest.raises(StateConflict, match="该诉求已办结，不能再催办；确需继续请先重新办理"):
        supervising.urge(desk, person("intake"), appeal)


def test_supervision_orders_have_numbers_without_gaps_in_each_year(desk: Desk, clock: StandingClock) -> None:
    orders: list[Supervision] = []
    for appeal in (dispatched(desk), dispatched(desk, district="秀英区")):
        officer = person("officer", str(row_of(desk, appeal)["district"]))
        orders.append(supervising.supervise(desk, officer, appeal, reason="逾期未办结"))
    clock.pass_(days=306)
    appeal = dispatched(desk)
    until = clock() + timedelta(days=3)
    orders.append(supervising.supervise(desk, OFFICER, appeal, reason="重复反映", due_at=until))
    assert [order.number for order in orders] == ["督办〔2026〕0001号", "督办〔2026〕0002号", "督办〔2027〕0001号"]
    assert orders[-1].due_at == until
    with pytest.raises(StateConflict, match=f"{CITY}已有该诉求的督办单"):
        supervising.supervise(desk, OFFICER, appeal, reason=WHY)
    ended = supervising.end_supervision(desk, OFFICER, appeal, orders[-1].id)
    assert ended.state == "ended"
    with pytest.raises(StateConflict, match="督办〔2027〕0001号已结束"):
        supervising.end_supervision(desk, OFFICER, appeal, orders[-1].id)
    assert [order.number for order in supervising.orders(desk, OFFICER)] == ["督办〔2026〕0001号", "督办〔2026〕0002号"]
    assert [order.number for order in supervising.orders(desk, LONGHUA)] == ["督办〔2026〕0001号"]


def test_orders_issued_at_the_same_moment_have_numbers_of_their_own(desk: Desk) -> None:
    waiting = [dispatched(desk) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        orders = list(threads.map(lambda appeal: supervising.supervise(desk, OFFICER, appeal, reason=WHY), waiting))
    assert sorted(order.serial for order in orders) == [1, 2, 3, 4, 5, 6]


def test_of_two_rulings_at_once_one_is_a_conflict(desk: Desk) -> None:
    appeal = dispatched(desk)
    objections.raise_objection(desk, DISPATCHER, appeal, reason=WHY)

    def decide(uphold: bool) -> str:
        try:
            return objections.rule(desk, OFFICER, appeal, uphold=uphold, reason=WHY).stage
        except StateConflict:
            return "conflict"

    with ThreadPoolExecutor(2) as threads:
        outcomes = set(threads.map(decide, [True, False]))
    assert "conflict" in outcomes
    (row,) = rows(desk.database, "objections")
    assert row["state"] == ("upheld" if "returned" in outcomes else "rejected")


def test_a_supervision_order_needs_a_moment_to_come(desk: Desk) -> None:
    with pytest.raises(InputError, match="督办时限应在现在之后"):
        supervising.supervise(desk, OFFICER, dispatched(desk), reason=WHY, due_at=desk.clock())
    with pytest.raises(StateConflict, match="尚未派单，不能督办"):
        supervising.supervise(desk, OFFICER, file_appeal(desk.database), reason=WHY)


def test_assisting_units_work_beside_the_responsible_one(desk: Desk) -> None:
    appeal = accepted(desk)
    called = assisting.call_in(desk, DISPATCHER, appeal, units=[HOUSING, WATER, HOUSING], reason="需联合查处")
    assert [(one.unit, one.kind, one.state) for one in called] == [
        (HOUSING, "assist", "called"),
        (WATER, "assist", "called"),
    ]
    with pytest.raises(InputError, match=f"{CITY}是主办单位，不能同时协办"):
        assisting.call_in(desk, DISPATCHER, appeal, units=[CITY], reason=WHY)
    with pytest.raises(StateConflict, match=f"{HOUSING}已在协办该诉求"):
        assisting.call_in(desk, DISPATCHER, appeal, units=[HOUSING], reason=WHY)
    done = assisting.end(desk, DISPATCHER, appeal, called[0].id, done=True)
    assert done.state == "done"
    with pytest.raises(StateConflict, match=f"{HOUSING}的协办已完成，不能再结束协办"):
        assisting.end(desk, DISPATCHER, appeal, called[0].id, done=False)
    assert row_of(desk, appeal)["unit"] == CITY
    handling.finish(desk, DISPATCHER, appeal)
    assert {row["state"] for row in rows(desk.database, "assistance")} == {"done"}


def test_an_assisting_unit_that_becomes_responsible_assists_no_more(desk: Desk) -> None:
    appeal = accepted(desk)
    assisting.call_in(desk, DISPATCHER, appeal, units=[HOUSING], reason=WHY)
    review.reassign(desk, DISPATCHER, appeal, unit=HOUSING, reason=WHY)
    assert [row["state"] for row in rows(desk.database, "assistance")] == ["released"]
    assert "assist" not in open_terms(desk, appeal)


def test_a_street_calls_departments_in_and_they_report(desk: Desk) -> None:
    appeal = accepted(desk)
    (called,) = assisting.whistle(
        desk, DISPATCHER, appeal, street="秀英区城管局", departments=[TRAFFIC], reason="需现场联合执法"
    )
    assert (called.kind, called.caller, called.state) == ("whistle", "秀英区城管局", "called")
    assert open_terms(desk, appeal)["report_in"] == TRAFFIC
    come = assisting.report_in(desk, DISPATCHER, appeal, called.id)
    assert (come.state, come.reported_at) == ("reported", desk.clock())
    assert "report_in" not in open_terms(desk, appeal)
    assert open_terms(desk, appeal)["assist"] == TRAFFIC
    with pytest.raises(StateConflict, match=f"{TRAFFIC}的吹哨报到已报到，不能再报到"):
        assisting.report_in(desk, DISPATCHER, appeal, called.id)
    with pytest.raises(InputError, match="不能吹哨自己"):
        assisting.whistle(desk, DISPATCHER, appeal, street=TRAFFIC, departments=[TRAFFIC], reason=WHY)


@pytest.mark.parametrize("kind", sorted(set(assisting.KINDS) - {"whistle"}))
def test_disputes_are_handled_jointly_with_a_reason(desk: Desk, kind: str) -> None:
    appeal = accepted(desk)
    with pytest.raises(InputError, match="请写明理由"):
        assisting.call_in(desk, DISPATCHER, appeal, units=[HOUSING], reason=" ", kind=kind)
    (called,) = assisting.call_in(desk, DISPATCHER, appeal, units=[HOUSING], reason="邻里纠纷联动化解", kind=kind)
    assert (called.kind, called.reason) == (kind, "邻里纠纷联动化解")


def test_an_assistance_of_another_appeal_is_not_found(desk: Desk) -> None:
    one, other = accepted(desk), accepted(desk)
    (called,) = assisting.call_in(desk, DISPATCHER, one, units=[HOUSING], reason=WHY)
    with pytest.raises(NotFound, match=f"诉求 {other} 没有协办 {called.id}"):
        assisting.end(desk, DISPATCHER, other, called.id, done=True)
    with pytest.raises(InputError, match="协办方式应为"):
        assisting.call_in(desk, DISPATCHER, one, units=[HOUSING], reason=WHY, kind="whistle")


def test_an_attempt_that_reaches_nobody_leaves_the_case_waiting_for_its_call_back(desk: Desk) -> None:
    appeal = closed(desk)
    assert answering.call_back(desk, DISPATCHER, appeal, reached=False).stage == "closed"
    with pytest.raises(InputError, match="未联系上诉求人时，不能登记响应、解决和满意情况"):
        answering.call_back(desk, DISPATCHER, appeal, reached=False, solved=True)
    assert "callback" in open_terms(desk, appeal)
    assert answering.call_back(desk, DISPATCHER, appeal, reached=True, solved=False).stage == "called_back"
    assert count(desk.database, "answers") == 2


def test_a_case_is_called_back_after_its_close_and_evaluated_once(desk: Desk) -> None:
    appeal = accepted(desk)
    with pytest.raises(StateConflict, match="该诉求尚未办结，不能回访"):
        answering.call_back(desk, DISPATCHER, appeal, reached=True)
    handling.finish(desk, DISPATCHER, appeal)
    for wrong in ("", "great"):
        with pytest.raises(InputError, match="满意程度"):
            answering.evaluate(desk, DISPATCHER, appeal, satisfaction=wrong)
    assert answering.evaluate(desk, DISPATCHER, appeal, satisfaction="dissatisfied", solved=False).stage == "evaluated"
    with pytest.raises(StateConflict, match="该诉求已评价，不能再评价"):
        answering.evaluate(desk, DISPATCHER, appeal, satisfaction="satisfied")


def test_a_closed_case_is_opened_again_with_a_new_term(desk: Desk, clock: StandingClock) -> None:
    appeal = closed(desk)
    answering.call_back(desk, DISPATCHER, appeal, reached=True, solved=False, satisfaction="dissatisfied")
    clock.pass_(days=30)
    view = handling.reopen(desk, DISPATCHER, appeal, reason="问题未解决")
    assert (view.stage, view.unit, view.answer_state) == ("dispatched", CITY, "none")
    assert row_of(desk, appeal)["reopened"] == 1
    assert row_of(desk, appeal)["finish_by"] > clock()
    assert open_terms(desk, appeal)["finish"] == CITY
    handling.finish(desk, DISPATCHER, appeal)
    assert handling.reopen(desk, DISPATCHER, appeal, reason=WHY, unit=HOUSING).unit == HOUSING


def test_opening_a_case_opens_its_event(desk: Desk) -> None:
    appeal = accepted(desk)
    event = row_of(desk, appeal)["event_id"]
    events.close(desk, DISPATCHER, event)
    assert row_of(desk, appeal)["case_state"] == "closed"
    assert open_terms(desk, appeal) == {"callback": ""}
    handling.reopen(desk, DISPATCHER, appeal, reason=WHY)
    (stored,) = rows(desk.database, "events", id=event)
    assert stored["state"] == "open"


def test_what_another_channel_must_handle_is_closed_without_a_unit(desk: Desk) -> None:
    appeal = file_appeal(desk.database)
    with pytest.raises(InputError, match="转送途径应为"):
        handling.pass_on(desk, DISPATCHER, appeal, channel="邮局")
    view = handling.pass_on(desk, DISPATCHER, appeal, channel="仲裁")
    assert (view.stage, view.unit) == ("closed", "")
    with pytest.raises(InputError, match="请指定由哪个单位重新办理"):
        handling.reopen(desk, DISPATCHER, appeal, reason=WHY)
    with pytest.raises(StateConflict, match=f"该诉求已派往{CITY}，不能转送其他途径；请先退单"):
        handling.pass_on(desk, DISPATCHER, dispatched(desk), channel="仲裁")


def test_an_unknown_outcome_is_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match="办理结果应为 solved、explained、agreed、unfounded 之一"):
        handling.finish(desk, DISPATCHER, accepted(desk), outcome="done")


STEPS_OF_ANOTHER: list[Callable[[Desk, UUID], object]] = [
    lambda desk, appeal: handling.handle(desk, LONGHUA, appeal),
    lambda desk, appeal: handling.reopen(desk, LONGHUA, appeal, reason=WHY),
    lambda desk, appeal: handling.pass_on(desk, LONGHUA, appeal, channel="仲裁"),
    lambda desk, appeal: objections.raise_objection(desk, LONGHUA, appeal, reason=WHY),
    lambda desk, appeal: objections.rule(desk, person("officer", "龙华区"), appeal, uphold=True, reason=WHY),
    lambda desk, appeal: extensions.ask(desk, LONGHUA, appeal, days=1, reason=WHY),
    lambda desk, appeal: extensions.decide(desk, person("officer", "龙华区"), appeal, approve=True, reason=WHY),
    lambda desk, appeal: assisting.call_in(desk, LONGHUA, appeal, units=[HOUSING], reason=WHY),
    lambda desk, appeal: supervising.urge(desk, LONGHUA, appeal),
    lambda desk, appeal: supervising.supervise(desk, person("officer", "龙华区"), appeal, reason=WHY),
    lambda desk, appeal: answering.call_back(desk, LONGHUA, appeal, reached=True),
    lambda desk, appeal: answering.evaluate(desk, LONGHUA, appeal, satisfaction="satisfied"),
]


def test_nothing_can_be_done_with_another_districts_case(desk: Desk) -> None:
    appeal = dispatched(desk, district="秀英区")
    for step in STEPS_OF_ANOTHER:
        with pytest.raises(NotFound, match=f"没有诉求 {appeal}，或不在可见区划内"):
            step(desk, appeal)


def test_reasons_stay_out_of_history_and_messages(desk: Desk) -> None:
    appeal = accepted(desk)
    secret = "内部说明不得外传"
    extensions.ask(desk, DISPATCHER, appeal, days=2, reason=secret)
    extensions.decide(desk, OFFICER, appeal, approve=False, reason=secret)
    supervising.supervise(desk, OFFICER, appeal, reason=secret)
    assisting.call_in(desk, DISPATCHER, appeal, units=[WATER], reason=secret)
    objections.raise_objection(desk, DISPATCHER, appeal, reason=secret)
    objections.rule(desk, OFFICER, appeal, uphold=False, reason=secret)
    assert secret not in repr(rows(desk.database, "history")) + repr(rows(desk.database, "outbox"))
    with desk.database.transaction(EVERYWHERE) as connection:
        assert [found.reason for found in lifecycle.extensions_of(connection, appeal)] == [secret]
