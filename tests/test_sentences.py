"""Sentences and clauses cover a text without gaps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.text.aligned import Span
from triage.text.sentences import LONGEST_CLAUSE, clause_starts, clauses, sentences

SPLITTERS = (sentences, clauses)


def parts(split: Callable[[str], tuple[Span, ...]], text: str) -> list[str]:
    return [text[span.start : span.end] for span in split(text)]


def test_a_sentence_ends_with_its_mark() -> None:
    assert parts(sentences, "路灯坏了。谁来修？\n急！谢谢") == ["路灯坏了。", "谁来修？\n", "急！", "谢谢"]


def test_a_closing_quote_belongs_to_its_sentence() -> None:
    assert parts(sentences, "他说“不退。”我不同意") == ["他说“不退。”", "我不同意"]


def test_a_comma_ends_a_clause_but_no_sentence() -> None:
    assert parts(sentences, "路灯坏了，没人修") == ["路灯坏了，没人修"]
    assert parts(clauses, "路灯坏了，没人修；很黑") == ["路灯坏了，", "没人修；", "很黑"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("问题：1、路灯 2、井盖", ["问题：", "1、路灯 ", "2、井盖"]),
        ("如下：（一）路灯（二）井盖", ["如下：", "（一）路灯（二）井盖"]),
        ("①路灯②井盖", ["①路灯", "②井盖"]),
    ],
)
def test_an_enumerator_starts_a_clause(text: str, expected: list[str]) -> None:
    assert parts(clauses, text) == expected


def test_speech_without_punctuation_is_cut_at_a_joint() -> None:
    text = (
        "我家楼下的烧烤店每天晚上营业到凌晨两点油烟特别大声音也特别吵" * 2
        + "希望有人来管一管不然真的没有办法住下去了" * 2
    )
    pieces = parts(clauses, text)
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= 2 * LONGEST_CLAUSE
    assert any(piece.startswith("希望") for piece in pieces)


def test_an_empty_text_has_no_sentence() -> None:
    assert sentences("") == clauses("") == ()


def test_clauses_start_after_punctuation() -> None:
    assert clause_starts("一，二。三") == [0, 2, 4]
    assert clause_starts("，一") == [0, 1]
    assert clause_starts("零，一。二", 2, 4) == [2, 4]


@pytest.mark.parametrize("split", SPLITTERS)
@settings(max_examples=200, deadline=None)
@given(text=st.text(st.sampled_from("，。！？；：…\n 12、.）（①一二abc好的请”“希望"), max_size=200))
def test_the_parts_cover_the_text_without_a_gap(split: Callable[[str], tuple[Span, ...]], text: str) -> None:
    assert "".join(parts(split, text)) == text
    spans = split(text)
    assert all(one.end == two.start for one, two in pairwise(spans))
    assert all(span.start < span.end for span in spans)


@pytest.mark.parametrize("split", SPLITTERS)
@pytest.mark.parametrize("unit", ["好", "，", "1、", "①", "希望", "。”"])
def test_a_hostile_text_is_split_in_linear_time(split: Callable[[str], tuple[Span, ...]], unit: str) -> None:
    text = unit * (100_000 // len(unit))
    assert sum(span.end - span.start for span in split(text)) == len(text)
