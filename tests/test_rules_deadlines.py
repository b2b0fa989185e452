"""Deadlines, each checked by hand against the published calendar."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from triage.errors import InputError
from triage.rules.deadlines import CHINA, Deadline, DeadlineRules


@pytest.fixture(scope="module")
def rules() -> DeadlineRules:
    return DeadlineRules.load()


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=CHINA)


def due(rules: DeadlineRules, moment: str, type_: str, **kind: bool) -> Deadline:
    found = rules.deadline(
        at(moment), type_=type_, emergency=kind.get("emergency", False), utilities=kind.get("utilities", False)
    )
    assert found is not None
    return found


# 2025: 春节 01-28…02-04, worked 01-26 (Sun) and 02-08 (Sat); 劳动节 worked 04-27 (Sun); 端午 05-31…06-02;
#       国庆 10-01…10-08, worked 09-28 (Sun) and 10-11 (Sat). 2026: 元旦 01-01…01-03, worked 01-04 (Sun);
#       春节 02-15…02-23, worked 02-14 and 02-28 (Sat); 国庆 10-01…10-07, worked 09-20 (Sun) and 10-10 (Sat).
@pytest.mark.parametrize(
    ("received", "type_", "accept", "finish"),
    [
        ("2025-06-11 09:00", "咨询", "2025-06-12", "2025-06-13"),
        ("2025-06-13 16:00", "咨询", "2025-06-16", "2025-06-17"),
        ("2025-06-14 16:00", "咨询", "2025-06-16", "2025-06-17"),
        ("2025-06-15 00:00", "咨询", "2025-06-16", "2025-06-17"),
        ("2025-05-30 10:00", "咨询", "2025-06-03", "2025-06-04"),
        ("2025-04-25 10:00", "咨询", "2025-04-27", "2025-04-28"),
        ("2025-09-26 17:00", "咨询", "2025-09-28", "2025-09-29"),
        ("2025-09-27 17:00", "咨询", "2025-09-28", "2025-09-29"),
        ("2025-09-28 17:00", "咨询", "2025-09-29", "2025-09-30"),
        ("2025-09-30 10:00", "咨询", "2025-10-09", "2025-10-10"),
        ("2025-09-30 23:59", "咨询", "2025-10-09", "2025-10-10"),
        ("2025-10-01 12:00", "咨询", "2025-10-09", "2025-10-10"),
        ("2025-10-09 12:00", "咨询", "2025-10-10", "2025-10-11"),
        ("2025-10-11 12:00", "咨询", "2025-10-13", "2025-10-14"),
        ("2025-09-30 10:00", "求助", "2025-10-09", "2025-10-21"),
        ("2025-09-30 10:00", "建议", "2025-10-09", "2025-10-21"),
        ("2025-09-30 10:00", "投诉", "2025-10-09", "2025-10-28"),
        ("2025-09-30 10:00", "举报", "2025-10-09", "2025-10-28"),
        ("2025-09-30 10:00", "其他", "2025-10-09", "2025-10-21"),
        ("2025-01-24 10:00", "咨询", "2025-01-26", "2025-01-27"),
        ("2025-01-27 10:00", "咨询", "2025-02-05", "2025-02-06"),
        ("2025-02-01 10:00", "求助", "2025-02-05", "2025-02-17"),
        ("2025-02-07 10:00", "咨询", "2025-02-08", "2025-02-10"),
        ("2025-12-31 10:00", "咨询", "2026-01-04", "2026-01-05"),
        ("2026-02-13 10:00", "咨询", "2026-02-14", "2026-02-24"),
        ("2026-02-14 10:00", "咨询", "2026-02-24", "2026-02-25"),
        ("2026-02-27 10:00", "咨询", "2026-02-28", "2026-03-02"),
        ("2026-09-18 10:00", "咨询", "2026-09-20", "2026-09-21"),
        ("2026-09-30 10:00", "咨询", "2026-10-08", "2026-10-09"),
        ("2026-10-08 10:00", "咨询", "2026-10-09", "2026-10-10"),
    ],
)
def test_working_days_skip_holidays_and_count_make_up_days(
    rules: DeadlineRules, received: str, type_: str, accept: str, finish: str
) -> None:
    found = due(rules, received, type_)

    assert found.accept_by == at(f"{accept} 23:59:59")
    assert found.finish_by == at(f"{finish} 23:59:59")


def test_an_emergency_runs_through_the_night_of_a_holiday(rules: DeadlineRules) -> None:
    found = due(rules, "2025-10-01 23:50", "投诉", emergency=True, utilities=True)

    assert (found.accept_by, found.finish_by) == (at("2025-10-02 00:05"), at("2025-10-02 01:50"))
    assert found.rule == "默认规则：紧急事项15分钟内受理，2小时内办结"


def test_a_power_cut_has_its_own_hours(rules: DeadlineRules) -> None:
    found = due(rules, "2025-10-01 23:50", "求助", utilities=True)

    assert (found.accept_by, found.finish_by) == (at("2025-10-02 00:20"), at("2025-10-02 23:50"))


def test_another_time_zone_is_counted_on_the_chinese_day(rules: DeadlineRules) -> None:
    received = datetime(2025, 9, 28, 17, 0, tzinfo=UTC)
    found = rules.deadline(received, type_="咨询", emergency=False, utilities=False)

    assert found is not None
    assert found.finish_by == at("2025-10-09 23:59:59")


def test_without_a_time_there_is_no_deadline(rules: DeadlineRules) -> None:
    assert rules.deadline(None, type_="投诉", emergency=False, utilities=False) is None


@pytest.mark.parametrize(
    ("preset", "type_", "accept", "finish"),
    [
        ("GD", "投诉", "2025-10-09 23:59:59", "2025-10-28 23:59:59"),
        ("SD", "投诉", "2025-10-09 23:59:59", "2025-10-14 23:59:59"),
        ("SD", "咨询", "2025-10-09 23:59:59", "2025-10-14 23:59:59"),
        ("TJ", "求助", "2025-10-09 23:59:59", "2025-10-21 23:59:59"),
        ("HK", "咨询", "2025-09-30 23:55", "2025-10-10 23:59:59"),
        ("XF", "投诉", "2025-10-15 23:59:59", "2025-11-29 23:59:59"),
    ],
)
def test_each_preset_counts_by_its_own_rule(preset: str, type_: str, accept: str, finish: str) -> None:
    found = due(DeadlineRules.load(preset=preset), "2025-09-30 23:25", type_)

    assert (found.accept_by, found.finish_by) == (at(accept), at(finish))


def test_a_year_without_published_holidays_counts_weekends_and_says_so(rules: DeadlineRules) -> None:
    found = due(rules, "2031-01-01 09:00", "咨询")

    assert found.finish_by == at("2031-01-03 23:59:59")
    assert "2031年放假安排未知" in found.rule


def test_a_holiday_file_settles_a_year(tmp_path: Path) -> None:
    path = tmp_path / "holidays.json"
    path.write_text(json.dumps({"years": {"2031": {"off": ["2031-01-02"], "work": ["2031-01-04"]}}}), encoding="utf-8")
    found = due(DeadlineRules.load(holidays=path), "2031-01-01 09:00", "咨询")

    assert found.finish_by == at("2031-01-04 23:59:59")
    assert "未知" not in found.rule


@pytest.mark.parametrize(
    ("content", "preset", "expected"),
    [
        ("{", "default", "无法读取"),
        ('{"rules": {"a": {}}}', "default", "没有可用的“default”：可选 a"),
        ('{"rules": {"a": {"base": "a"}}}', "a", "base 不能循环"),
        ('{"rules": {"a": {"accept": {"*": "1 wd"}}}}', "a", "finish 缺少“\\*”"),
        ('{"rules": {"a": {"accept": {"*": "soon"}}}}', "a", "accept.\\*写作|写作“soon”：请写成 15 min"),
    ],
)
def test_a_broken_rule_file_is_refused_with_the_remedy(
    tmp_path: Path, content: str, preset: str, expected: str
) -> None:
    path = tmp_path / "deadlines.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(InputError, match=expected):
        DeadlineRules.load(path, preset=preset)
