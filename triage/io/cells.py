"""Cells that a spreadsheet shows as text and never runs."""

from __future__ import annotations

import re
from datetime import datetime

Cell = str | int | float | datetime | None
"""What a flat table holds; None is an empty cell."""

CELL_UNITS = 32_767
"""Longest cell of Excel, in UTF-16 units (an emoji counts two)."""

ELLIPSIS = "…"

_FORMULA = frozenset("=+-@＝＋－＠﹦﹢﹣﹫")
_INVISIBLE = (
    "".join(map(chr, range(0x21)))
    + "\x7f\x85\xa0\u1680\u180e\u2028\u2029\u202f\u205f\u3000\ufeff"
    + "".join(map(chr, [*range(0x2000, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)]))
)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_RETURN = re.compile("\r\n?")


def clean(text: str) -> str:
    """Remove what XML cannot hold and cut to `CELL_UNITS`; line ends become line feeds."""
    if _ILLEGAL.search(text) is not None:
        text = _ILLEGAL.sub("", text)
    if "\r" in text:
        text = _RETURN.sub("\n", text)
    return cut(text, CELL_UNITS)


def cut(text: str, units: int) -> str:
    """Cut a text to so many UTF-16 units, the last being an ellipsis; never through a character."""
    if len(text) * 2 <= units:
        return text
    raw = text.encode("utf-16-le", "surrogatepass")
    if len(raw) <= 2 * units:
        return text
    return raw[: 2 * (units - 1)].decode("utf-16-le", "ignore") + ELLIPSIS


def is_formula(text: str) -> bool:
    """Say whether a spreadsheet might run a text: it begins with ``= + - @`` or their full-width forms.

    White space and invisible marks before them do not help. ``-5度没有暖气`` is a citizen's sentence, and a formula to
    Excel. Source: OWASP, CSV injection.
    """
    return text[:1] in {"\t", "\r"} or text.lstrip(_INVISIBLE)[:1] in _FORMULA


def csv_cell(cell: Cell) -> str | int | float:
    """Return a cell for a csv file: text that might run gets an apostrophe in front, numbers stay numbers."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if not isinstance(cell, str):
        return cell
    return clean(f"'{cell}") if is_formula(cell) else clean(cell)
