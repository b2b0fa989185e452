"""The list of units in the store: one is valid, earlier ones are kept."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.store.filing import CLOCK, StandingClock, count, rows
from tests.store_fixtures import both_ways
from triage.directory import Unit
from triage.directory.loading import read_units
from triage.samples import sample_path
from triage.store import units
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.units import UnitImport, nearest

CITY = Unit(name="市城管局", level="市", function="城管局", duties=("市容", "路灯"), aliases=("城管",))
TRAFFIC = Unit(name="市交警支队", level="市", function="交警", valid_from=date(2020, 1, 1))


def imported(database: Database, *listed: Unit, clock: StandingClock = CLOCK) -> UnitImport:
    with database.transaction(EVERYWHERE) as connection:
        return units.replace_all(connection, listed, actor="user:a", at=clock())


@both_ways()
def test_units_come_back_as_they_were_imported(database: Database) -> None:
    listed = read_units(sample_path("units.csv"))
    assert imported(database, *listed).added == len(listed)
    with database.transaction(EVERYWHERE) as connection:
        directory = units.directory(connection)
    assert directory is not None
    assert list(directory) == listed


def test_an_empty_store_has_no_directory(database: Database) -> None:
    with database.transaction(EVERYWHERE) as connection:
        assert units.directory(connection) is None


def test_a_later_list_replaces_the_earlier_one_and_keeps_its_rows(database: Database) -> None:
    clock = StandingClock()
    assert imported(database, CITY, TRAFFIC, clock=clock) == UnitImport(added=2, changed=0, withdrawn=0, unchanged=0)
    clock.pass_(days=1)
    water = Unit(name="市供水公司", level="企业")
    changed = Unit(name="市城管局", level="市", function="城管局", duties=("市容",))
    assert imported(database, changed, water, clock=clock) == UnitImport(added=1, changed=1, withdrawn=1, unchanged=0)
    with database.transaction(EVERYWHERE) as connection:
        assert [found.unit for found in units.list_units(connection)] == [changed, water]
        everything = units.list_units(connection, withdrawn=True)
    assert [(found.unit.name, found.withdrawn_at) for found in everything] == [
        ("市城管局", clock()),
        ("市交警支队", clock()),
        ("市城管局", None),
        ("市供水公司", None),
    ]
    assert {row["recorded_by"] for row in rows(database, "units")} == {"user:a"}


def test_the_same_list_again_changes_nothing(database: Database) -> None:
    imported(database, CITY, TRAFFIC)
    with database.transaction(EVERYWHERE) as connection:
        before = units.stamp(connection)
    assert imported(database, CITY, TRAFFIC) == UnitImport(added=0, changed=0, withdrawn=0, unchanged=2)
    with database.transaction(EVERYWHERE) as connection:
        assert units.stamp(connection) == before
    assert count(database, "units") == 2


def test_a_unit_that_comes_back_is_a_new_row(database: Database) -> None:
    imported(database, CITY, TRAFFIC)
    imported(database, CITY)
    assert imported(database, CITY, TRAFFIC).added == 1
    assert count(database, "units", name="市交警支队") == 2


def test_only_units_of_the_day_are_listed(database: Database) -> None:
    ended = Unit(name="市工商局", level="市", valid_to=date(2018, 12, 31))
    imported(database, CITY, TRAFFIC, ended)
    with database.transaction(EVERYWHERE) as connection:
        assert units.names(connection, day=date(2018, 12, 31)) == ["市城管局", "市工商局"]
        assert units.names(connection, day=date(2020, 1, 1)) == ["市城管局", "市交警支队"]
        assert units.resolve(connection, "城管", day=date(2020, 1, 1)) == "市城管局"
        assert units.resolve(connection, "市工商局", day=date(2020, 1, 1)) is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("城管", ["市城管局", "秀英区城管局"]),
        ("秀英城管局", ["秀英区城管局", "市城管局"]),
        ("火星", []),
        ("", []),
    ],
)
def test_the_nearest_names_share_most_characters(name: str, found: list[str]) -> None:
    assert nearest(name, ["市城管局", "秀英区城管局", "市交警支队"]) == found


def test_nearest_names_of_a_large_list_are_found_quickly() -> None:
    names = [f"第{number}街道办事处" for number in range(20_000)]
    assert nearest("第77街道办" + "很长" * 5000, names, most=1) != []


def test_a_list_with_a_mistake_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("单位名称\n市城管局\n市城管局\n", encoding="utf-8")
    with pytest.raises(Exception, match="与第2行重复"):
        read_units(tmp_path / "units.csv")
