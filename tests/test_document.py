from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.appeal import Appeal
from triage.clause_reading import read_clauses
from triage.document import MAX_CHARS, Document, read_document
from triage.events.words import WordCutter
from triage.evidence import Clauses, highlighted_words, risk_quotes


def test_a_quote_is_the_raw_text_at_its_place_even_after_normalisation_and_masking() -> None:
    content = "我住在３栋，電話１３８００００１２３４，樓上天天漏水！！！"
    document = read_document(Appeal(id="1", title="漏水", content=content))
    at = document.text.index("楼上")
    quote = document.quote(at, at + 6)
    assert quote is not None
    assert (quote.field, quote.text) == ("content", "樓上天天漏水")
    assert content[quote.start : quote.end] == quote.text


def test_title_and_content_are_told_apart() -> None:
    document = read_document(Appeal(id="1", title="停水", content="停水三天"))
    title, content = document.quote(0, 2), document.quote(3, 5)
    assert title is not None
    assert content is not None
    assert (title.field, title.start) == ("title", 0)
    assert (content.field, content.start) == ("content", 0)
    assert document.quote(1, 4) is None


def test_instructions_are_dropped_or_kept_as_asked() -> None:
    appeal = Appeal(id="1", content="市民来电反映：路口红绿灯坏了，请交警核实处理！")
    assert "请交警" not in read_document(appeal).text
    assert "请交警核实处理" in read_document(appeal, strip=False).text


def test_a_very_long_text_is_read_up_to_a_bound() -> None:
    assert len(read_document(Appeal(id="1", content="停水了。" * 100_000)).text) <= MAX_CHARS


def test_personal_data_never_reaches_the_models() -> None:
    document = read_document(Appeal(id="1", content="我叫王小明，电话13800001234，家里停水"))
    assert "13800001234" not in document.text
    assert "王小明" not in document.text


@pytest.mark.parametrize("strip", [True, False])
@given(title=st.text(max_size=30), content=st.text(max_size=120), data=st.data())
def test_any_stretch_of_any_document_quotes_exactly(strip: bool, title: str, content: str, data: st.DataObject) -> None:
    document = read_document(Appeal(id="1", title=title, content=content), strip=strip)
    start = data.draw(st.integers(0, len(document.text)))
    end = data.draw(st.integers(start, len(document.text)))
    quote = document.quote(start, end)
    if quote is not None:
        assert document.appeal.field(quote.field)[quote.start : quote.end] == quote.text
        assert quote.text


def clauses_of(document: Document, scores: list[float]) -> Clauses:
    layout = read_clauses([document]).layout
    return Clauses(layout.starts, layout.ends, np.repeat(np.array(scores, np.float32)[:, None], 2, axis=1))


def test_risk_quotes_are_the_clauses_that_score_best_with_their_neighbours_in_reading_order() -> None:
    content = (
        "今天路过广场，准备去市政府拉横幅，天气不错，" + "这里说的是一些和这件事没有多大关系的话" * 2 + "，不行就堵路。"
    )
    document = read_document(Appeal(id="1", content=content))
    quotes = risk_quotes(document, clauses_of(document, [1.0, 8.0, 0.0, -1.0, 9.0]), level=3)
    assert [quote.text for quote in quotes] == ["今天路过广场，准备去市政府拉横幅", "不行就堵路"]


def test_a_quote_never_shows_a_phone_number() -> None:
    content = "再不处理我就去堵路联系电话13800001234随时堵路"
    document = read_document(Appeal(id="1", content=content))
    quotes = risk_quotes(document, clauses_of(document, [1.0]), level=3)
    assert quotes
    assert all("1380000" not in quote.text for quote in quotes)


def test_highlights_are_words_and_never_punctuation_or_masks() -> None:
    document = read_document(Appeal(id="1", content="小区停水，电话13800001234"))
    credit = np.ones(len(document.text), np.float32)
    credit[document.text.index("停水") : document.text.index("停水") + 2] = 5.0
    reason = highlighted_words(document, credit, WordCutter())
    assert reason is not None
    assert "停水" in reason.text
    assert "1380000" not in reason.text


def test_without_credit_nothing_is_highlighted() -> None:
    document = read_document(Appeal(id="1", content="小区停水"))
    nothing = np.zeros(len(document.text), np.float32)
    assert highlighted_words(document, nothing, WordCutter()) is None
