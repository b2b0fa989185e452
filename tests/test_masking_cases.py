"""Masking measured on the hand-written cases of tests/cases/masking.jsonl (fictional people, obviously fake numbers).

A gold stretch counts as found when one mask of its kind covers it. A mask is false when it touches no gold stretch or
reaches more than two characters beyond it; the share is taken of all masks made.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from triage.privacy import MaskSpan, mask

CASES = Path(__file__).parent / "cases" / "masking.jsonl"
MARKED = re.compile("⟦(.*?)\\|(.*?)⟧", re.DOTALL)
NO_NUMBERS = {"[姓名]", "[住址]"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One text with the stretches that must be masked."""

    id: str
    text: str
    gold: tuple[MaskSpan, ...]


@cache
def cases() -> tuple[Case, ...]:
    return tuple(_parsed(json.loads(line)) for line in CASES.read_text(encoding="utf-8").splitlines())


def _parsed(record: dict[str, str]) -> Case:
    text, gold, at = "", [], 0
    for match in MARKED.finditer(record["text"]):
        text += record["text"][at : match.start()]
        gold.append(MaskSpan(len(text), len(text) + len(match[2]), f"[{match[1]}]"))
        text += match[2]
        at = match.end()
    return Case(id=record["id"], text=text + record["text"][at:], gold=tuple(gold))


def _covers(span: MaskSpan, gold: MaskSpan) -> bool:
    return span.start <= gold.start and gold.end <= span.end and span.token == gold.token


def _beyond(span: MaskSpan, gold: tuple[MaskSpan, ...]) -> int | None:
    """Characters of ``span`` outside the gold stretches it touches; None when it touches none."""
    touched = [g for g in gold if g.start < span.end and span.start < g.end]
    if not touched:
        return None
    inside = sum(min(span.end, g.end) - max(span.start, g.start) for g in touched)
    return span.end - span.start - inside


def _recall(kinds: set[str]) -> float:
    found: Counter[bool] = Counter()
    for case in cases():
        spans = mask(case.text).spans
        found.update(any(_covers(s, g) for s in spans) for g in case.gold if g.token in kinds)
    return found[True] / found.total()


def test_there_are_enough_cases_with_and_without_personal_data() -> None:
    assert len(cases()) >= 300
    assert sum(not case.gold for case in cases()) >= 80
    assert all("⟦" not in case.text for case in cases())


def test_99_percent_of_the_numbers_are_masked() -> None:
    kinds = {g.token for case in cases() for g in case.gold} - NO_NUMBERS
    assert _recall(kinds) >= 0.99


def test_95_percent_of_the_names_are_masked() -> None:
    assert _recall({"[姓名]"}) >= 0.95


def test_95_percent_of_the_household_addresses_are_masked() -> None:
    assert _recall({"[住址]"}) >= 0.95


def test_at_most_2_percent_of_the_masks_are_false() -> None:
    masks = [_beyond(span, case.gold) for case in cases() for span in mask(case.text).spans]
    false = sum(beyond is None or beyond > 2 for beyond in masks)
    assert false <= 0.02 * len(masks)


def test_texts_without_personal_data_stay_as_they_are() -> None:
    changed = [case.id for case in cases() if not case.gold and mask(case.text).spans]
    assert changed == []


def test_masking_a_masked_case_changes_nothing() -> None:
    for case in cases():
        once = mask(case.text).text
        assert mask(once).text == once, case.id
