"""Times as offices write them: ``2018年1月1日 上午10时7分``, ``2018/1/1 10:07:01``, Excel serial numbers …"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FIRST_YEAR = 1990
LAST_YEAR = 2100
"""Years outside are typing errors (0018, 2918), not the age of an appeal."""

_LONGEST = 64
_DATE = r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})(?:\s*[日号])?"
_WEEKDAY = r"(?:\s*\(?(?:星期|周|礼拜)[一二三四五六日天]\)?)?"
_HALF = r"(?P<{name}>上午|下午|凌晨|早上|清晨|中午|傍晚|晚上|夜间|am|pm)"
_SECOND = r"(?:(?P<second>\d{1,2})(?:[.,]\d{1,9})?\s*秒?)?"
_CLOCK = rf"(?P<hour>\d{{1,2}})\s*(?:[:时点]\s*(?:(?P<minute>\d{{1,2}})\s*(?:[:分]\s*{_SECOND})?)?)"
_ZONE = r"(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2})"
_WRITTEN = re.compile(
    rf"{_DATE}{_WEEKDAY}(?:[\st,]*(?:{_HALF.format(name='before')}\s*)?{_CLOCK}\s*{_HALF.format(name='after')}?\s*{_ZONE}?)?"
)
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:[\st]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2}))?)?"
)
_NUMBER = re.compile(r"\d{5}(?:\.\d{1,15})?")
_UNIX = re.compile(r"1\d{9}(?:\d{3})?")
_MIDNIGHT = frozenset({"晚上", "夜间"})
_AFTERNOON = frozenset({"下午", "傍晚", "晚上", "夜间", "pm"})


@lru_cache(maxsize=1)
def china() -> tzinfo:
    """Return Asia/Shanghai, or a fixed +08:00 where the machine has no time-zone database."""
    try:
        return ZoneInfo("Asia/Shanghai")
    except ZoneInfoNotFoundError:
        return timezone(timedelta(hours=8), "Asia/Shanghai")


@lru_cache(maxsize=4096)
def parse_time(text: str) -> datetime | None:
    """Read a time written year first, compact, as an Excel serial number or as a Unix time stamp.

    ``01/02/2018`` is refused: the first of February or the second of January, nobody can say.

    Args:
        text: The cell, in any width of digits.

    Returns:
        The time in Asia/Shanghai (a written offset is converted), midnight where only a date is given; None
        where the text is no time or its year lies outside `FIRST_YEAR` … `LAST_YEAR`.
    """
    if len(text) > _LONGEST:
        return None
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    try:
        found = _numeric(folded) or _written(folded)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and FIRST_YEAR <= found.year <= LAST_YEAR else None


def earliest(times: Iterable[datetime]) -> datetime | None:
    """Return the earliest day's time; within that day a time of day beats a bare date (midnight).

    Some systems overwrite ``created_at`` days later but keep ``created_date``: 2018-01-05 10:07 with
    2018-01-01 gives the 1st, whereas 2018-01-01 10:07 with 2018-01-01 keeps 10:07.
    """
    return min(times, key=lambda moment: (moment.date(), moment.time() == time.min, moment), default=None)


def _numeric(text: str) -> datetime | None:
    if _NUMBER.fullmatch(text):
        # Excel counts days from 1899-12-30 because it believes in 29 February 1900.
        moment = datetime(1899, 12, 30, tzinfo=china()) + timedelta(days=float(text))
        return (moment + timedelta(milliseconds=500)).replace(microsecond=0)
    if _UNIX.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), tz=china())
    return None


def _written(text: str) -> datetime | None:
    match = _WRITTEN.fullmatch(text) or _COMPACT.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    hour = _hour(int(part["hour"] or 0), part.get("before") or part.get("after") or "")
    moment = datetime(int(part["year"]), int(part["month"]), int(part["day"]), tzinfo=_zone(part.get("zone") or ""))
    if hour == 24:
        moment, hour = moment + timedelta(days=1), 0
    moment = moment.replace(hour=hour, minute=int(part["minute"] or 0), second=int(part["second"] or 0))
    return moment.astimezone(china())


def _hour(hour: int, half: str) -> int:
    if half in _MIDNIGHT and hour == 12:  # 晚上12点 ends the day, 下午12点 is noon
        return 24
    if half in _AFTERNOON and hour < 12:
        return hour + 12
    if half == "中午" and hour < 4:  # 中午1点 is 13:00, 中午11点 and 12点 are what they say
        return hour + 12
    if half in {"凌晨", "am"} and hour == 12:
        return 0
    return hour


def _zone(text: str) -> tzinfo:
    if not text:
        return china()
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
