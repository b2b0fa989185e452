"""Words that people have begun to use: in many more appeals than before, by chance hardly so."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log

from triage.events import WordCutter
from triage.store.learning import MaskedText

LEAST_PEOPLE = 3
"""A word that fewer people wrote is not shown: it could be a name."""
LEAST_GROWTH = 3.0
LEAST_SURPRISE = 15.14
"""Of the log-likelihood ratio (Dunning 1993); by chance one word in 10,000 reaches it."""
SHOWN = 30
_CHARS = 2_000
_LONGEST_RUN = 6

_MASK = re.compile(r"\[[^\[\]\s]{1,6}\]")
_HAN = re.compile("[\u4e00-\u9fff]+")
_FUNCTION = frozenset(
    "的了是我你他她它们在有不和就都也很到说要去会着没看好这那个上下里外来与及或但被把让给对为从以之而等请向再又还只已所其"
)
"""Single characters that end a run: grammar, not names of things."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewWord:
    """A word that has become frequent.

    Attributes:
        word: As written; two characters or more.
        now: Appeals of the recent time with it.
        before: Appeals of the time before with it.
        growth: Share of appeals now over the share before; half a count is added to both, so it is never endless.
    """

    word: str
    now: int
    before: int
    growth: float


def new_words(recent: Sequence[MaskedText], earlier: Sequence[MaskedText], *, words: WordCutter) -> tuple[NewWord, ...]:
    """Return the words that grew beyond chance, the most surprising first, `SHOWN` at the most.

    Args:
        recent: Masked texts of the recent time.
        earlier: Masked texts of the time before; where there are none nothing can have grown.
        words: Cuts words; strings that its dictionary does not know are looked at as runs of single characters.
    """
    if not recent or not earlier:
        return ()
    now, people = _counted(recent, words)
    known = [word for word, count in now.items() if count >= LEAST_PEOPLE and len(people[word]) >= LEAST_PEOPLE]
    before, _ = _counted(earlier, words)
    found = []
    for word in known:
        growth = (now[word] + 0.5) / (len(recent) + 1) * (len(earlier) + 1) / (before[word] + 0.5)
        surprise = _surprise(now[word], len(recent), before[word], len(earlier))
        if growth >= LEAST_GROWTH and surprise >= LEAST_SURPRISE:
            row = NewWord(word=word, now=now[word], before=before[word], growth=round(growth, 1))
            found.append((surprise, row))
    found.sort(key=lambda pair: (-pair[0], pair[1].word))
    return tuple(row for _, row in found[:SHOWN])


def _counted(texts: Iterable[MaskedText], words: WordCutter) -> tuple[Counter[str], dict[str, set[str]]]:
    """Count in how many texts each word stands, and by whom it was written."""
    count: Counter[str] = Counter()
    people: dict[str, set[str]] = defaultdict(set)
    for one in texts:
        for word in set(_words(_MASK.sub("\n", one.text[:_CHARS]), words)):
            count[word] += 1
            people[word].add(one.who)
    return count, people


def _words(text: str, words: WordCutter) -> Iterator[str]:
    run = ""
    for word in words.cut(text):
        if len(word) == 1 and _HAN.fullmatch(word) and word not in _FUNCTION:
            run += word
            continue
        yield from _run(run)
        run = ""
        if len(word) > 1 and _HAN.fullmatch(word):
            yield word
    yield from _run(run)


def _run(run: str) -> Iterator[str]:
    """Yield what the dictionary does not know: names of estates, firms and programs come out character by character."""
    if 2 <= len(run) <= _LONGEST_RUN:
        yield run


def _surprise(now: int, texts_now: int, before: int, texts_before: int) -> float:
    """Return the log-likelihood ratio of two shares against one common share; higher is less by chance."""
    together = (now + before) / (texts_now + texts_before)

    def fit(hits: int, total: int, share: float) -> float:
        return (hits * log(share) if hits else 0.0) + ((total - hits) * log(1.0 - share) if total > hits else 0.0)

    apart = fit(now, texts_now, now / texts_now) + fit(before, texts_before, before / texts_before)
    return 2.0 * (apart - fit(now, texts_now, together) - fit(before, texts_before, together))
