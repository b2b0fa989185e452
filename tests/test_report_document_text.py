"""Texts as documents show them, fonts, drawings and charts."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import date, timedelta
from importlib.resources import files

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.report_pages import HOSTILE
from triage.reports.content import Count, DayCount
from triage.reports.documents.cells import change, depth
from triage.reports.documents.charts import bar_chart, sparkline, trend_chart
from triage.reports.documents.drawing import Drawing, Label, Path, png, svg
from triage.reports.documents.font import SANS, SERIF, covered, font_bytes, subset, title_face
from triage.reports.documents.outline import numeral
from triage.reports.documents.text import MISSING, shown


def test_a_text_becomes_one_line_without_controls_and_direction_marks() -> None:
    assert shown(" 路灯\r\n不亮\x00\u202e\u2066\ud800 ") == "路灯 不亮"


def test_what_the_font_lacks_is_marked_once() -> None:
    assert shown("谢谢👩‍🚒👍🏻！") == f"谢谢{MISSING}！"


def test_a_long_text_ends_with_an_ellipsis() -> None:
    assert shown("路" * 300, 10) == "路" * 9 + "…"


@given(st.text(alphabet=st.characters(), max_size=200))
def test_any_text_is_shown_with_characters_of_the_font_only(text: str) -> None:
    line = shown(text)
    assert {ord(letter) for letter in line} <= covered(SANS)
    assert "\n" not in line
    assert line.encode("utf-8").decode("utf-8") == line


def test_a_hundred_thousand_characters_are_no_trouble() -> None:
    assert len(shown("\u202e啊👍" * 100_000, 40)) == 40
    assert len(shown(HOSTILE * 20, 40)) <= 40


def test_the_shipped_fonts_stay_below_five_megabytes() -> None:
    assert len(font_bytes(SANS)) + len(font_bytes(SERIF)) < 5_000_000


@pytest.mark.parametrize("face", [SANS, SERIF])
def test_each_font_is_the_file_that_its_readme_describes(face: object) -> None:
    readme = files("triage.reports.documents.fonts").joinpath("README.md").read_text(encoding="utf-8")
    assert face in (SANS, SERIF)
    chosen = SANS if face == SANS else SERIF
    assert f"`{chosen.file}`" in readme
    assert hashlib.sha256(font_bytes(chosen)).hexdigest() in readme
    assert f"{len(font_bytes(chosen)):,}" in readme
    assert f"{len(covered(chosen)):,}" in readme


def test_the_licence_lies_beside_the_fonts() -> None:
    licence = files("triage.reports.documents.fonts").joinpath("OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence


def test_the_text_font_is_the_simplified_variant() -> None:
    """骨 has its corner on the left in simplified print and on the right in Japanese: other outlines, same code."""
    font = TTFont(io.BytesIO(font_bytes(SANS)))
    assert font["name"].getDebugName(6) == SANS.postscript
    assert font["head"].unitsPerEm == 1_000
    assert {ord(letter) for letter in "骨直角述澜汀垵䶮"} <= covered(SANS)
    assert {ord(letter) for letter in "区街处罚举报"} <= covered(SERIF)


def test_a_subset_holds_the_letters_asked_for_and_is_the_same_twice() -> None:
    small = subset(SANS, ["南汀市热线", "👍"], packed=False)
    assert small == subset(SANS, ["线热市汀南"], packed=False)
    letters = set(TTFont(io.BytesIO(small)).getBestCmap())
    assert {ord(letter) for letter in "南汀市热线"} <= letters
    assert ord("区") not in letters
    assert len(small) < 40_000


def test_a_title_with_a_rare_character_is_set_in_one_face_throughout() -> None:
    assert title_face(["南汀市热线诉求周报"]) == SERIF
    assert title_face(["大㙟镇诉求周报", "一、总体情况"]) == SANS


@pytest.mark.parametrize(("index", "text"), [(0, "一"), (9, "十"), (10, "十一"), (19, "二十"), (20, "二十一")])
def test_sections_are_numbered_in_chinese(index: int, text: str) -> None:
    assert numeral(index) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (Count(name="", count=12, previous=10), "↑20.0%"),
        (Count(name="", count=8, previous=10, notable=True), "↓20.0%*"),
        (Count(name="", count=10, previous=10), "持平"),
        (Count(name="", count=3, previous=0), "新增"),
        (Count(name="", count=0, previous=0), "持平"),
        (Count(name="", count=3), "—"),
        (Count(name="", count=60, previous=3), "↑19倍"),
    ],
)
def test_a_change_is_told_in_words_that_never_divide_by_nothing(count: Count, text: str) -> None:
    assert change(count).text == text


def test_only_a_zero_has_no_shade() -> None:
    assert [depth(count, 100) for count in (0, 1, 50, 100)] == [0, 1, 3, 6]
    assert depth(0, 0) == 0


def days(*counts: int) -> list[DayCount]:
    return [DayCount(day=date(2026, 9, 1) + timedelta(days=index), count=count) for index, count in enumerate(counts)]


@pytest.mark.parametrize("counts", [[], [0], [7], [0, 0, 0], [1, 10_000_000], list(range(92))])
def test_any_series_can_be_drawn(counts: list[int]) -> None:
    drawing = trend_chart(days(*counts), days(*counts[:1]), names=("本周", "上周"), height=120)
    inside = [point for shape in drawing.shapes if isinstance(shape, Path) for point in shape.points]
    assert all(-1 <= x <= drawing.width + 1 and -1 <= y <= drawing.height + 1 for x, y in inside)
    assert svg(drawing).startswith("<svg")
    assert svg(sparkline(counts)).startswith("<svg")


def test_the_line_reaches_higher_for_more_tickets() -> None:
    drawing = trend_chart(days(2, 8, 4), [], names=("本周", "上周"), height=120)
    line = next(shape for shape in drawing.shapes if isinstance(shape, Path) and shape.width == 1.8)
    heights = [y for _, y in line.points]
    assert heights[1] < heights[2] < heights[0]


def test_a_bar_is_as_long_as_its_number() -> None:
    drawing = bar_chart([Count(name="噪声", count=40), Count(name="道路", count=10)], names=("本周", "上周"))
    bars = [shape for shape in drawing.shapes if isinstance(shape, Path) and shape.fill == "#b3261e"]
    widths = [shape.points[1][0] - shape.points[0][0] for shape in bars[:2]]
    assert widths[0] == pytest.approx(4 * widths[1])


def test_a_long_name_is_cut_before_it_leaves_the_chart() -> None:
    drawing = bar_chart([Count(name="极长的类别名称" * 50, count=1)], names=("本周", "上周"))
    assert all(len(shape.text) < 14 for shape in drawing.shapes if isinstance(shape, Label))


def test_a_picture_shows_the_drawing_and_is_the_same_twice() -> None:
    square = Path(points=((10, 10), (30, 10), (30, 30), (10, 30)), fill="#b3261e")
    drawing = Drawing(width=40, height=40, title="方块", shapes=(square,))
    picture = Image.open(io.BytesIO(png(drawing, dots=72))).convert("RGB")
    assert picture.size == (40, 40)
    red, white = picture.getpixel((20, 20)), picture.getpixel((4, 4))
    assert red == (0xB3, 0x26, 0x1E)
    assert white == (255, 255, 255)
    assert png(drawing) == png(drawing)


def test_texts_of_a_drawing_stay_texts() -> None:
    label = Label(at=(1, 1), text='</text><script>"&', size=9, fill="#000000")
    written = svg(Drawing(width=9, height=9, title='"><script>', shapes=(label,)))
    assert "<script" not in written
    assert re.search(r"&lt;/text&gt;&lt;script&gt;", written)
