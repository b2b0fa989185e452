"""Sixty-four deadlines counted by hand.

Sources: the notices of the General Office of the State Council on the holidays of each year, and no program:

2019  国办发明电〔2018〕15号, 劳动节 by 〔2019〕3号. Off: 02-04…10, 04-05, 05-01…04, 06-07, 09-13, 10-01…07.
      Worked weekends: 02-02 Sat, 02-03 Sun, 04-28 Sun, 05-05 Sun, 09-29 Sun, 10-12 Sat.
2020  春节 was prolonged to 02-02 (国办发明电〔2020〕1号), so that the make-up day 02-01 Sat was not worked; off from 01-24.
2024  国办发明电〔2023〕7号. Off: 01-01, 02-10…17, 04-04…06, 05-01…05, 06-10, 09-15…17, 10-01…07.
      Worked weekends: 02-04 Sun, 02-18 Sun, 04-07 Sun, 04-28 Sun, 05-11 Sat, 09-14 Sat, 09-29 Sun, 10-12 Sat.
      New Year's Eve 02-09 was a working day by the notice.
2025  国办发明电〔2024〕12号. Off: 01-01, 01-28…02-04, 04-04…06, 05-01…05, 05-31…06-02, 10-01…08.
      Worked weekends: 01-26 Sun, 02-08 Sat, 04-27 Sun, 09-28 Sun, 10-11 Sat.
2026  国办发明电〔2025〕7号. Off: 01-01…03, 02-15…23, 04-04…06, 05-01…05, 06-19…21, 09-25…27, 10-01…07.
      Worked weekends: 01-04 Sun, 02-14 Sat, 02-28 Sat, 05-09 Sat, 09-20 Sun, 10-10 Sat.

Each line of working days lists the days that were counted, ``a>b`` standing for every day from a to b. The first day
(the day of receipt) never counts; minutes and hours run through everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest

from triage.rules.deadlines import CHINA, DeadlineRules, Facts

# rule set · step · whose · received (weekday) · due · the days counted, or how it was reckoned
TABLE = """
default  accept    咨询      2026-01-07三 10:00  2026-01-08           01-08
default  finish    咨询      2025-12-31三 10:00  2026-01-05           01-04>01-05
default  finish    咨询      2026-01-02五 15:00  2026-01-05           01-04>01-05
default  accept    投诉      2026-01-03六 09:00  2026-01-04           01-04
default  finish    求助      2025-12-31三 23:59  2026-01-15           01-04>01-09 01-12>01-15
default  finish    投诉      2026-02-06五 09:00  2026-03-05           02-09>02-14 02-24>02-28 03-02>03-05
default  finish    求助      2026-02-13五 17:30  2026-03-05           02-14 02-24>02-28 03-02>03-05
default  finish    咨询      2026-02-14六 17:00  2026-02-25           02-24>02-25
SD       finish    投诉      2026-02-15日 08:00  2026-02-28           02-24>02-28
default  return    投诉      2026-02-27五 10:00  2026-03-02           02-28 03-02
default  sign      投诉      2026-02-12四 10:00  2026-02-13           02-13
default  accept    求助      2026-04-03五 16:30  2026-04-07           04-07
default  finish    投诉      2026-04-02四 11:00  2026-04-24           04-03 04-07>04-10 04-13>04-17 04-20>04-24
default  finish    求助      2026-04-28二 11:00  2026-05-14           04-29>04-30 05-06>05-09 05-11>05-14
default  finish    咨询      2026-04-30四 18:00  2026-05-07           05-06>05-07
default  return    投诉      2026-05-08五 10:00  2026-05-11           05-09 05-11
default  finish    咨询      2026-06-18四 10:00  2026-06-23           06-22>06-23
default  callback  投诉      2026-06-19五 10:00  2026-06-23           06-22>06-23
default  finish    建议      2026-09-14一 10:00  2026-09-28           09-15>09-18 09-20>09-24 09-28
default  finish    举报      2026-09-22二 10:00  2026-10-20           09-23>09-24 09-28>09-30 10-08>10-10 10-12>10-16 10-19>10-20
default  sign      投诉      2026-09-19六 10:00  2026-09-20           09-20
default  objection 投诉      2026-09-30三 10:00  2026-10-13           10-08>10-10 10-12>10-13
default  finish    咨询      2026-10-09五 10:00  2026-10-12           10-10 10-12
default  accept    投诉      2024-12-31二 10:00  2025-01-02           01-02
default  finish    求助      2025-01-22三 10:00  2025-02-11           01-23>01-24 01-26>01-27 02-05>02-08 02-10>02-11
default  finish    投诉      2025-01-20一 10:00  2025-02-14           01-21>01-24 01-26>01-27 02-05>02-08 02-10>02-14
default  finish    咨询      2025-01-26日 09:00  2025-02-05           01-27 02-05
SD       finish    投诉      2025-02-07五 10:00  2025-02-13           02-08 02-10>02-13
default  finish    咨询      2025-04-03四 10:00  2025-04-08           04-07>04-08
default  finish    求助      2025-04-25五 10:00  2025-05-13           04-27>04-30 05-06>05-09 05-12>05-13
SD       return    投诉      2025-04-30三 10:00  2025-05-07           05-06>05-07
default  finish    咨询      2025-05-30五 10:00  2025-06-04           06-03>06-04
GD       finish    投诉      2025-09-19五 10:00  2025-10-16           09-22>09-26 09-28>09-30 10-09>10-11 10-13>10-16
default  sign      投诉      2025-09-28日 18:00  2025-09-29           09-29
default  finish    求助      2025-10-08三 10:00  2025-10-21           10-09>10-11 10-13>10-17 10-20>10-21
default  finish    咨询      2023-12-29五 10:00  2024-01-03           01-02>01-03
default  finish    求助      2024-02-02五 10:00  2024-02-21           02-04>02-09 02-18>02-21
default  finish    咨询      2024-02-09五 10:00  2024-02-19           02-18>02-19
default  finish    咨询      2024-04-03三 10:00  2024-04-08           04-07>04-08
SD       finish    投诉      2024-04-26五 10:00  2024-05-07           04-28>04-30 05-06>05-07
default  sign      投诉      2024-05-10五 10:00  2024-05-11           05-11
default  return    投诉      2024-06-07五 10:00  2024-06-12           06-11>06-12
default  finish    咨询      2024-09-13五 10:00  2024-09-18           09-14 09-18
default  finish    求助      2024-09-27五 10:00  2024-10-16           09-29>09-30 10-08>10-12 10-14>10-16
default  finish    咨询      2019-09-27五 10:00  2019-09-30           09-29>09-30
default  finish    投诉      2019-09-30一 10:00  2019-10-25           10-08>10-12 10-14>10-18 10-21>10-25
default  finish    求助      2019-02-01五 10:00  2019-02-20           02-02>02-03 02-11>02-15 02-18>02-20
default  finish    咨询      2019-04-30二 10:00  2019-05-06           05-05>05-06
default  finish    咨询      2020-01-23四 10:00  2020-02-04           02-03>02-04
default  sign      投诉      2020-02-01六 10:00  2020-02-03           02-03
XF       objection 投诉      2025-09-26五 10:00  2025-10-10           09-28>09-30 10-09>10-10
XF       accept    投诉      2026-09-30三 10:00  2026-10-15           natural: 30 September and 15 days; the holidays count
XF       finish    投诉      2026-02-02一 10:00  2026-04-03           natural: 26 days of February, 31 of March, 3 of April
XF       finish    投诉      2024-01-31三 10:00  2024-03-31           natural: 29 days of February in a leap year, 31 of March
XF       transfer  投诉      2025-02-14五 10:00  2025-03-01           natural: 14 days of February, 1 of March
XF       request_review 投诉 2026-01-31六 10:00  2026-03-02           natural: 28 days of February, 2 of March
XF       recheck_opinion 投诉 2025-12-15一 10:00 2026-01-14           natural: 16 days of December, 14 of January
default  accept    emergency 2026-02-16一 23:50  2026-02-17 00:05     minutes: New Year's Eve is no pause
default  finish    emergency 2026-02-16一 23:50  2026-02-17 01:50     hours: two of them, over midnight
default  accept    utilities 2026-10-01四 08:30  2026-10-01 09:00     minutes: the national day is no pause
default  finish    utilities 2026-10-01四 08:30  2026-10-02 08:30     hours: a day and night
HK       contact   投诉      2018-10-01一 23:45  2018-10-02 00:15     minutes: half an hour, over midnight
GBT33358 reply     市长信箱  2026-05-02六 21:00  2026-05-03 21:00     hours: the mailbox answers within a day
GBT33358 reply     微信      2026-05-02六 23:58  2026-05-03 00:01     minutes: other media within three
"""

WEEKDAYS = "一二三四五六日"
URGENT = ("emergency", "utilities")
CHANNELS = ("市长信箱", "微信")


@dataclass(frozen=True, slots=True)
class Case:
    preset: str
    step: str
    whose: str
    weekday: str
    received: datetime
    due: datetime
    reckoning: str

    @property
    def facts(self) -> Facts:
        if self.whose in URGENT:
            return Facts(type="投诉", emergency=self.whose == "emergency", utilities=True)
        return Facts(channel=self.whose, type="投诉") if self.whose in CHANNELS else Facts(type=self.whose)

    def days(self) -> list[date]:
        """The days that were counted by hand; those before the month of receipt belong to the next year."""
        found: list[date] = []
        for part in self.reckoning.split():
            first, _, last = part.partition(">")
            day, end = self._day(first), self._day(last or first)
            while day <= end:
                found.append(day)
                day += timedelta(days=1)
        return found

    def _day(self, written: str) -> date:
        month, day = map(int, written.split("-"))
        year = self.received.year + (month < self.received.month)
        return date(year, month, day)


def cases() -> list[Case]:
    return [_case(line.split(maxsplit=5)) for line in TABLE.strip().splitlines()]


def _case(cells: list[str]) -> Case:
    preset, step, whose, day, clock, rest = cells
    until, _, reckoning = rest.partition(" ")
    hour, _, tail = reckoning.strip().partition(" ")
    if len(hour) == 5 and hour[2] == ":":
        due, reckoning = f"{until} {hour}:00", tail
    else:
        due = f"{until} 23:59:59"
    received = datetime.fromisoformat(f"{day[:10]} {clock}").replace(tzinfo=CHINA)
    return Case(
        preset=preset,
        step=step,
        whose=whose,
        weekday=day[10:],
        received=received,
        due=datetime.fromisoformat(due).replace(tzinfo=CHINA),
        reckoning=reckoning.strip(),
    )


@pytest.fixture(scope="module")
def rules() -> dict[str, DeadlineRules]:
    return {preset: DeadlineRules.load(preset=preset) for preset in {case.preset for case in cases()}}


def test_the_table_holds_at_least_sixty_cases_most_of_them_around_make_up_days() -> None:
    assert len(cases()) >= 60
    worked_weekends = [c for c in cases() if ":" not in c.reckoning and any(d.weekday() >= 5 for d in c.days())]
    assert len(worked_weekends) >= 30


@pytest.mark.parametrize("case", cases(), ids=lambda c: f"{c.preset}-{c.step}-{c.whose}-{c.received:%Y%m%d%H%M}")
def test_the_rules_reckon_as_the_hand_did(rules: dict[str, DeadlineRules], case: Case) -> None:
    assert WEEKDAYS[case.received.weekday()] == case.weekday
    found = rules[case.preset].due(case.step, case.received, case.facts)
    assert found is not None
    assert found.due_at == case.due
    assert "未知" not in found.rule
    if ":" not in case.reckoning:  # the hand listed the working days: as many as the rule says, and all before the end
        days = case.days()
        assert days[-1] == case.due.date()
        assert f"：{len(days)}个工作日内" in found.rule
    assert case.received < found.half_at < found.most_at < found.due_at


@pytest.mark.parametrize(
    ("preset", "step", "received", "half", "most"),
    [
        # 1 working day: half and four fifths of the office hours 9…18 of that day.
        ("default", "accept", "2026-03-02 10:00", "2026-03-03 13:30", "2026-03-03 16:12"),
        # 5 working days over 国庆 2026: 09-30, 10-08, 10-09, 10-10, 10-12; half is in the third, 80 % begins the fifth.
        ("SD", "finish", "2026-09-29 10:00", "2026-10-09 13:30", "2026-10-12 09:00"),
        # 10 working days: half begins the sixth, 80 % the ninth; 02-14 and 02-28 of 2026 are worked Saturdays.
        ("default", "finish", "2026-02-13 10:00", "2026-02-28 09:00", "2026-03-04 09:00"),
        # Natural days run evenly: 60 days and what was left of the first day.
        ("XF", "finish", "2026-03-01 23:59:59", "2026-03-31 23:59:59", "2026-04-18 23:59:59"),
    ],
)
def test_reminders_come_at_half_and_four_fifths_of_the_working_time(
    preset: str, step: str, received: str, half: str, most: str
) -> None:
    def at(moment: str) -> datetime:
        return datetime.fromisoformat(moment).replace(tzinfo=CHINA)

    found = DeadlineRules.load(preset=preset).due(step, at(received), Facts(type="求助"))
    assert found is not None
    assert (found.half_at, found.most_at) == (at(half), at(most))
