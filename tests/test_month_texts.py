"""The simulated month: the same seed tells the same stories, moved to where the unit's counterpart is."""

from __future__ import annotations

import pytest

from benchmarks.month_texts import DAYS, Storyteller
from triage.samples.__main__ import labelled


@pytest.fixture(scope="module")
def stories() -> Storyteller:
    return Storyteller(seed=7)


def test_the_same_seed_tells_the_same_month() -> None:
    one, other = Storyteller(seed=7), Storyteller(seed=7)
    assert [one.tell(k, day=0) for k in range(40)] == [other.tell(k, day=0) for k in range(40)]
    assert [one.tell(k, day=0) for k in range(40)] != [Storyteller(seed=8).tell(k, day=0) for k in range(40)]


def test_every_story_has_a_unit_of_the_list(stories: Storyteller) -> None:
    names = {unit.name for unit in stories.directory.units}
    told = [stories.tell(k, day=DAYS - 1) for k in range(300)]
    assert {one.unit for one in told} <= names
    assert len({one.appeal.content for one in told}) > 250


def test_a_story_moves_to_another_district_with_its_unit(stories: Storyteller) -> None:
    units = {record["id"]: record["unit"] for record in labelled()}
    moved = [
        one for one in (stories.tell(k, day=DAYS - 1) for k in range(300)) if one.unit not in ("", units[one.original])
    ]
    assert moved
    districts = {unit.name: unit.jurisdiction for unit in stories.directory.units}
    assert all(districts[one.unit] != districts[units[one.original]] for one in moved)


def test_new_matters_begin_on_later_days_and_some_are_never_told(stories: Storyteller) -> None:
    first = {stories.tell(k, day=0).original for k in range(1_500)}
    last = {stories.tell(k, day=DAYS - 1).original for k in range(1_500)}
    assert len(last - first) > 30
    assert not {one.original for one in stories.aside} & (first | last)
    assert len(stories.aside) > 50
