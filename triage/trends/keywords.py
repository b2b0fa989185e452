"""The words of an appeal that say what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from triage.events.words import WordCutter
from triage.trends.stop_words import STOP_WORDS

MOST = 24
_TITLE, _CONTENT = 60, 200
"""Characters read; a letter says at its beginning what it is about, and later what else has happened."""
_KEPT_TAGS = frozenset({"n", "v", "vn", "a", "an", "nz", "j", "l", "i", "b", "nt", "ad"})
"""Parts of speech in jieba's dictionary: things and doings. Names of persons (nr) and places (ns), times, numbers,
pronouns and particles are left out; where something happens is told by district and street."""
_SUFFIX = frozenset("站厂店场费款证车房楼池塔坑库室园校口税金卡票网板沟井管灯牌棚墙门犬狗")
"""A single character that makes a noun of the word before: 搅拌站, 维修基金 stays, 门面房."""
_MASK = re.compile(r"\[[^\[\]\s]{1,6}\]")
_HAN = re.compile("[\u4e00-\u9fff]{2,8}")
_PREFIXED = re.compile("[不没无未][\u4e00-\u9fff]{1,2}")
_LONGEST = 6


class KeywordReader:
    """Reads keywords out of masked texts.

    The words are found in the text alone, without looking at others, so an appeal's keywords can be kept with it when it
    arrives. A name that masking has missed may be among them: show a word only where at least three people wrote it.

    Args:
        cutter: Cuts text into words.
    """

    def __init__(self, cutter: WordCutter) -> None:
        self._cutter = cutter

    def keywords(self, title: str, content: str) -> tuple[str, ...]:
        """Return the keywords of an appeal, in the order of the text, each once.

        Args:
            title: Masked subject line; may be empty. Its first 60 characters are read.
            content: Masked text, of which the first 300 characters are read.

        Returns:
            At most `MOST` words of two to six Chinese characters.
        """
        text = _MASK.sub("\n", f"{title[:_TITLE]}\n{content[:_CONTENT]}")
        found: dict[str, None] = {}
        for word in self._words(text):
            found.setdefault(word)
            if len(found) == MOST:
                break
        return tuple(found)

    def _words(self, text: str) -> Iterator[str]:
        """Yield what is worth keeping; a word and the suffix behind it come as one."""
        pending = ""
        for word in self._cutter.cut(text):
            if pending and word in _SUFFIX:
                yield pending + word
                pending = ""
                continue
            if pending and pending not in STOP_WORDS:
                yield pending
            pending = word if _HAN.fullmatch(word) and len(word) < _LONGEST and word not in _dropped() else ""
        if pending and pending not in STOP_WORDS:
            yield pending


@lru_cache(maxsize=1)
def _dropped() -> frozenset[str]:
    """Return the dictionary's words of other parts of speech, read once."""
    import jieba  # noqa: PLC0415 - only for those who read keywords

    dropped = set()
    with jieba.Tokenizer().get_dict_file() as lines:
        for line in lines:
            word, _, tag = line.decode("utf-8").split()
            if len(word) > 1 and tag not in _KEPT_TAGS:
                dropped.add(word)
    return frozenset(dropped)
