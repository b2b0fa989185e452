"""Texts of citizens, units and files as a document can hold them."""

from __future__ import annotations

import re
import unicodedata

from triage.reports.documents.font import SANS, covered

MISSING = "〓"
"""Stands for characters that the shipped font lacks, as in Chinese print; a run of them becomes one."""

ELLIPSIS = "…"

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Controls, direction marks, joiners and halves of characters: they show nothing, and turn or break what does."""

_SPACES = re.compile(r"\s+")
_MISSING_RUN = re.compile(f"{MISSING}(?:[ ]?{MISSING})+")
_LONGEST = 20_000


def shown(text: str, limit: int = _LONGEST) -> str:
    """Return a text as one line that every document shows the same way.

    Line ends become spaces, controls and direction marks go, what the shipped font lacks (an emoji, say) becomes `MISSING`:
    a document must look the same on a machine without fonts.

    Args:
        text: Anything.
        limit: Most characters of the result; a longer text ends with an ellipsis.
    """
    line = _SPACES.sub(" ", plain(text)).strip()
    known = covered(SANS)
    if any(ord(character) not in known for character in line):
        line = "".join(character if ord(character) in known else MISSING for character in line)
        line = _MISSING_RUN.sub(MISSING, line)
    return cut(line, limit)


def plain(text: str) -> str:
    """Return a text without what cannot be seen, composed; nothing visible is changed."""
    text = text[: 2 * _LONGEST]
    spaced = re.sub("[\t\n\x0b\x0c\r\x85\u2028\u2029]", " ", text)
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", spaced))


def cut(text: str, limit: int) -> str:
    """Return at most ``limit`` characters, the last being an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def width(text: str) -> float:
    """Return about how wide a text is, in ems: a Chinese character is 1, a Latin one 0.56."""
    return sum(1.0 if unicodedata.east_asian_width(character) in "WFA" else 0.56 for character in text)
