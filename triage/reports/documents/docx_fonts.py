"""Fonts inside a Word document, so that a machine without Chinese fonts shows no boxes.

A document names the usual fonts of offices (仿宋, 黑体, 楷体, 小标宋); the shipped ones come along for machines that lack them,
cut down to the letters of the document and obfuscated as ECMA-376, part 4, 17.8.1 demands.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any

from docx.opc.packuri import PackURI
from docx.opc.part import Part

from triage.reports.documents.font import SANS, SERIF, Face, covered, subset, title_face

_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.obfuscatedFont"
_TABLE_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.fontTable+xml"
_SEED = uuid.UUID("6f3a0d6e-6a2b-5c7e-9d9d-0b6f1f1b7a52")

TITLE_FONT = "方正小标宋简体"

FONTS = {
    TITLE_FONT: (SERIF, "方正小标宋_GBK,宋体,SimSun", "roman"),
    "仿宋": (SANS, "仿宋_GB2312,FangSong", "modern"),
    "黑体": (SANS, "SimHei", "swiss"),
    "楷体": (SANS, "楷体_GB2312,KaiTi", "modern"),
    "宋体": (SANS, "SimSun", "roman"),
    SANS.family: (SANS, "", "swiss"),
    SERIF.family: (SERIF, "", "roman"),
}
"""The fonts of official documents (GB/T 9704-2012): the shipped face that stands in, and what else may take its place.

A machine that has 仿宋 uses its own; LibreOffice takes the embedded file for a name it does not have, Word the other names.
"""

_EARLIER = frozenset(
    {"writeProtection", "view", "zoom", "removePersonalInformation", "removeDateAndTime", "doNotDisplayPageBoundaries"}
    | {"displayBackgroundShape", "printPostScriptOverText", "printFractionalCharacterWidth", "printFormsData"}
)
"""Settings that stand before those of fonts."""

_TEXT = re.compile(r"<w:t(?: [^>]*)?>([^<]*)</w:t>")
_FONT = re.compile(r'<w:font w:name="([^"]*)".*?</w:font>|<w:font w:name="([^"]*)"[^>]*/>', re.DOTALL)


def embed_fonts(document: Any, *, title: str) -> None:
    """Put the shipped fonts into a document that is ready to be saved.

    Args:
        document: The document.
        title: Its title, which needs a face that has all its characters.
    """
    letters = "".join(_texts(document.part.package.iter_parts()))
    table = _font_table(document.part)
    relations = {face: _embedded(table, face, letters) for face in (SANS, SERIF)}
    heading = title_face([title])
    entries = []
    for name, (usual, others, family) in FONTS.items():
        face = heading if name == TITLE_FONT else usual
        entries.append(_entry(name, relations[face], face, (others, family)))
    table._blob = _merged(table.blob.decode("utf-8"), entries)  # python-docx has no setter
    _switch_on(document.settings.element)


def _texts(parts: Iterable[Any]) -> list[str]:
    """Return the letters of body, headers, footers and notes, entities included: they only add ASCII."""
    return [
        text
        for part in parts
        if str(part.content_type).endswith("+xml") and "wordprocessingml" in part.content_type
        for text in _TEXT.findall(part.blob.decode("utf-8", "ignore"))
    ]


def _font_table(main: Any) -> Any:
    for relation in main.rels.values():
        if relation.reltype == f"{_RELATIONS}/fontTable":
            return relation.target_part
    blob = f'<?xml version="1.0" encoding="UTF-8"?><w:fonts xmlns:w="{_NAMESPACE}" xmlns:r="{_RELATIONS}"></w:fonts>'
    part = Part(PackURI("/word/fontTable.xml"), _TABLE_TYPE, blob.encode(), main.package)
    main.relate_to(part, f"{_RELATIONS}/fontTable")
    return part


def _embedded(table: Any, face: Face, letters: str) -> str:
    """Add a font file with these letters and return its relation."""
    known = sorted({letter for letter in letters if ord(letter) in covered(face)})
    data = obfuscated(subset(face, known, packed=False), _key(face))
    part = Part(PackURI(f"/word/fonts/{face.postscript}.odttf"), _TYPE, data, table.package)
    relation: str = table.relate_to(part, f"{_RELATIONS}/font")
    return relation


def _entry(name: str, relation: str, face: Face, kind: tuple[str, str]) -> str:
    others, family = kind
    instead = f'<w:altName w:val="{others},{face.family}"/>' if others else ""
    return (
        f'<w:font w:name="{name}">{instead}<w:charset w:val="86"/><w:family w:val="{family}"/>'
        f'<w:embedRegular xmlns:r="{_RELATIONS}" r:id="{relation}" w:fontKey="{{{str(_key(face)).upper()}}}"/></w:font>'
    )


def _key(face: Face) -> uuid.UUID:
    return uuid.uuid5(_SEED, face.postscript)


def obfuscated(data: bytes, key: uuid.UUID) -> bytes:
    """Return a font with its first 32 bytes turned by the key, which turns them back too."""
    mask = key.bytes[::-1] * 2
    return bytes(a ^ b for a, b in zip(data[:32], mask, strict=True)) + data[32:]


def _merged(table: str, entries: list[str]) -> bytes:
    """Return the font table with our entries in the place of any of the same name."""
    names = {re.search(r'w:name="([^"]*)"', entry)[1] for entry in entries}  # type: ignore[index]
    kept = _FONT.sub(lambda found: "" if (found[1] or found[2]) in names else found[0], table)
    if "</w:fonts>" not in kept:  # an empty table is written as one tag
        kept = re.sub(r"(<w:fonts\b[^>]*?)/>", r"\1></w:fonts>", kept)
    return kept.replace("</w:fonts>", "".join(entries) + "</w:fonts>").encode("utf-8")


def _switch_on(settings: Any) -> None:
    """Say that fonts are embedded; the order of the settings is fixed by the schema."""
    names = ("embedTrueTypeFonts", "saveSubsetFonts")
    for name in names:
        for old in settings.findall(f"{{{_NAMESPACE}}}{name}"):
            settings.remove(old)
    tags = [each.tag.rpartition("}")[2] for each in settings]
    place = max((index + 1 for index, tag in enumerate(tags) if tag in _EARLIER), default=0)
    for name in reversed(names):
        settings.insert(place, settings.makeelement(f"{{{_NAMESPACE}}}{name}"))
