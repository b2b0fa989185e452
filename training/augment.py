"""The same appeal as others would have written it: six variants that must not change a decision.

What a variant may touch: typing errors may hit anything, names of places and units too, as in life. A speech recogniser
hears tones and writes real words, so homophones are drawn by frequency from a dictionary's words of the same sound and
tone; a word without a twin, a name above all, gets a common character of the same sound. An input method knows no tones, so
its slips may have any. No variant removes or adds a statement about the matter.

`training.robustness` measures with them how steady a bundle's decisions are; a training program may learn from copies.
"""

from __future__ import annotations

import bisect
import itertools
import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from triage.appeal import Appeal
from triage.events.words import WordCutter

if TYPE_CHECKING:
    from opencc import OpenCC

TYPOS = 3
WORDS_PER_HOMOPHONE = 15
"""A recogniser on telephone sound gets about one character in twelve wrong; one word in fifteen, with its two
characters, is a little under that."""
LEAST_HOMOPHONES = 2
_LEAST_FREQUENCY = 30
"""Dictionary words that are rarer are not what a recogniser would write."""

_TONES = "12345"
_HAN = re.compile("[\u4e00-\u9fff]")
_ALL_HAN = re.compile("[\u4e00-\u9fff]+")
_HALF = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
_SENTENCE_END = re.compile("[。！？；!?;]+[”’）)]*")
_CLAUSE_END = re.compile("[，、：,:]")
_BREAKS = ("\n", "\r\n", "\n\n", "\n\u3000\u3000", "\r\n\r\n\u3000\u3000", "\n    ")
_STYLES = ("s2t", "s2tw", "s2hk")

_OPENINGS = (
    "您好！",
    "你好，",
    "领导好，打扰了。",
    "尊敬的领导：您好！",
    "尊敬的市长，您好！",
    "各位领导，大家好！",
    "你好，麻烦您了，我想反映一个情况。",
    "您好，不好意思打扰您一下，",
    "尊敬的领导，感谢您在百忙之中抽空看我的留言。",
    "工作人员您好，我有件事想跟您说一下：",
    "您好，请问有人在吗？",
    "12345的工作人员，你们好！",
    "市长先生：见信好！",
    "喂，你好你好。",
    "尊敬的区长同志：您好！冒昧给您写信，请见谅。",
    "早上好！占用您一点时间。",
    "Hello，大家好，",
    "亲爱的热线小姐姐你好呀，",
    "各位领导辛苦啦！",
    "您好，有个事情麻烦您一下。",
)
_CLOSINGS = (
    "谢谢！",
    "非常感谢！",
    "麻烦你们了，谢谢。",
    "望尽快回复，谢谢！",
    "感谢您的关注，祝工作顺利！",
    "辛苦了，谢谢。",
    "此致\n敬礼！",
    "给你们添麻烦了，万分感谢！",
    "祝您身体健康，工作愉快！",
    "期待您的回复。",
    "多谢多谢。",
    "拜托各位了！",
    "谢谢领导百忙中看完我的留言。",
    "盼复，谢谢。",
    "顺祝商祺！",
    "劳您费心了。",
    "给您鞠躬了。",
    "叨扰之处，敬请谅解。",
    "祝好人一生平安。",
    "先谢过了，再见。",
)

Vary = Callable[[str, random.Random], str]


@dataclass(frozen=True, slots=True)
class Spellings:
    """The ways to write one sound, with their frequency.

    Attributes:
        words: As written, most frequent first.
        totals: Running sums of their frequencies.
    """

    words: tuple[str, ...]
    totals: tuple[int, ...]

    @classmethod
    def of(cls, frequencies: Mapping[str, int]) -> Spellings:
        """Order by frequency."""
        ordered = sorted(frequencies.items(), key=lambda item: (-item[1], item[0]))
        return cls(tuple(word for word, _ in ordered), tuple(itertools.accumulate(count for _, count in ordered)))

    def other_than(self, word: str, rng: random.Random) -> str | None:
        """Draw another spelling by frequency; None where there is no other."""
        if not set(self.words) - {word}:
            return None
        while True:
            drawn = self.words[bisect.bisect_right(self.totals, rng.randrange(self.totals[-1]))]
            if drawn != word:
                return drawn


class Sounds:
    """Words by their sound with tones, characters by their sound without.

    Frequencies are those of jieba's dictionary, sounds those of pypinyin.
    """

    def __init__(self, frequencies: Mapping[str, int]) -> None:
        """Index words of Chinese characters."""
        heard: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        typed: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for word, count in frequencies.items():
            syllables = syllables_of(word)
            if len(word) > 1:
                heard[" ".join(syllables)][word] = count
            for character, syllable in zip(word, syllables, strict=True):
                heard[syllable][character] += count
                typed[syllable.rstrip(_TONES)][character] += count
        self._heard = {sound: Spellings.of(found) for sound, found in heard.items()}
        self._typed = {sound: Spellings.of(found) for sound, found in typed.items()}

    def other_word(self, word: str, rng: random.Random) -> str:
        """Return a word of the same sound and tones, else one character replaced; the word itself where nothing fits."""
        syllables = syllables_of(word)
        other = self._other(" ".join(syllables), word, rng)
        if other is not None:
            return other
        at = rng.randrange(len(word))
        return word[:at] + (self._other(syllables[at], word[at], rng) or word[at]) + word[at + 1 :]

    def other_character(self, character: str, rng: random.Random) -> str:
        """Return a character of the same sound in any tone; the character itself where there is no other."""
        spellings = self._typed.get(syllables_of(character)[0].rstrip(_TONES))
        return (spellings.other_than(character, rng) if spellings else None) or character

    def _other(self, sound: str, word: str, rng: random.Random) -> str | None:
        spellings = self._heard.get(sound)
        return spellings.other_than(word, rng) if spellings else None


