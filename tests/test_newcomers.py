"""Units that came after the training: reachable by name, place and duties, and never dispatched to without a person."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from training.config import LocalRecipe
from training.local import train_local
from training.local_stack import Ticket
from training.zero_shot import HIDDEN, reached
from triage.appeal import Appeal
from triage.directory import Directory, Unit
from triage.document import read_document
from triage.io.readers import read_rows
from triage.routing.newcomers import with_newcomers
from triage.samples import sample_path
from triage.service import Triage

NEW = np.array([False, False, True])
CRANES = Unit(
    name="澜江市无人机管理中心",
    level="市",
    jurisdiction="澜江市",
    duties=("无人机", "黑飞", "航拍", "飞行报备"),
)


@pytest.fixture(scope="module")
def city() -> Triage:
    """A city that trained on its tickets before the drone office was founded."""
    lines = sample_path("answers.jsonl").read_text(encoding="utf-8").splitlines()
    units = {record["id"]: record["unit"] for record in map(json.loads, lines)}
    rows = [row for row in read_rows(sample_path("appeals.csv")) if units[row.appeal.id]]
    tickets = [
        Ticket(read_document(replace(row.appeal, id=f"{row.appeal.id}-{copy}")), units[row.appeal.id])
        for copy in range(3)
        for row in rows
    ]
    recipe = LocalRecipe(seed=0, orders=(1, 2), min_texts=3, max_features=4000, svm_c=1.0, held_out_share=0.25)
    listed = Directory.load(sample_path("units.csv"))
    base = Triage.load()
    local = train_local(tickets, listed, recipe=recipe, label="unit", strip=True, base=base.base)
    return Triage(base.base, local=local, directory=listed, settings=replace(base.settings, precision=0.5))


def with_units(city: Triage, *units: Unit) -> Triage:
    return Triage(city.base, local=city.local, directory=Directory(units), settings=city.settings)


def test_an_appeal_that_old_tickets_settle_stays_where_it_was() -> None:
    before = np.array([[0.97, 0.03, 0.0]], np.float32)
    after = with_newcomers(before, np.array([[0.5, 0.3, 0.2]], np.float32), NEW)
    assert after[0, 0] > 0.95
    assert after.sum() == pytest.approx(1.0, abs=1e-5)


def test_an_appeal_that_fits_no_old_unit_goes_to_the_new_one_whose_duties_name_it() -> None:
    before = np.array([[0.3, 0.25, 0.0]], np.float32)
    after = with_newcomers(before, np.array([[0.1, 0.1, 0.8]], np.float32), NEW)
    assert after[0].argmax() == 2


def test_a_newcomer_that_does_not_exist_yet_gets_nothing() -> None:
    before = np.array([[0.3, 0.25, 0.0]], np.float32)
    after = with_newcomers(before, np.array([[0.5, 0.5, 0.0]], np.float32), NEW)
    assert after[0, 2] == 0.0
    assert after[0, 0] > after[0, 1] > 0.0


def test_a_new_unit_is_proposed_for_what_its_duties_name_but_never_without_a_person(city: Triage) -> None:
    triage = with_units(city, *city.directory.units if city.directory else (), CRANES)
    appeal = Appeal(id="1", content="有人天天在小区上空用无人机航拍，怀疑是黑飞，请问飞行报备谁管？")
    decided = triage.decide(appeal).unit
    assert decided.candidates[0].name == CRANES.name
    assert decided.decision == "review"
    assert "新增的单位" in decided.reason


def test_the_old_units_keep_their_appeals_when_a_new_one_comes(city: Triage) -> None:
    triage = with_units(city, *city.directory.units if city.directory else (), CRANES)
    appeals = [row.appeal for row in read_rows(sample_path("appeals.csv"))]
    before, after = city.decide_batch(appeals), triage.decide_batch(appeals)
    pairs = zip(before, after, strict=True)
    same = [one.unit.candidates[0].name == other.unit.candidates[0].name for one, other in pairs]
    assert sum(same) / len(same) > 0.98


def test_a_renamed_unit_that_lists_its_old_name_keeps_what_that_one_learned(city: Triage) -> None:
    assert city.directory is not None
    old = city.directory.get("临澜区城管局")
    assert old is not None
    renamed = replace(old, name="临澜区综合行政执法局", aliases=(*old.aliases, old.name))
    triage = with_units(city, *(renamed if unit is old else unit for unit in city.directory.units))
    appeals = [row.appeal for row in read_rows(sample_path("appeals.csv"))]
    pairs = zip(city.decide_batch(appeals), triage.decide_batch(appeals), strict=True)
    mine = [(before, after) for before, after in pairs if before.unit.candidates[0].name == old.name]
    assert mine
    kept = [after.unit.candidates[0].name == renamed.name for _, after in mine]
    assert sum(kept) / len(kept) > 0.9
    assert not any("新增的单位" in after.unit.reason for _, after in mine)


def test_the_first_three_are_counted_and_ties_go_to_the_earlier_unit() -> None:
    found = reached(np.array([[0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]], np.float32), np.array([2, 3]))
    assert (found.n, found.top1, found.top3) == (2, 0.0, 0.5)


def test_the_hidden_units_have_duties_to_be_found_by() -> None:
    units = Directory.load(HIDDEN).units
    assert len(units) == 10
    assert all(len(unit.duties) >= 6 for unit in units)
