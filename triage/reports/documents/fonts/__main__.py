"""``python -m triage.reports.documents.fonts SANS SERIF UNIHAN FOLDER``: makes the shipped font files anew.

The sources are packages of Debian, named with their versions in the README beside the fonts. The outlines are turned from
cubic into quadratic curves, because Word reads embedded fonts only in that form (TrueType).
"""

from __future__ import annotations

import argparse
import bz2
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, newTable

from triage.reports.documents.font import SANS, SERIF, Face

SIMPLIFIED = "Noto {style} CJK SC"
"""Full name of the simplified variant within the collection; the Japanese one stands first and looks much like it."""

LEVEL_ONE = 3_500
"""The first table of 通用规范汉字表 (2013) has the numbers 1 to 3,500; the common characters."""

_STANDARD = re.compile(r"U\+([0-9A-F]+)\tkTGH\t2013:(\d+)")
_CURVE_ERROR = 1.0
"""Largest distance of a converted curve, in thousandths of the em: 0.005 mm at 16 points."""

_SYMBOLS = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *range(0x2010, 0x2028),
    *range(0x2030, 0x205F),
    *range(0x20A0, 0x20C0),
    *range(0x2100, 0x2270),
    *range(0x2460, 0x2500),
    *range(0x25A0, 0x2670),
    *range(0x3000, 0x3040),
    *range(0xFF00, 0xFFF0),
)
_DROPPED = ("GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG", "DSIG")


def standard_characters(unihan: Path, *, last: int = 8_105) -> set[int]:
    """Return the code points of 通用规范汉字表 up to a number, from Unihan's property kTGH.

    Args:
        unihan: ``Unihan_OtherMappings.txt.bz2``.
        last: Number in the table, 1 to 8,105.
    """
    with bz2.open(unihan, "rt", encoding="utf-8") as lines:
        found = (_STANDARD.match(line) for line in lines)
        return {int(match[1], 16) for match in found if match and int(match[2]) <= last}


def coded(codec: str, first: Iterable[int], second: Iterable[int]) -> set[int]:
    """Return the code points of all two-byte codes of a codec within these bytes."""
    tails = list(second)
    texts = (bytes([head, tail]).decode(codec, "ignore") for head in first for tail in tails)
    return {ord(text) for text in texts if len(text) == 1}


def body_characters(unihan: Path) -> set[int]:
    """Return what the text face holds: the standard table, GB 2312, symbols, and the common traditional characters."""
    trail = range(0x40, 0xFF)
    return {
        *standard_characters(unihan),
        *coded("gb2312", range(0xA1, 0xF8), range(0xA1, 0xFF)),
        *coded("gbk", range(0xA1, 0xAA), trail),
        *coded("big5", range(0xA4, 0xC7), trail),
        *_SYMBOLS,
    }


def title_characters(unihan: Path) -> set[int]:
    """Return what the title face holds: the common characters of both standards, with them many place names (汀, 澜)."""
    return {
        *standard_characters(unihan, last=LEVEL_ONE),
        *coded("gb2312", range(0xB0, 0xD8), range(0xA1, 0xFF)),
        *_SYMBOLS,
    }


def make(source: Path, face: Face, characters: Iterable[int], folder: Path) -> Path:
    """Write the subset of a collection's simplified variant.

    Args:
        source: A ``.ttc`` of Noto CJK.
        face: Which face it becomes.
        characters: Code points to keep.
        folder: Where to write.
    """
    font = _simplified(source)
    options = Options(layout_features=[], hinting=False, notdef_outline=True, name_IDs=[0, 5, 13, 14])
    options.drop_tables += _DROPPED
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    _to_quadratic(font)
    _rename(font, face)
    target = folder / face.file
    font.save(target)
    return target


def _simplified(source: Path) -> Any:
    style = "Serif" if "Serif" in source.name else "Sans"
    for number in range(10):
        font = TTFont(source, fontNumber=number, recalcTimestamp=False)
        if str(font["name"].getDebugName(4)).startswith(SIMPLIFIED.format(style=style)):
            return font
    raise SystemExit(f"{source}: no simplified variant in it")


def _to_quadratic(font: Any) -> None:
    glyphs = font.getGlyphSet()
    order = font.getGlyphOrder()
    drawn = {}
    for name in order:
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, _CURVE_ERROR, reverse_direction=True))
        drawn[name] = pen.glyph()
    del font["CFF "]
    font["loca"] = newTable("loca")
    font["glyf"] = newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, drawn
    font.sfntVersion = "\0\1\0\0"
    font["post"].formatType = 3.0
    profile = font["maxp"]
    profile.tableVersion = 0x00010000
    for entry in ("maxZones", "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs"):
        setattr(profile, entry, 0)
    for entry in ("maxStackElements", "maxSizeOfInstructions", "maxComponentElements", "maxComponentDepth"):
        setattr(profile, entry, 0)
    profile.maxZones = 1


def _rename(font: Any, face: Face) -> None:
    names = {1: face.family, 2: "Regular", 3: face.postscript, 4: face.family, 6: face.postscript, 16: face.family}
    for number, text in names.items():
        font["name"].setName(text, number, 3, 1, 0x409)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make both files."""
    parser = argparse.ArgumentParser(prog="python -m triage.reports.documents.fonts", description=__doc__)
    for name in ("sans", "serif", "unihan", "folder"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args(arguments)
    make(given.sans, SANS, body_characters(given.unihan), given.folder)
    make(given.serif, SERIF, title_characters(given.unihan), given.folder)


if __name__ == "__main__":
    main()