def syllables_of(word: str) -> list[str]:
    """Return one syllable with the number of its tone per Chinese character, e.g. ``zao4 yin1``."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - its tables take 0.2 s; only variants need them

    found: list[str] = lazy_pinyin(word, style=Style.TONE3)
    return found if len(found) == len(word) else [lazy_pinyin(one, style=Style.TONE3)[0] for one in word]


@lru_cache(maxsize=1)
def load_sounds() -> Sounds:
    """Index the dictionary that comes with jieba (about two seconds, once)."""
    import jieba  # noqa: PLC0415 - the dictionary is large; only variants need it here

    table = Path(jieba.__file__).with_name("dict.txt")
    rows = (line.split(" ") for line in table.read_text(encoding="utf-8").splitlines())
    return Sounds(
        {row[0]: int(row[1]) for row in rows if int(row[1]) >= _LEAST_FREQUENCY and _ALL_HAN.fullmatch(row[0])}
    )


def traditional(text: str, rng: random.Random) -> str:
    """Write in traditional characters, of the mainland, Taiwan or Hong Kong."""
    written: str = _converter(rng.choice(_STYLES)).convert(text)
    return written


def full_width(text: str, rng: random.Random) -> str:
    """Write letters, digits, ASCII marks and blanks full-width."""
    del rng
    return text.translate(_HALF)


def typos(text: str, rng: random.Random) -> str:
    """Make three typing errors: a character of the same sound, one left out, one doubled, two neighbours swapped."""
    places = [match.start() for match in _HAN.finditer(text)]
    for at in sorted(rng.sample(places, min(TYPOS, len(places))), reverse=True):
        text = _mistyped(text, at, rng)
    return text


def homophones(text: str, rng: random.Random) -> str:
    """Replace one word in fifteen, at least two, by what a speech recogniser might hear."""
    words = _cutter().cut(text)
    places = [k for k, word in enumerate(words) if _ALL_HAN.fullmatch(word)]
    wanted = max(LEAST_HOMOPHONES, len(places) // WORDS_PER_HOMOPHONE)
    for k in rng.sample(places, min(wanted, len(places))):
        words[k] = load_sounds().other_word(words[k], rng)
    return "".join(words)


def greetings(text: str, rng: random.Random) -> str:
    """Put a polite opening before the text and a polite closing behind it."""
    end = "" if not text or text[-1] in "。！？!?…\n" else "。"
    return f"{rng.choice(_OPENINGS)}{text}{end}{rng.choice(_CLOSINGS)}"


def paragraphs(text: str, rng: random.Random) -> str:
    """Break the text into two paragraphs near its middle: after a sentence, else a comma, else a word."""
    middle = len(text) / 2
    ends = [match.end() for match in _SENTENCE_END.finditer(text) if match.end() < len(text)]
    ends = ends or [match.end() for match in _CLAUSE_END.finditer(text) if match.end() < len(text)]
    ends = ends or list(itertools.accumulate(len(word) for word in _cutter().cut(text)))[:-1]
    if not ends:
        return text
    at = min(ends, key=lambda end: abs(end - middle))
    indent = rng.choice(("", "\u3000\u3000"))
    return f"{indent}{text[:at]}{rng.choice(_BREAKS)}{text[at:]}"


VARIANTS: Mapping[str, Vary] = {
    "traditional": traditional,
    "full_width": full_width,
    "typos": typos,
    "homophones": homophones,
    "greetings": greetings,
    "paragraphs": paragraphs,
}
_EVERYWHERE = frozenset(("traditional", "full_width"))
"""Variants of the whole letter; the others change its main text."""


def vary(appeal: Appeal, variant: str, *, seed: int) -> Appeal:
    """Return the appeal as another would have written it.

    Args:
        appeal: The original.
        variant: One of `VARIANTS`.
        seed: The same seed, variant and appeal give the same text, whatever other appeals there are.
    """
    rng = random.Random(f"{seed} {variant} {appeal.id}")  # noqa: S311 - reproducible on purpose
    change = VARIANTS[variant]
    if variant in _EVERYWHERE:
        title, content, address = (change(text, rng) for text in (appeal.title, appeal.content, appeal.address))
        return replace(appeal, title=title, content=content, address=address)
    if not appeal.content.strip():
        return replace(appeal, title=change(appeal.title, rng))
    return replace(appeal, content=change(appeal.content, rng))


def _mistyped(text: str, at: int, rng: random.Random) -> str:
    kind = rng.choices(("sound", "dropped", "doubled", "swapped"), (4, 2, 2, 2))[0]
    here, rest = text[at], text[at + 1 :]
    if kind == "dropped":
        return text[:at] + rest
    if kind == "doubled":
        return text[:at] + here + here + rest
    if kind == "swapped" and rest and _HAN.match(rest[0]):
        return text[:at] + rest[0] + here + rest[1:]
    return text[:at] + load_sounds().other_character(here, rng) + rest


@lru_cache(maxsize=1)
def _cutter() -> WordCutter:
    return WordCutter()


@lru_cache(maxsize=len(_STYLES))
def _converter(style: str) -> OpenCC:
    from opencc import OpenCC  # noqa: PLC0415 - it loads dictionaries

    return OpenCC(style)
