"""What a city decides for itself: units with a difference before the import, the admission list, channels, terms at intake."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.store.filing import CLOCK, DISPATCHER, StandingClock, count, file_appeal, person, rows
from triage.casework import admission, review, terms, unit_lists
from triage.casework.bundle_watch import BundleLoader, BundleWatcher
from triage.casework.channels import ChannelBook
from triage.casework.desk import CurrentTriage, Desk
from triage.casework.importing import Import, ImportOptions
from triage.casework.intake import NewAppeal
from triage.casework.receive import receive
from triage.commands.run import run
from triage.directory.changes import FieldChange, Renamed, UnitChange
from triage.errors import InputError
from triage.pipeline.identity import rules_choices
from triage.rules import CityRules
from triage.rules.book import rules_folder
from triage.service import Triage
from triage.store import units
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.database import Database
from triage.store.errors import DuplicateReference, Refused, StateConflict
from triage.testing import fake_desk

ADMIN = person("admin")
OLD = """单位名称,层级,职责,联系方式
市城管局,市,市容、路灯,0000-1
市工商局,市,执照,
市供水公司,企业,供水,
"""
NEW = """单位名称,层级,职责,别名,联系方式
市城管局,市,市容、绿化,,0000-2
市市场监管局,市,执照,市工商局,
市供水公司,企业,供水,,
"""
LIST = {"items": [{"item": "占道", "lowest": "网格", "words": ["占道经营"]}]}


def file(tmp_path: Path, text: str, name: str = "units.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def desk(database: Database) -> Desk:
    return fake_desk(database, clock=CLOCK)


def test_the_difference_names_what_comes_changes_goes_and_is_left_behind(desk: Desk, tmp_path: Path) -> None:
    unit_lists.import_units(desk, ADMIN, file(tmp_path, OLD))
    file_appeal(desk.database, unit="市工商局")
    before = rows(desk.database, "units")

    found = unit_lists.diff_units(desk.database, ADMIN, file(tmp_path, NEW))
    changes = found.changes
    assert [unit.name for unit in changes.added] == ["市市场监管局"]
    assert changes.changed == (
        UnitChange(
            name="市城管局",
            fields=(
                FieldChange(field="duties", old="市容、路灯", new="市容、绿化"),
                FieldChange(field="contact", old="0000-1", new="0000-2"),
            ),
        ),
    )
    assert [unit.name for unit in changes.withdrawn] == ["市工商局"]
    assert changes.renamed == (Renamed(old="市工商局", new="市市场监管局"),)
    assert (changes.unchanged, changes.none) == (1, False)
    assert found.open_at == {"市工商局": 1}
    assert rows(desk.database, "units") == before
    with pytest.raises(Refused):
        unit_lists.diff_units(desk.database, DISPATCHER, file(tmp_path, NEW))


def test_only_the_difference_that_was_looked_at_is_applied(desk: Desk, tmp_path: Path) -> None:
    unit_lists.import_units(desk, ADMIN, file(tmp_path, OLD))
    seen = unit_lists.diff_units(desk.database, ADMIN, file(tmp_path, NEW)).seen

    with pytest.raises(StateConflict, match="已变动；请重新查看差异"):
        unit_lists.import_units(desk, ADMIN, file(tmp_path, NEW.replace("绿化", "绿地")), seen=seen)
    done = unit_lists.import_units(desk, ADMIN, file(tmp_path, NEW), seen=seen)
    assert (done.added, done.changed, done.withdrawn, done.unchanged) == (1, 1, 1, 1)
    with pytest.raises(StateConflict):
        unit_lists.import_units(desk, ADMIN, file(tmp_path, NEW), seen=seen)
    again = unit_lists.diff_units(desk.database, ADMIN, file(tmp_path, NEW))
    assert again.changes.none
    with desk.database.transaction(EVERYWHERE) as connection:
        assert {row.unit.name: row.unit.contact for row in units.list_units(connection)}["市城管局"] == "0000-2"


def test_an_imported_admission_list_goes_before_the_file_and_reaches_the_models(
    database: Database, tmp_path: Path, short_folder: Path
) -> None:
    rules = CityRules.load()
    assert admission.in_force(database, ADMIN, rules=rules).imported is False
    loader = BundleLoader(database, short_folder / "bundles", rules=rules)
    loaded = loader.present()
    watcher = BundleWatcher(CurrentTriage(loaded.active), loader, loaded.generation)
    assert not watcher.poll()

    source = file(tmp_path, json.dumps(LIST), "admission.json")
    done = admission.apply_admission(database, ADMIN, source, at=CLOCK())
    assert (done.added, done.changed, done.withdrawn, done.unchanged) == (1, 0, 0, 0)
    view = admission.in_force(database, person("intake"), rules=rules)
    assert ([item.name for item in view.items], view.imported) == (["占道"], True)
    assert watcher.poll()
    active = watcher.current().triage
    assert isinstance(active, Triage)
    assert [item.name for item in active.rules.admission.items] == ["占道"]
    assert active.rules.deadlines == rules.deadlines
    with pytest.raises(Refused):
        admission.apply_admission(database, DISPATCHER, source, at=CLOCK())


def test_a_later_admission_list_keeps_the_earlier_items_and_the_order(database: Database, tmp_path: Path) -> None:
    def imported(*names: str, words: str = "词") -> tuple[int, int, int, int]:
        items = [{"item": name, "lowest": "社区村", "words": [words]} for name in names]
        source = file(tmp_path, json.dumps({"items": items}), "admission.json")
        done = admission.apply_admission(database, ADMIN, source, at=clock())
        return done.added, done.changed, done.withdrawn, done.unchanged

    clock = StandingClock()
    assert imported("甲", "乙", "丙") == (3, 0, 0, 0)
    assert imported("甲", "乙", "丙") == (0, 0, 0, 3)
    assert count(database, "admission") == 3
    clock.pass_(days=1)
    assert imported("甲", "丙") == (0, 0, 1, 2)
    assert imported("甲", "丁", "丙") == (1, 0, 0, 2)
    view = admission.in_force(database, ADMIN, rules=CityRules.load())
    assert [item.name for item in view.items] == ["甲", "丁", "丙"]
    assert imported("甲", "丁", "丙", words="别的词") == (0, 3, 0, 0)
    assert {row["item"] for row in rows(database, "admission") if row["withdrawn_at"]} == {"甲", "乙", "丙", "丁"}


def test_a_person_sends_down_what_is_admitted_and_else_says_why(desk: Desk, tmp_path: Path) -> None:
    listed = "单位名称,层级\n市城管局,市\n桥头社区居委会,社区村\n桥头社区第一网格,网格\n"
    unit_lists.import_units(desk, ADMIN, file(tmp_path, listed))
    small = file_appeal(desk.database, proposed=("市城管局",), raw="楼道堆满纸箱")
    large = file_appeal(desk.database, proposed=("桥头社区居委会",), raw="公司拖欠工资")

    assert review.confirm(desk, DISPATCHER, small, unit="桥头社区第一网格").unit == "桥头社区第一网格"
    with pytest.raises(StateConflict, match="桥头社区居委会为社区村级单位，该诉求不在准入清单内"):
        review.confirm(desk, DISPATCHER, large)
    with pytest.raises(StateConflict, match="网格级单位"):
        review.reassign(desk, DISPATCHER, large, unit="桥头社区第一网格", reason="就近办理")
    sent = review.reassign(desk, DISPATCHER, large, unit="桥头社区居委会", reason="社区愿意调解", override=True)
    assert sent.unit == "桥头社区居委会"


def test_an_appeal_is_stored_under_the_one_name_of_its_channel(desk: Desk) -> None:
    receipt = receive(desk, SYSTEM, NewAppeal(content="路灯不亮", channel="12345热线", reference="A1"))

    (row,) = rows(desk.database, "appeals", id=receipt.appeal_id)
    assert row["channel"] == "热线"
    with pytest.raises(DuplicateReference):
        receive(desk, SYSTEM, NewAppeal(content="路灯还不亮", channel="电话", reference="A1"))


def test_a_number_in_another_form_is_not_recorded(desk: Desk, tmp_path: Path) -> None:
    channels = {"channels": [{"name": "热线", "reference": "RX{数字:4}"}]}
    strict = replace(desk, channels=ChannelBook.load(file(tmp_path, json.dumps(channels), "channels.json")))
    with pytest.raises(InputError, match="应写成 RX"):
        receive(strict, SYSTEM, NewAppeal(content="路灯不亮", channel="热线", reference="17"))
    assert count(desk.database, "appeals") == 0
    source = file(tmp_path, "工单编号,内容\nRX0001,路灯不亮\n17,水管爆裂\n,垃圾没人清理\n", "in.csv")
    report = Import(strict, SYSTEM, ImportOptions(source=source, rejects=tmp_path / "rejects.csv", channel="热线")).run(
        progress=lambda _done, _total: True
    )
    assert (report.recorded, report.rejected) == (2, 1)
    assert "应写成 RX" in report.reasons[0]


def test_an_import_reads_the_columns_that_its_channel_writes(desk: Desk, tmp_path: Path) -> None:
    channels = {
        "channels": [{"name": "信访", "columns": {"content": "信访事由", "id": ["件号", "信访编号"], "user": "姓"}}]
    }
    known = replace(desk, channels=ChannelBook.load(file(tmp_path, json.dumps(channels), "channels.json")))
    source = file(tmp_path, "信访编号,信访事由,内容\nXF-7,路灯不亮,（略）\n", "in.csv")
    options = ImportOptions(source=source, rejects=tmp_path / "rejects.csv", channel="信访")
    assert Import(known, SYSTEM, options).run(progress=lambda _done, _total: True).recorded == 1

    (row,) = rows(desk.database, "appeals")
    assert (row["channel"], row["reference"], row["content_raw"]) == ("信访", "XF-7", "路灯不亮")


def test_an_appeal_that_comes_in_has_terms_of_acceptance_and_finishing(database: Database) -> None:
    desk = fake_desk(database, clock=CLOCK)
    active = desk.current()
    desk = replace(desk, current=CurrentTriage(replace(active, triage=Triage.load())))
    receipt = receive(desk, SYSTEM, NewAppeal(content="请问公积金提取需要什么材料？", channel="热线"))

    with database.transaction(EVERYWHERE) as connection:
        begun = terms.of(connection, receipt.appeal_id)
    deadline = receipt.decision_record["deadline"]
    assert {term.step: term.due_at for term in begun} == {
        "accept": datetime.fromisoformat(deadline["accept_by"]),
        "finish": datetime.fromisoformat(deadline["finish_by"]),
    }
    assert {term.unit for term in begun} == {""}
    assert all("内受理" in term.rule for term in begun)


def test_a_city_edits_a_folder_of_rules(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    file(folder, '{"years": {"2031": {"off": ["2031-01-02"], "work": []}}}', "holidays.json")
    rules = CityRules.read({"TRIAGE_RULES": str(folder), "TRIAGE_PRESET": "SD"})

    assert rules.deadlines.title == "山东2020"
    assert rules.deadlines.calendar.knows(2031)
    assert rules.admission.items == CityRules.load().admission.items
    with pytest.raises(InputError, match="不是规则目录"):
        rules_folder({"TRIAGE_RULES": str(tmp_path)})
    with pytest.raises(InputError, match="没有可用的“XY”"):
        CityRules.read({"TRIAGE_PRESET": "XY"})


def test_a_run_over_a_file_goes_by_the_citys_rules_and_is_not_continued_under_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rules_choices({}) == {}
    other = rules_choices({"TRIAGE_PRESET": "SD"})
    assert other != rules_choices({"TRIAGE_PRESET": "XF"})
    folder = tmp_path / "rules"
    folder.mkdir()
    file(folder, json.dumps(LIST), "admission.json")
    before = rules_choices({"TRIAGE_RULES": str(folder)})
    file(folder, json.dumps({"items": []}), "admission.json")
    assert before != rules_choices({"TRIAGE_RULES": str(folder)})

    monkeypatch.setenv("TRIAGE_PRESET", "SD")
    source, out = (
        file(tmp_path, "工单编号,时间,诉求内容\nA1,2026-03-02 09:30,路灯不亮已经一周\n", "in.csv"),
        tmp_path / "out.jsonl",
    )
    done = CliRunner().invoke(app_of(run), [str(source), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "山东2020" in json.loads(out.read_text(encoding="utf-8"))["deadline"]["rule"]


def app_of(command: Any) -> typer.Typer:
    app = typer.Typer()
    app.command()(command)
    return app
