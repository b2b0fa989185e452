"""Lines of a text file in whatever encoding an office saved it, read in pieces.

A comma, a quote, a tab and a line feed are the same byte in UTF-8 and in GB18030 and never part of a
Chinese character there. So a file is cut into lines first and decoded line by line: rows of another
encoding, pasted in from a second system, spoil only themselves.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import AnyStr, BinaryIO

from triage.errors import InputError

SAMPLE_BYTES = 1 << 20
_BLOCK = 1 << 16
BINARY_SHARE = 0.1
"""More NUL bytes than this and the file is no text (or UTF-16 without its mark)."""

NOTHING = frozenset(("", "\x1a"))
"""What a stripped cell or line may hold without being one: old DOS programs end a file with Ctrl-Z."""

NUL_REMOVED = "已去除空字符（NUL）"
OTHER_ENCODING = "编码与全文不一致，已按该行自身的编码读取"
HALF_CHARACTER = "含有半个字符，已用“\ufffd”代替"

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SURROGATE = re.compile("[\ud800-\udfff]")
_WIDE = re.compile("[\u2000-\uffff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """How a file is written.

    Attributes:
        name: ``utf-8``, ``gb18030``, ``utf-16-le`` or ``utf-16-be``.
        mark: Length of the byte-order mark in bytes.
        newline: The byte that ends a line; a carriage return in files of an old Mac.
    """

    name: str
    mark: int = 0
    newline: bytes = b"\n"


@dataclass(slots=True)
class Line:
    """One physical line, with its line end.

    Attributes:
        text: Decoded; bytes that are wrong in UTF-8 are kept as lone surrogates (``surrogateescape``) if
            ``damaged``.
        number: 1-based physical line.
        damaged: Whether `repair` must look at the cells.
        warnings: What was repaired.
        too_long: Whether the line was longer than allowed; its text is then only the beginning.
    """

    text: str
    number: int
    damaged: bool = False
    warnings: tuple[str, ...] = ()
    too_long: bool = False


def detect_encoding(path: Path) -> Encoding:
    """Find the encoding from a file's first megabyte.

    Raises:
        InputError: The file is empty or no text.
    """
    with path.open("rb") as handle:
        sample = handle.read(SAMPLE_BYTES)
        cut = bool(handle.read(1))
    if not sample.strip():
        raise InputError(f"{path.name} 是空文件；请检查导出是否完整")
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return Encoding(name=name, mark=len(mark), newline=_newline(sample))
    if sample.count(0) > BINARY_SHARE * len(sample):
        raise InputError(f"{path.name} 不是文本文件；请在 Excel 中另存为“CSV UTF-8”或 .xlsx 后重试")
    return Encoding(name="utf-8" if _mostly_utf8(sample, cut=cut) else "gb18030", newline=_newline(sample))


def _newline(sample: bytes) -> bytes:
    return b"\r" if b"\r" in sample and b"\n" not in sample else b"\n"


def _mostly_utf8(sample: bytes, *, cut: bool) -> bool:
    votes = 0
    *lines, last = sample.split(b"\n")
    for line in lines:
        if not line.isascii():
            votes += 1 if _is_utf8(line) else -1
    if not last.isascii():
        votes += 1 if _is_utf8(last, cut=cut) else -1
    return votes >= 0


def _is_utf8(data: bytes, *, cut: bool = False) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError:
        return False
    return True


def read_lines(path: Path, encoding: Encoding, *, longest: int) -> Iterator[Line]:
    """Yield the lines of a file; never holds more than one line of ``longest`` bytes."""
    with path.open("rb") as handle:
        handle.seek(encoding.mark)
        lines = (
            _wide_lines(handle, encoding, longest=longest)
            if encoding.name.startswith("utf-16")
            else _byte_lines(handle, encoding, longest=longest)
        )
        for line in lines:
            if "\0" in line.text:
                line.text = line.text.replace("\0", "")
                line.warnings = (*line.warnings, NUL_REMOVED)
            yield line


def _byte_lines(handle: BinaryIO, encoding: Encoding, *, longest: int) -> Iterator[Line]:
    decode = _utf8_line if encoding.name == "utf-8" else _gb18030_line
    for number, (raw, too_long) in enumerate(_pieces(handle, encoding.newline, longest=longest), 1):
        line = decode(raw, number)
        line.too_long = too_long
        yield line


def _pieces(handle: BinaryIO, newline: bytes, *, longest: int) -> Iterator[tuple[bytes, bool]]:
    """Yield (line, was too long) and skip the rest of a line that is too long without keeping it."""
    if newline != b"\n":
        for line in _split(iter(lambda: handle.read(_BLOCK), b""), newline, longest=longest):
            yield line + b"\n", len(line) > longest
        return
    while piece := handle.readline(longest):
        too_long = len(piece) == longest and not piece.endswith(b"\n")
        while too_long and (rest := handle.readline(longest)) and not rest.endswith(b"\n"):
            continue
        yield piece, too_long


def _split(blocks: Iterator[AnyStr], newline: AnyStr, *, longest: int) -> Iterator[AnyStr]:
    """Cut blocks into lines; of a line longer than ``longest`` only a beginning longer than that is kept."""
    parts: list[AnyStr] = []
    size = 0
    for block in blocks:
        lines = block.split(newline)
        if size <= longest:
            parts.append(lines[0])
            size += len(lines[0])
        if len(lines) > 1:
            yield newline[:0].join(parts)
            yield from lines[1:-1]
            parts, size = [lines[-1]], len(lines[-1])
    if size:
        yield newline[:0].join(parts)


def _utf8_line(raw: bytes, number: int) -> Line:
    try:
        return Line(raw.decode("utf-8"), number)
    except UnicodeDecodeError:
        return Line(raw.decode("utf-8", "surrogateescape"), number, damaged=True)


def _gb18030_line(raw: bytes, number: int) -> Line:
    if raw.isascii():
        return Line(raw.decode("ascii"), number)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        # Hardly any GB text is valid UTF-8 by chance, and then it decodes to Latin or Arabic, not to
        # Chinese.
        if _WIDE.search(text):
            return Line(text, number, warnings=(OTHER_ENCODING,))
    try:
        return Line(raw.decode("gb18030"), number)
    except UnicodeDecodeError:
        return Line(raw.decode("utf-8", "surrogateescape"), number, damaged=True)


def _wide_lines(handle: BinaryIO, encoding: Encoding, *, longest: int) -> Iterator[Line]:
    """UTF-16: decode in blocks, since a line feed may be half of another character."""
    decoder = codecs.getincrementaldecoder(encoding.name)("surrogatepass")
    blocks = (decoder.decode(block) for block in iter(lambda: handle.read(_BLOCK), b""))
    for number, text in enumerate(_split(blocks, encoding.newline.decode("ascii"), longest=longest), 1):
        yield _wide_line(text, number, longest=longest)


def _wide_line(text: str, number: int, *, longest: int) -> Line:
    clean = replace_halves(text)
    warnings = (HALF_CHARACTER,) if clean != text else ()
    return Line(clean + "\n", number, warnings=warnings, too_long=len(text) > longest)


def replace_halves(text: str) -> str:
    """Replace lone surrogates (an emoji cut in two by a column limit) by U+FFFD; no file could hold them."""
    return _SURROGATE.sub("\ufffd", text)


def repair(cell: str) -> str | None:
    """Decode a cell of a damaged line again, as GB18030.

    Args:
        cell: UTF-8 decoded with ``surrogateescape``.

    Returns:
        The cell itself where it was sound; its text where its bytes are GB18030; None where they are
        neither, or are UTF-8 with a few bytes lost (which GB18030 would happily turn into nonsense).
    """
    wrong = len(_SURROGATE.findall(cell))
    if not wrong:
        return cell
    if len(_WIDE.findall(_SURROGATE.sub("", cell))) > wrong:
        return None
    try:
        return cell.encode("utf-8", "surrogateescape").decode("gb18030")
    except UnicodeDecodeError:
        return None
