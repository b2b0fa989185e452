"""One spelling for every text: full-width, traditional, invisible and repeated characters, with the way back.

Canonical forms of the normalised text:

* letters, digits and symbols are half-width, ``，！？；：（）、。`` are full-width; inside numbers ``,`` and
  ``:`` are half-width (``1,000``, ``20:30``); 「」『』 become “”‘’; ``①`` stays, because it numbers a demand;
* runs of blanks are one space, or one line feed when the run breaks the line; none at either end;
* repeated punctuation (！！！！) is one; invisible and control characters are gone, a lone surrogate is
  U+FFFD;
* an emoji is one character (no variation selector, no skin tone, the first of a joined sequence);
* Chinese is simplified (OpenCC ``t2s``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from triage.text._simplify import simplify
from triage.text.aligned import AlignedText, Replacement

NORMALISER_VERSION: str = "2"

_WIDE = str.maketrans(",!?;:()", "，！？；：（）")
_CANONICAL = {
    **{char: char for char in "，！？；：（）…①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"},
    **dict.fromkeys("‐‑‒–−", "-"),
    **dict.fromkeys("‥⋯", "…"),
    **dict.fromkeys("⁄∕", "/"),
    "「": "“",
    "」": "”",
    "『": "‘",
    "』": "’",
    "﹁": "“",
    "﹂": "”",
    "﹃": "‘",
    "﹄": "’",
    "〝": "“",
    "〞": "”",
    "\u2028": "\n",
    "\u2029": "\n",
    "\x85": "\n",
    "\x0b": "\n",
    "\x0c": "\n",
    "\r": "\n",
}
_DINGBAT_DIGITS = range(0x2776, 0x2794)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0x180B, 0x1810))
_MEMO_LIMIT = 1 << 16

# Accents and enclosures that ornament any base; the vowel signs of Thai or Tibetan are letters and stay.
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f"
_EMOJI = "\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001faff"
_PLAIN = "\u4e00-\u9fff0-9A-Za-z#$%&*+/<=>@\\[\\]^_{|}\"'“”‘’（）《》【】〔〕·°○●"
_SINGLE = "，。！？；：、…～~—\\-"

_CLEAN = re.compile(
    rf"(?!\s)(?:[{_PLAIN}]++|[{_SINGLE}](?![{_SINGLE}])|[ \n](?![ \n])|\.(?=[0-9A-Za-z])"
    r"|(?<=[0-9]):(?=[0-9])|(?<=[0-9]),(?=[0-9]{3}(?![0-9])))*+(?<!\s)"
)
# The mark comes first so that the search can skip to it.
_NUMERIC_WIDE = re.compile(r"[：，](?=[0-9])(?:(?<=[0-9]：)|(?<=[0-9]，)(?=[0-9]{3}(?![0-9])))")
_UNUSUAL = re.compile(rf"[^{_PLAIN}{_SINGLE} \n.]")
_JOINED = re.compile(rf"(?<=[{_EMOJI}\ufe0f])\u200d[{_EMOJI}]")
_MARKED = re.compile(rf"[^{_MARKS}]?[{_MARKS}]+", re.DOTALL)
_RUNS = re.compile(
    rf"[ \n](?:[ \n]+|\Z|(?<=\A[ \n]))|[。.](?:[。.]+|(?<=[\u4e00-\u9fff）”’]\.)(?![0-9A-Za-z]))"
    rf"|([，！？；：、…～~—\-])\1+|{_NUMERIC_WIDE.pattern}"
)


class _OneToOne(dict[int, str]):
    """Table for ``str.translate``: folds what stays one character, leaves the rest to `_resized`."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        kept = folded if len(folded) == 1 else chr(code)
        if len(self) < _MEMO_LIMIT:
            self[code] = kept
        return kept


_TABLE = _OneToOne()


def normalise(raw: str) -> AlignedText:
    """Bring a raw text into the canonical form of this module.

    Args:
        raw: Any string, of any length; lone surrogates and NUL are survived.

    Returns:
        The normalised text; each character knows the raw stretch it came from. Linear in ``len(raw)``.
        Normalising the result again changes nothing.
    """
    aligned = AlignedText.identity(raw)
    if _CLEAN.fullmatch(raw) is None or _NUMERIC_WIDE.search(raw):
        aligned = _folded(aligned)
    return simplify(aligned)


def _folded(aligned: AlignedText) -> AlignedText:
    if "\u200d" in aligned.text:
        aligned = aligned.replaced(Replacement(m.start(), m.end()) for m in _JOINED.finditer(aligned.text))
    aligned = AlignedText(aligned.text.translate(_TABLE), aligned.starts, aligned.ends)
    if _UNUSUAL.search(aligned.text):
        aligned = aligned.replaced(_resized(aligned.text))
        aligned = aligned.replaced(_composed(aligned.text))
    return aligned.replaced(_shortened(aligned.text))


def _resized(text: str) -> Iterator[Replacement]:
    for match in _UNUSUAL.finditer(text):
        folded = _fold(match[0])
        if len(folded) != 1:
            yield Replacement(match.start(), match.end(), folded)


def _composed(text: str) -> Iterator[Replacement]:
    for match in _MARKED.finditer(text):
        base = match[0][0]
        bare = unicodedata.combining(base) or unicodedata.category(base) == "Me"
        # A tower of accents (Zalgo) would be slow to compose; three cover every real letter.
        token = "" if bare else unicodedata.normalize("NFC", match[0][:4])[0]
        yield Replacement(match.start(), match.end(), token)


def _shortened(text: str) -> Iterator[Replacement]:
    last = len(text)
    for match in _RUNS.finditer(text):
        run = match[0]
        if run[0] in " \n":
            at_edge = match.start() == 0 or match.end() == last
            kept = "" if at_edge else "\n" if "\n" in run else " "
        elif run[0] in ".。":
            kept = "。"
        elif len(run) > 1:
            kept = run[0]
        else:
            kept = ":" if run == "：" else ","
        yield Replacement(match.start(), match.end(), kept)


def _fold(char: str) -> str:
    """Return the canonical form of one character: empty where it is invisible, longer for ㎡ or ½."""
    if char in _CANONICAL:
        return _CANONICAL[char]
    code = ord(char)
    if code in _DINGBAT_DIGITS:
        return chr(0x2460 + (code - 0x2776) % 10)
    if code in _SKIN_TONES or any(code in block for block in _SELECTORS):
        return ""
    category = unicodedata.category(char)
    if category[0] in "CZ" and category not in {"Cn", "Co"}:
        return _separator(char, category)
    return _compatible(char)


def _separator(char: str, category: str) -> str:
    if category == "Cs":
        return "\ufffd"
    if char == "\n" or not char.isspace():
        return char if char == "\n" else ""
    return " "


def _compatible(char: str) -> str:
    folded = unicodedata.normalize("NFKC", char)
    if folded == char:
        return char.translate(_WIDE)
    return "".join(_CANONICAL.get(part, part) for part in folded).translate(_WIDE)
