"""The shipped fonts: which characters they show, and the small part of one that a document carries with it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One shipped font file.

    Attributes:
        family: Its name in documents.
        postscript: Its name in PDF files, as ``pdffonts`` lists it.
        file: Its file in the package's folder ``fonts``.
    """

    family: str
    postscript: str
    file: str


SANS = Face(family="Noto Sans SC", postscript="NotoSansSC-Regular", file="NotoSansSC-Regular.ttf")
"""Text, tables and charts: 通用规范汉字表 in full, GB 2312, symbols and common traditional characters."""

SERIF = Face(family="Noto Serif SC", postscript="NotoSerifSC-Bold", file="NotoSerifSC-Bold.ttf")
"""Titles, in the place of 小标宋: the common characters of both standards and symbols."""


@lru_cache(maxsize=4)
def font_bytes(face: Face) -> bytes:
    """Return the whole file of a face."""
    return files("triage.reports.documents.fonts").joinpath(face.file).read_bytes()


@lru_cache(maxsize=4)
def covered(face: Face) -> frozenset[int]:
    """Return the code points that a face can show."""
    return frozenset(_opened(face).getBestCmap())


def subset(face: Face, text: Iterable[str], *, packed: bool) -> bytes:
    """Return the face with only the glyphs of a text, the same bytes for the same characters.

    Args:
        face: Which one.
        text: Characters or texts; those that the face lacks are passed over.
        packed: As WOFF for web pages; else plain TrueType.
    """
    wanted = frozenset(ord(character) for part in text for character in part)
    font = _opened(face)
    subsetter = Subsetter(Options(layout_features=[], notdef_outline=True, name_IDs=["*"]))
    subsetter.populate(unicodes=(wanted | set(range(0x20, 0x7F))) & covered(face))
    subsetter.subset(font)
    font.flavor = "woff" if packed else None
    written = io.BytesIO()
    font.save(written)
    return written.getvalue()


def title_face(texts: Iterable[str]) -> Face:
    """Return the face for titles: `SERIF`, or `SANS` for all of them where a rare character is missing there."""
    known = covered(SERIF)
    return SERIF if all(ord(letter) in known for text in texts for letter in text) else SANS


def _opened(face: Face) -> Any:
    # Boxes are right already; to compute them anew every outline would have to be unpacked and packed again.
    return TTFont(io.BytesIO(font_bytes(face)), lazy=True, recalcTimestamp=False, recalcBBoxes=False)
