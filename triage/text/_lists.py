"""Numbered lists inside running text: 1、… 2、…, 一、… 二、…, 首先 … 其次 …"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.text.aligned import Span
from triage.text.sentences import clause_starts

_HAN = "一二三四五六七八九十"
# 1龙昆路… without a mark is a number of a list unless a measure follows: 2号楼, 3月, 5元.
_MEASURE = (
    "号月日年点分秒楼栋幢单元室个人元米路期层次天岁万千百亿条块辆台户名位小公平亩吨多至到度级米环区组队座间家份项股张"
)
# One named group per style; a list never mixes styles.
_MARK = re.compile(
    rf"(?P<han>[{_HAN}])(?:、|是(?!否)|来，|，)"
    rf"|（(?P<han_in_brackets>[{_HAN}])）"
    rf"|第(?P<ordinal>[{_HAN}])(?:个问题|点|个|件事|是)?[、，：]"
    rf"|其(?P<among>[{_HAN}])[，、：是]?"
    rf"|(?:问题|诉求|建议)(?P<named>[{_HAN}0-9])[：、，. ]?"
    r"|(?P<digit>[0-9]{1,2})(?:[、)）；，]|[.:：](?![0-9]))(?![0-9])"
    r"|（(?P<digit_in_brackets>[0-9]{1,2})）"
    rf"|(?P<bare>[0-9])(?=[\u4e00-\u9fff])(?![{_MEASURE}])"
    r"|(?P<word>首先|其次|再次|再者|最后)[，：]?"
)
_CIRCLED = re.compile(r"(?P<circled>[①-⑳])")
_WORDS = {"首先": 1, "其次": 2, "再次": 3, "再者": 3, "最后": 4}


@dataclass(frozen=True, slots=True)
class NumberedList:
    """The items of one list.

    Attributes:
        start: Where the first number stands.
        items: The stretches behind each number, up to the next number; the last one ends with its line.
    """

    start: int
    items: tuple[Span, ...]


def numbered_lists(text: str, region: Span) -> tuple[NumberedList, ...]:
    """Find lists of at least two items inside ``region``, those that start first coming first.

    Args:
        text: A normalised text.
        region: Where to look.
    """
    marks = [
        mark for at in clause_starts(text, region.start, region.end) if (mark := _MARK.match(text, at, region.end))
    ]
    marks += _CIRCLED.finditer(text, region.start, region.end)
    by_style: dict[str, list[re.Match[str]]] = {}
    for mark in marks:
        by_style.setdefault(mark.lastgroup or "", []).append(mark)
    found = [one for same in by_style.values() for one in _of_style(same, text, region)]
    return tuple(sorted(found, key=lambda one: (one.start, -len(one.items))))


def _of_style(marks: list[re.Match[str]], text: str, region: Span) -> list[NumberedList]:
    lists: list[NumberedList] = []
    run: list[tuple[int, re.Match[str]]] = []
    for mark in marks:
        sign = mark[mark.lastgroup or 0]
        number = _value(sign)
        if run and (number == run[-1][0] + 1 or sign == "最后"):
            run.append((number, mark))
        elif number == 1:
            lists += _closed(run, text, region)
            run = [(number, mark)]
    return lists + _closed(run, text, region)


def _closed(run: list[tuple[int, re.Match[str]]], text: str, region: Span) -> list[NumberedList]:
    if len(run) < 2:
        return []
    marks = [match for _, match in run]
    line = text.find("\n", marks[-1].end(), region.end)
    last = line if line != -1 else region.end
    ends = [*(mark.start() for mark in marks[1:]), last]
    items = tuple(Span(mark.end(), end) for mark, end in zip(marks, ends, strict=True))
    return [NumberedList(marks[0].start(), items)]


def _value(mark: str) -> int:
    if mark in _WORDS:
        return _WORDS[mark]
    if mark in _HAN:
        return _HAN.index(mark) + 1
    return int(mark) if mark.isascii() else ord(mark) - ord("①") + 1
