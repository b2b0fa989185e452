"""What is marked in a masked text: quotes near their offsets, places, tokens; the text itself never changes."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from triage.casework.marking import Piece, marked


def record(**more: Any) -> dict[str, Any]:
    return {"risk": {"evidence": []}, "explanation": [], "area": {"name": "", "evidence": ""}, **more}


def quote(text: str, start: int, field: str = "content") -> dict[str, Any]:
    return {"risk": {"evidence": [{"text": text, "field": field, "start": start, "end": start + len(text)}]}}


def kinds_of(pieces: tuple[Piece, ...], text: str) -> tuple[str, ...]:
    return next(piece.kinds for piece in pieces if text in piece.text)


def test_a_quote_is_marked_where_it_stands() -> None:
    found = marked("", "煤气泄漏了，快来人。煤气味很大", record(**quote("煤气", 10)))
    assert [piece.text for piece in found.content] == ["煤气泄漏了，快来人。", "煤气", "味很大"]
    assert found.content[1].kinds == ("risk",)


def test_a_quote_is_found_although_masking_has_moved_it() -> None:
    raw_start = len("电话13900001234，")
    found = marked("", "电话[手机号]，多次投诉无果", record(**quote("多次投诉无果", raw_start)))
    assert kinds_of(found.content, "多次投诉无果") == ("risk",)


def test_a_quote_that_masking_has_changed_is_not_marked() -> None:
    found = marked("", "电话[手机号]", record(**quote("13900001234", 2)))
    assert all("risk" not in piece.kinds for piece in found.content)


def test_words_are_marked_by_their_spans_in_title_and_text() -> None:
    reason = {
        "kind": "words",
        "text": "路灯、路灯",
        "spans": [{"field": "title", "start": 0, "end": 2}, {"field": "content", "start": 5, "end": 7}],
    }
    found = marked("路灯不亮", "这条路的路灯坏了", record(explanation=[reason]))
    assert found.title[0] == Piece("路灯", ("words",))
    assert kinds_of(found.content, "路灯") == ("words",)


def test_a_stretch_can_be_two_things() -> None:
    reason = {"kind": "words", "text": "拖欠", "spans": [{"field": "content", "start": 0, "end": 2}]}
    found = marked("", "拖欠工资", {**record(explanation=[reason]), **quote("拖欠工资", 0)})
    assert found.content == (Piece("拖欠", ("risk", "words")), Piece("工资", ("risk",)))


def test_places_are_marked_wherever_they_stand_and_tokens_are_told_apart() -> None:
    found = marked("桃溪路", "桃溪路口[住址]", record(area={"name": "桃溪街道", "evidence": "桃溪"}))
    assert found.title[0].kinds == ("place",)
    assert kinds_of(found.content, "[住址]") == ("masked",)


def test_a_record_without_anything_marks_nothing() -> None:
    assert marked("标题", "正文", {}).content == (Piece("正文"),)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=6), st.integers(0, 200))
def test_whatever_is_quoted_the_text_stays_as_it_is(title: str, content: str, said: str, start: int) -> None:
    reason = {"kind": "words", "text": said, "spans": []}
    found = marked(title, content, {**record(explanation=[reason], area={"evidence": said}), **quote(said, start)})
    assert "".join(piece.text for piece in found.title) == title
    assert "".join(piece.text for piece in found.content) == content
