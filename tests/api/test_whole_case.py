"""One appeal through its whole life over HTTP: from the call to the appellant's evaluation, with every bend of the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.api.harness import EAST, NORTH, Caller, House
from triage.store import schema
from triage.store.access import EVERYWHERE

UNIT, OTHER, STREET = "临澜区城市管理局", "临澜区住房和城乡建设局", "桃溪街道办事处"
POLICE, JUSTICE = "澜江市公安局临澜分局", "临澜区人力资源和社会保障局"
CALL: dict[str, Any] = {
    "channel": "热线",
    "reference": "QC-1",
    "title": "楼道堆放建筑垃圾",
    "content": "临澜区桃溪街道枣树巷三号楼楼道里堆着装修后的建筑垃圾，堵住了下楼的路，请尽快派人清走。",
    "user": "某甲",
}
AGAIN: dict[str, Any] = {
    "channel": "微信",
    "reference": "QC-2",
    "title": "还是楼道垃圾",
    "content": "枣树巷三号楼的建筑垃圾还在，昨天又多了一堆，请一并处理。",
    "user": "某甲",
}
REASON = "按职责清单办理"


@dataclass(slots=True)
class Life:
    """A case that has been through everything, and what was answered on the way.

    Attributes:
        id: The appeal.
        added: The supplement.
        stages: The stages it went through, one per step that moved it.
        answers: Step → what was answered.
    """

    id: str
    officer: Caller
    intake: Caller
    added: str = ""
    stages: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def step(self, name: str, body: Any = None, *, by: Caller | None = None, expect: int = 200) -> Any:
        """Take a step, remember its answer, and return it."""
        answer = (by or self.officer).post(f"/v1/appeals/{self.id}/{name}", body)
        assert answer.status_code == expect, f"{name}: {answer.text}"
        found = answer.json()
        if expect == 200 and "stage" in found:
            self.stages.append(found["stage"])
        self.answers[name] = found
        return found


@pytest.fixture(scope="module")
def life(house: House) -> Life:
    intake, officer = house.caller("intake", [EAST]), house.caller("officer", [EAST])
    received = intake.post("/v1/appeals", CALL, headers={"Idempotency-Key": "whole-1"})
    assert received.status_code == 201, received.text
    found = Life(received.json()["id"], officer, intake)
    _find_the_unit(found)
    _work(found)
    _answer(found)
    return found


def _find_the_unit(life: Life) -> None:
    """派单、职责异议、支持异议、改派、退单、再派、再异议、驳回."""
    life.step("confirm", {"unit": OTHER, "seen": 1})
    life.step("object", {"reason": "垃圾清运不属住建职责", "proposed_unit": UNIT})
    life.step("accept", expect=409)
    life.step("objection", {"uphold": True, "reason": REASON})
    life.step("reassign", {"unit": OTHER, "reason": REASON}, expect=409)
    life.step("reassign", {"unit": STREET, "reason": "先由街道核实"})
    life.step("return", {"reason": "街道无清运力量", "proposed_unit": UNIT})
    life.step("confirm", {"unit": UNIT})
    life.step("object", {"reason": "应由物业清理"})
    life.step("objection", {"uphold": False, "reason": REASON})
    life.step("return", {"reason": "再次退回"}, expect=409)


def _work(life: Life) -> None:
    """接单、补充、催办、办理、延期、吹哨报到、联动化解、督办、办结."""
    life.step("accept")
    added = life.intake.post("/v1/appeals", {**AGAIN, "supplements": life.id})
    assert added.status_code == 201, added.text
    life.added = added.json()["id"]
    life.step("urge", by=life.intake)
    life.step("handle")
    life.step("extend", {"days": 5, "reason": "需协调清运车辆"})
    life.step("extension", {"approve": True, "reason": "情况属实"})
    life.step("extend", {"days": 5, "reason": "再延一次"}, expect=409)
    life.step("assist", {"units": [JUSTICE], "reason": "邻里纠纷", "kind": "people_mediation"}, expect=201)
    called = life.step("whistle", {"street": STREET, "departments": [POLICE], "reason": "联合清理"}, expect=201)[
        "items"
    ][0]
    life.step(f"assistance/{called['id']}/report-in")
    life.step(f"assistance/{called['id']}/end", {"done": True})
    life.step("supervise", {"reason": "群众再次来电"}, expect=201)
    life.step("finish", {"outcome": "solved"})


def _answer(life: Life) -> None:
    """回访不满意、重新办理、再办结、回访、评价."""
    life.step("call-back", {"reached": False}, by=life.intake)
    unhappy = {"reached": True, "responded": True, "solved": False, "satisfaction": "dissatisfied"}
    life.step("call-back", unhappy, by=life.intake)
    life.step("reopen", {"reason": "回访反映垃圾未清完"})
    life.step("accept")
    life.step("handle")
    life.step("finish", {"outcome": "solved"})
    happy = {"reached": True, "responded": True, "solved": True, "satisfaction": "fairly"}
    life.step("call-back", happy, by=life.intake)
    life.step("evaluate", {"satisfaction": "satisfied", "solved": True}, by=life.intake)
    life.step("evaluate", {"satisfaction": "satisfied"}, by=life.intake, expect=409)


def timeline(life: Life) -> dict[str, Any]:
    found = life.officer.get(f"/v1/appeals/{life.id}/timeline")
    assert found.status_code == 200, found.text
    return dict(found.json())


def test_it_goes_through_every_stage_in_order(life: Life) -> None:
    assert life.stages == [
        "dispatched", "objected", "returned", "dispatched", "returned", "dispatched", "objected", "dispatched",
        "accepted", "accepted", "handling", "closed",
        "closed", "called_back", "dispatched", "accepted", "handling", "closed", "called_back", "evaluated",
    ]  # fmt: skip


def test_the_timeline_tells_it_all_with_readable_names(life: Life) -> None:
    found = timeline(life)
    assert (found["stage"], found["stage_name"]) == ("evaluated", "评价")
    assert (found["unit"], found["first_unit"]) == (UNIT, UNIT)
    assert (found["urged"], found["reopened"]) == (1, 1)
    names = [entry["action_name"] for entry in found["entries"]]
    wanted = (
        "受理登记",
        "确认",
        "提出异议",
        "支持异议",
        "改派",
        "退单",
        "驳回异议",
        "签收",
        "补充",
        "催办",
        "申请延期",
    )
    for name in (*wanted, "审批延期", "增加协办", "报到", "督办", "办结", "回访", "重新办理", "评价"):
        assert name in names, name
    assert all(entry["actor_name"] for entry in found["entries"])
    assert [entry["at"] for entry in found["entries"]] == sorted(entry["at"] for entry in found["entries"])


def test_no_entry_of_the_history_holds_a_free_text(life: Life) -> None:
    said = life.officer.get(f"/v1/appeals/{life.id}/history").text
    for text in ("垃圾清运不属住建职责", "需协调清运车辆", "群众再次来电", "建筑垃圾", "某甲"):
        assert text not in said


def test_every_proposal_leaves_out_the_units_that_did_not_want_it(life: Life) -> None:
    assert life.answers["objection"]["returned"] == [OTHER, STREET]
    detail = life.officer.get(f"/v1/appeals/{life.id}").json()
    assert detail["decision_version"] == 3
    names = [candidate["name"] for candidate in detail["decision"]["unit"]["candidates"]]
    assert names[0] == UNIT
    assert not {OTHER, STREET} & set(names)


def test_the_second_call_joined_the_ticket_and_kept_its_own_text(life: Life) -> None:
    (added,) = timeline(life)["supplements"]
    assert added["id"] == life.added
    assert (added["case_state"], added["supplements"]) == ("joined", life.id)
    assert "又多了一堆" in added["content"]
    assert timeline(life)["ticket"] is None


def test_the_extension_moved_the_end_once_and_the_order_has_a_number(life: Life) -> None:
    (extension,) = timeline(life)["extensions"]
    assert extension["state"] == "approved"
    assert extension["due_after"] > extension["due_before"]
    (order,) = timeline(life)["supervisions"]
    assert order["number"].startswith("督办〔")
    assert order["state"] == "ended", "closing the case ends the order"


def test_the_police_came_and_the_mediation_lapsed_with_the_close(life: Life) -> None:
    helped = {one["kind"]: one for one in timeline(life)["assistance"]}
    assert (helped["whistle"]["state"], helped["whistle"]["caller"]) == ("done", STREET)
    assert helped["whistle"]["reported_at"]
    assert helped["people_mediation"]["state"] in ("done", "released")


def test_nothing_is_due_any_more(life: Life) -> None:
    terms = timeline(life)["terms"]
    assert {"accept", "sign", "finish", "callback"} <= {term["step"] for term in terms}
    assert [term["step"] for term in terms if term["state"] == "open"] == []


def test_the_appellants_answers_count_in_the_rates(life: Life) -> None:
    now = datetime.now(UTC)
    window = {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    found = life.officer.get("/v1/reports/satisfaction", params=window)
    assert found.status_code == 200, found.text
    mine = next(one for one in found.json()["items"] if one["unit"] == UNIT)
    assert (mine["asked"], mine["solution_rate"], mine["satisfaction_rate"]) == (1, 1.0, 1.0)


def test_other_systems_were_told_each_dispatch_and_each_return(house: House, life: Life) -> None:
    with house.service.desk.database.transaction(EVERYWHERE) as connection:
        table = schema.outbox.c
        rows = connection.execute(select(table.topic, table.payload).order_by(table.id)).all()
    mine = [(row.topic, row.payload.get("unit")) for row in rows if row.payload.get("appeal_id") == life.id]
    topics = [topic for topic, _ in mine]
    assert topics[0] == "appeal.decided"
    dispatched = [unit for topic, unit in mine if topic == "appeal.dispatched"]
    assert dispatched == [OTHER, STREET, UNIT, UNIT]
    assert topics.count("appeal.returned") == 2
    assert "某甲" not in str([row.payload for row in rows])


def test_another_district_knows_nothing_of_it(house: House, life: Life) -> None:
    stranger = house.caller("officer", [NORTH])
    for path in ("", "/timeline", "/history"):
        assert stranger.get(f"/v1/appeals/{life.id}{path}").status_code == 404
    assert stranger.post(f"/v1/appeals/{life.id}/urge").status_code == 404


def test_posting_the_first_call_again_still_gives_the_first_answer(life: Life) -> None:
    repeated = life.intake.post("/v1/appeals", CALL, headers={"Idempotency-Key": "whole-1"})
    assert repeated.status_code == 201
    assert repeated.json()["id"] == life.id
