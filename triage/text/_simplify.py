"""Traditional to simplified Chinese without losing the place of a single character."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from triage.text.aligned import AlignedText, Replacement

# The first plane only: a regex class with a rarer ideograph in it is searched a hundred times slower.
_IDEOGRAPHS = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000))
# Alone they stay (慰藉, 瞭望, 覆盖), in a phrase they change (藉口, 瞭解, 答覆).
_PHRASE_ONLY = "藉瞭覆"
_VARIANTS = str.maketrans("衞揹", "卫背")
"""Characters of Hong Kong and Taiwan that t2s does not know."""
# Taiwan and Hong Kong write 看著 for 看着; t2s leaves it, because 著名 is the same in all three.
_AUTHORED = re.compile("著(?![名作称者述书])(?<![显名原编论巨专土卓昭译拙]著)")
_SENTENCE = re.compile(r"[^。！？\n]+[。！？\n]?|[。！？\n]")
# 陳昇 → 陈昇 → 陈升: a converted neighbour can end a phrase that protected a character.
_ROUNDS = 4


class Converter(Protocol):
    """What is used of ``opencc.OpenCC``."""

    def convert(self, text: str, /) -> str:
        """Return ``text`` in simplified characters."""


@dataclass(frozen=True, slots=True)
class Simplifier:
    """A loaded converter and the pattern of the characters it is allowed to change."""

    converter: Converter
    traditional: re.Pattern[str]

    @classmethod
    def of(cls, converter: Converter) -> Simplifier:
        """Ask ``converter`` once which ideographs it changes (about 3,800 of 27,600; 10 ms)."""
        every = [chr(code) for block in _IDEOGRAPHS for code in block]
        simple = converter.convert("\n".join(every)).split("\n")
        changed = [before for before, after in zip(every, simple, strict=True) if before != after]
        return cls(converter, re.compile(f"[{''.join(changed)}{_PHRASE_ONLY}{''.join(map(chr, _VARIANTS))}]"))

    def simplify(self, aligned: AlignedText) -> AlignedText:
        """Convert until nothing changes; texts without a traditional character cost one regex search."""
        first = aligned
        for _ in range(_ROUNDS):
            if self.traditional.search(aligned.text) is None:
                break
            simpler = self._converted(aligned)
            if simpler.text == aligned.text:
                break
            aligned = simpler
        if aligned is first or "著" not in aligned.text:
            return aligned
        return AlignedText(_AUTHORED.sub("着", aligned.text), aligned.starts, aligned.ends)

    def _converted(self, aligned: AlignedText) -> AlignedText:
        before = aligned.text
        after = self.converter.convert(before.translate(_VARIANTS))
        if len(after) == len(before):
            return AlignedText(self._permitted(before, after), aligned.starts, aligned.ends)
        return aligned.replaced(self._sentence_by_sentence(before))

    def _permitted(self, before: str, after: str) -> str:
        """Undo changes of simplified characters: one 於 in the text must not turn 打坏 (broken) into 打坯."""
        may_change = self.traditional.match
        return "".join(new if old != new and may_change(old) else old for old, new in zip(before, after, strict=True))

    def _sentence_by_sentence(self, text: str) -> Iterator[Replacement]:
        for match in _SENTENCE.finditer(text):
            before = match[0]
            after = self.converter.convert(before.translate(_VARIANTS))
            parts: list[str] = (
                list(self._permitted(before, after))
                if len(after) == len(before)
                else [self.converter.convert(char) for char in before]
            )
            for at, (old, new) in enumerate(zip(before, parts, strict=True), match.start()):
                if old != new:
                    yield Replacement(at, at + 1, new)


_loaded: list[Simplifier] = []
_loading = threading.Lock()


def simplify(aligned: AlignedText) -> AlignedText:
    """Simplify a text; the converter is loaded by the first call, once, whatever the number of threads."""
    if not _loaded:
        with _loading:
            if not _loaded:
                _loaded.append(_load())
    return _loaded[0].simplify(aligned)


def _load() -> Simplifier:
    # Imported here: the extension loads its dictionaries, which commands like --help need not pay for.
    from opencc import OpenCC  # noqa: PLC0415

    return Simplifier.of(OpenCC("t2s"))
