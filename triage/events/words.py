"""Word segmentation with jieba, loaded only when the first text is cut."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any


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

    def __getstate__(self) -> dict[str, Any]:
        """Leave the dictionary behind when sent to a worker process, which loads its own."""
        return {"cache_dir": self.cache_dir, "_tokenizer": None}

    def cut(self, text: str) -> list[str]:
        """Cut a text into words; unknown characters come out one by one."""
        if self._tokenizer is None:
            self._tokenizer = self._load()
        return list(self._tokenizer.cut(text, HMM=False))

    def words(self) -> Iterable[str]:
        """Return the words of the dictionary; beginnings of words that are none themselves are left out."""
        if self._tokenizer is None:
            self._tokenizer = self._load()
        return [word for word, count in self._tokenizer.FREQ.items() if count]

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
