"""A file of appeals into the store."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner

from triage.casework.desk import Desk
from triage.casework.importing import Import, ImportOptions, ImportReport
from triage.casework.summary import summarise
from triage.commands.imports import import_appeals
from triage.errors import InputError
from triage.store import appeals, schema
from triage.store.access import EVERYWHERE, SYSTEM, Actor
from triage.store.database import Database
from triage.store.errors import Refused
from triage.testing import fake_desk

HEADER = "工单编号,诉求内容,渠道\n"


@pytest.fixture
def desk(database: Database) -> Desk:
    return fake_desk(database)


def run(desk: Desk, source: Path, *, channel: str = "热线") -> ImportReport:
    options = ImportOptions(source=source, rejects=source.with_suffix(".rejects.csv"), channel=channel)
    return Import(desk, SYSTEM, options).run(progress=lambda _done, _total: True)


def test_rows_are_recorded_once_and_passed_over_the_second_time(desk: Desk, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(HEADER + "".join(f"T{n},第{n}件垃圾没人清理,网站\n" for n in range(5)), encoding="utf-8")
    first, second = run(desk, source), run(desk, source)
    assert (first.read, first.recorded, first.known, first.rejected, first.exit_status) == (5, 5, 0, 0, 0)
    assert (second.read, second.recorded, second.known, second.rejected, second.exit_status) == (5, 0, 5, 0, 0)
    with source.open("a", encoding="utf-8") as file:
        file.write("T5,第5件垃圾没人清理,网站\n")
    third = run(desk, source)
    assert (third.recorded, third.known) == (1, 5)


def test_a_bad_row_goes_to_the_rejects_file_and_the_rest_goes_on(desk: Desk, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(HEADER + "T1,垃圾没人清理,\nT2,,\nT3,路灯不亮,\n", encoding="utf-8")
    report = run(desk, source)
    assert (report.read, report.recorded, report.rejected, report.exit_status) == (3, 2, 1, 1)
    assert "第 3 行" in report.reasons[0]
    assert "T2" in source.with_suffix(".rejects.csv").read_text(encoding="utf-8-sig")
    with desk.database.transaction(EVERYWHERE) as connection:
        assert appeals.references(connection, "热线", ["T1", "T2", "T3"]) == {"T1", "T3"}


def test_rows_without_numbers_are_known_by_file_and_row(desk: Desk, tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("诉求内容\n路灯不亮\n路灯不亮\n", encoding="utf-8")
    other.write_text("诉求内容\n路灯不亮\n垃圾没人清理\n", encoding="utf-8")
    assert [run(desk, one).recorded, run(desk, one).recorded, run(desk, other).recorded] == [2, 0, 2]


def test_an_interrupted_import_goes_on_where_it_was(desk: Desk, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(HEADER + "".join(f"T{n},第{n}件垃圾没人清理,\n" for n in range(250)), encoding="utf-8")

    def stop(done: int, _total: int) -> bool:
        if done >= 200:
            raise KeyboardInterrupt
        return True

    work = Import(desk, SYSTEM, ImportOptions(source=source, rejects=tmp_path / "r.csv"))
    with pytest.raises(KeyboardInterrupt):
        work.run(progress=stop)
    assert work.recorded == 200
    again = run(desk, source, channel="")
    assert (again.recorded, again.known) == (50, 200)


def test_the_time_of_a_row_is_when_it_came_in(desk: Desk, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("工单编号,时间,诉求内容\nT1,2026-10-01 08:30,垃圾没人清理\n", encoding="utf-8")
    run(desk, source)
    with desk.database.transaction(EVERYWHERE) as connection:
        row = connection.execute(select(schema.appeals)).one()
    assert row.received_at == row.created_at
    assert row.received_at.isoformat().startswith("2026-10-01T00:30")


def test_a_file_that_is_not_there_is_named(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv"):
        run(desk, tmp_path / "gone.csv")


def test_the_summary_counts_what_is_stored(desk: Desk, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    copies = "柳溪路枫桥花园小区楼下烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡，多次投诉没有结果"
    rows = [copies, copies, "垃圾没人清理", "工地讨薪无果"]
    source.write_text("诉求内容\n" + "\n".join(rows) + "\n", encoding="utf-8")
    run(desk, source)
    found = summarise(desk, SYSTEM)
    assert (found.total, found.events, found.linked) == (4, 1, 2)
    assert found.states == {"waiting": 4}
    assert found.risks == [3, 0, 0, 0, 1]
    assert found.units == {"住建局": 3, "城管局": 1}
    with pytest.raises(Refused):
        summarise(desk, Actor(name="key:1", role="intake", scope=EVERYWHERE))


@pytest.mark.timeout(240)
def test_the_command_imports_into_a_fresh_data_folder(short_folder: Path) -> None:
    source, units = short_folder / "in.csv", short_folder / "units.csv"
    source.write_text(HEADER + "T1,小区门口垃圾成堆没人清理,\nT2,,\n", encoding="utf-8")
    units.write_text("name,level,function\n澜江市城市管理局,市,城管局\n", encoding="utf-8")
    data = ["--data", str(short_folder / "data"), "--channel", "热线"]
    command = typer.Typer()
    command.command()(import_appeals)
    first = CliRunner().invoke(command, [str(source), "--units", str(units), "--summary", *data])
    assert first.exit_code == 1, first.output
    assert "读入 2 行，登记 1 行，已在库中 0 行，退回 1 行" in first.output
    assert "澜江市城市管理局 1" in first.output
    second = CliRunner().invoke(command, [str(source), *data])
    assert "登记 0 行，已在库中 1 行，退回 1 行" in second.output
    assert "垃圾成堆" not in first.output + second.output
