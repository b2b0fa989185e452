"""Text that remembers where each of its characters came from in the raw text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Offsets = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch ``[start, end)`` of characters."""

    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        """Say whether the two stretches share at least one character."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Replacement:
    """A stretch of an aligned text and the token that stands for it from now on (empty: dropped)."""

    start: int
    end: int
    token: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class AlignedText:
    """A text derived from a raw one, character by character.

    Attributes:
        text: The derived text, n characters.
        starts: int32[n]; where in the raw text the source of each character starts.
        ends: int32[n]; where it ends (exclusive). Characters of one replaced stretch share both.
    """

    text: str
    starts: Offsets
    ends: Offsets

    @classmethod
    def identity(cls, raw: str) -> AlignedText:
        """Align a raw text with itself."""
        starts = np.arange(len(raw), dtype=np.int32)
        return cls(raw, starts, starts + np.int32(1))

    def raw_span(self, start: int, end: int) -> Span:
        """Map a stretch of this text to the raw text; an empty stretch maps to an empty one."""
        if start >= end:
            at = int(self.starts[start]) if start < len(self.starts) else int(self.ends[-1]) if len(self.ends) else 0
            return Span(at, at)
        return Span(int(self.starts[start]), int(self.ends[end - 1]))

    def replaced(self, replacements: Iterable[Replacement]) -> AlignedText:
        """Put tokens in the place of stretches, keeping the way back to the raw text.

        Args:
            replacements: Stretches of this text, sorted by start, not overlapping.

        Raises:
            ValueError: If two stretches overlap or are out of order.
        """
        pieces: list[str] = []
        starts: list[Offsets] = []
        ends: list[Offsets] = []
        at = 0
        for replacement in replacements:
            if replacement.start < at:
                raise ValueError(f"replacement at {replacement.start} overlaps the one that ends at {at}")
            pieces += [self.text[at : replacement.start], replacement.token]
            span = self.raw_span(replacement.start, replacement.end)
            size = len(replacement.token)
            starts += [self.starts[at : replacement.start], np.full(size, span.start, dtype=np.int32)]
            ends += [self.ends[at : replacement.start], np.full(size, span.end, dtype=np.int32)]
            at = replacement.end
        if not pieces:
            return self
        pieces.append(self.text[at:])
        starts.append(self.starts[at:])
        ends.append(self.ends[at:])
        return AlignedText("".join(pieces), np.concatenate(starts), np.concatenate(ends))
