"""Which texts no stage of the encoder's training may see: one fixed fold, every dev text, and all that repeats them."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FOLDS = 5
"""One group in five belongs to the fixed fold."""

_WINDOW = 30
"""Two letters that share so many characters in a row are taken for copies."""

_HAN = re.compile("[\u4e00-\u9fff]+")


def in_fixed_fold(group: str) -> bool:
    """Say whether a group of near-duplicates belongs to the fixed fold; the same on every machine."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") % FOLDS == 0


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Recognises texts that training may not see.

    Attributes:
        keys: Chinese characters of every held-out text.
        windows: Hashes of stretches of held-out letters.
    """

    keys: frozenset[str]
    windows: frozenset[int]

    @classmethod
    def of(cls, letters: Iterable[str], calls: Iterable[str]) -> HeldOut:
        """Remember texts to keep out.

        Args:
            letters: Any text that shares a stretch of 30 characters with one of them is held out too.
            calls: Only equal texts are: call-takers' notes share whole sentences with tickets of other matters.
        """
        keys = {key_of(text) for text in letters}
        windows = {window for key in keys for window in _windows(key)}
        return cls(frozenset(keys | {key_of(text) for text in calls}) - {""}, frozenset(windows))

    def holds(self, text: str) -> bool:
        """Say whether a text is held out, or repeats one that is."""
        key = key_of(text)
        return key in self.keys or any(window in self.windows for window in _windows(key))


def key_of(text: str) -> str:
    """Return a text's Chinese characters, by which it is recognised whatever its punctuation and numbers."""
    return "".join(_HAN.findall(text))


def _windows(key: str) -> Iterator[int]:
    code = key.encode("utf-16-le")
    for at in range(0, len(code) - 2 * _WINDOW + 1, 2):
        yield zlib.crc32(code[at : at + 2 * _WINDOW])
