"""The shipped samples as a golden test: floors a little below what was measured, so that a loss of quality shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from training.evaluate import evaluate
from triage import Appeal, Triage
from triage.decision import Decision
from triage.io.readers import read_rows
from triage.samples import sample_path

HANDED_OVER = frozenset(("110", "119", "120", "122"))
GOLD = ("unit", "dept", "l1", "l2", "type", "risk", "factors", "evidence", "emergency")


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    lines = sample_path("answers.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["id"]: record for record in map(json.loads, lines)}


@pytest.fixture(scope="module")
def triage() -> Triage:
    return Triage.load(units=sample_path("units.csv"))


@pytest.fixture(scope="module")
def figures(
    triage: Triage, answers: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("golden")
    with (folder / "gold.jsonl").open("w", encoding="utf-8") as gold:
        for row in read_rows(sample_path("appeals.csv")):
            answer = answers[row.appeal.id]
            record = {**row.fields, **{name: answer[name] for name in GOLD}}
            gold.write(json.dumps(record, ensure_ascii=False) + "\n")
    events = folder / "events.jsonl"
    events.write_text("".join(json.dumps(event) + "\n" for event in event_lines(answers)), encoding="utf-8")
    return evaluate(folder / "gold.jsonl", triage, label="unit", columns={}, events=events)


def event_lines(answers: dict[str, dict[str, Any]]) -> Iterator[dict[str, str]]:
    return ({name: answer[name] for name in ("id", "event", "batch")} for answer in answers.values())


@pytest.fixture(scope="module")
def decided(triage: Triage) -> list[tuple[Appeal, Decision]]:
    appeals = [row.appeal for row in read_rows(sample_path("appeals.csv"))]
    return list(zip(appeals, triage.decide_batch(appeals), strict=True))


@pytest.mark.parametrize(
    ("part", "figure", "floor"),
    [
        ("unit", "top1", 0.48),
        ("unit", "top3", 0.71),
        ("function", "top1", 0.54),
        ("function", "top3", 0.77),
        ("l1", "top1", 0.64),
        ("l2", "top1", 0.56),
        ("type", "top1", 0.67),
        ("risk", "average_precision", 0.72),
        ("risk", "kappa", 0.63),
        ("emergency", "average_precision", 0.58),
        ("factors", "micro_f1", 0.45),
        ("evidence", "overlap", 0.59),
    ],
)
def test_a_city_without_history_gets_at_least(figures: dict[str, Any], part: str, figure: str, floor: float) -> None:
    assert figures[part][figure] >= floor


def test_every_row_is_judged_and_every_quote_is_exact(figures: dict[str, Any], answers: dict[str, Any]) -> None:
    assert figures["n"] == len(answers) >= 300
    assert figures["evidence"]["inexact"] == 0


def test_what_is_linked_is_mostly_right(figures: dict[str, Any]) -> None:
    for way in ("batch", "incremental"):
        assert figures["events"][way]["pairs"]["precision"] >= 0.8
        assert figures["events"][way]["b_cubed"]["f1"] >= 0.86


def test_everyone_in_danger_is_handed_over(
    decided: list[tuple[Appeal, Decision]], answers: dict[str, dict[str, Any]]
) -> None:
    missed = [
        appeal.id
        for appeal, decision in decided
        if answers[appeal.id]["route_out"] in HANDED_OVER
        and (decision.route_out is None or decision.route_out[0] not in HANDED_OVER)
    ]
    assert missed == []


def test_hardly_anyone_else_is_handed_over(
    decided: list[tuple[Appeal, Decision]], answers: dict[str, dict[str, Any]]
) -> None:
    needless = [
        appeal.id
        for appeal, decision in decided
        if decision.route_out is not None and answers[appeal.id]["route_out"] is None
    ]
    assert len(needless) <= 2


def test_nothing_is_dispatched_without_a_person_where_nothing_proves_it(
    decided: list[tuple[Appeal, Decision]],
) -> None:
    assert all(decision.unit.decision == "review" for _, decision in decided)


def test_reading_does_not_depend_on_the_working_folder(
    triage: Triage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Triage.load().base.version == triage.base.version
