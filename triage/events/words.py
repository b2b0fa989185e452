"""Word segmentation with jieba, loaded only when the first text is cut."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

_REMEMBERED = 512
"""Texts. An appeal is decided twice while it is received, before and after its event is known, a hundred in one chunk."""


class WordCutter:
    """Cuts text into dictionary words.

    jieba's own loader leaves a cache in the system's temporary folder; here the cache goes into a folder of the
    caller's choice, or nowhere.

    Args:
        cache_dir: Existing folder for jieba's dictionary cache; None: no cache, the first use takes about 0.6 s.
    """

    def __init__(self, cache_dir: Path | None = None) -> None:
        self.cache_dir = cache_dir
        self._tokenizer: Any = None
        self._recent = lru_cache(maxsize=_REMEMBERED)(self._cut)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the dictionary behind when sent to a worker process, which loads its own."""
        return {"cache_dir": self.cache_dir, "_tokenizer": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin anew in a worker process."""
        self.__init__(state["cache_dir"])  # type: ignore[misc]

    def cut(self, text: str) -> list[str]:
        """Cut a text into words; unknown characters come out one by one. The latest texts are remembered."""
        return list(self._recent(text))

    def _cut(self, text: str) -> tuple[str, ...]:
        if self._tokenizer is None:
            self._tokenizer = self._load()
        return tuple(self._tokenizer.cut(text, HMM=False))

    def words(self) -> Iterable[str]:
        """Return the words of the dictionary; beginnings of words that are none themselves are left out."""
        if self._tokenizer is None:
            self._tokenizer = self._load()
        return [word for word, count in self._tokenizer.FREQ.items() if count]

    def rarity(self, word: str) -> float:
        """Return how rare a word is in the language, 0 (every word) to 1 (unknown to the dictionary), by its frequency."""
        if self._tokenizer is None:
            self._tokenizer = self._load()
        count = self._tokenizer.FREQ.get(word) or 1
        return 1.0 - math.log(count) / math.log(max(self._tokenizer.total, 2))

    def _load(self) -> Any:
        import jieba  # noqa: PLC0415 - the dictionary takes 0.6 s: only for those who cut words

        jieba.setLogLevel(logging.WARNING)
        tokenizer = jieba.Tokenizer()
        if self.cache_dir is None:
            tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
            tokenizer.initialized = True
        else:
            tokenizer.tmp_dir = str(self.cache_dir)
            tokenizer.initialize()
        return tokenizer
