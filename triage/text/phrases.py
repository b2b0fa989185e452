"""Finds many fixed phrases in a text at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhraseHit:
    """One occurrence of a phrase."""

    phrase: str
    start: int
    end: int


class PhraseMatcher:
    """A set of phrases of at least two characters, indexed by their first two.

    Only the few phrases whose first two characters occur in the text are searched, so hundreds of names of units and
    places cost microseconds.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        heads: dict[str, list[str]] = {}
        for phrase in sorted({p for p in phrases if len(p) >= 2}, key=lambda p: (-len(p), p)):
            heads.setdefault(phrase[:2], []).append(phrase)
        self._heads = {head: tuple(group) for head, group in heads.items()}

    def present(self, text: str) -> set[str]:
        """Return the phrases that occur in the text."""
        return {phrase for phrase in self._possible(text) if phrase in text}

    def find(self, text: str) -> list[PhraseHit]:
        """Return all occurrences in reading order; at one position the longest first."""
        hits = []
        for phrase in self._possible(text):
            at = text.find(phrase)
            while at >= 0:
                hits.append(PhraseHit(phrase, at, at + len(phrase)))
                at = text.find(phrase, at + len(phrase))
        hits.sort(key=lambda hit: (hit.start, -hit.end))
        return hits

    def _possible(self, text: str) -> list[str]:
        pairs = {text[i : i + 2] for i in range(len(text) - 1)}
        return [phrase for head in self._heads.keys() & pairs for phrase in self._heads[head]]
