"""Agreement and contradiction between the names of two appeals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from triage.events.names import (
    AREA,
    BUILDING,
    DISTRICT,
    ESTATE,
    FIRM,
    GIVEN,
    KINDS,
    LINE,
    ROAD,
    SCHOOL,
    name_similarity,
)
from triage.events.signature import Signature

Floats = NDArray[np.float32]

_LABELS = ("estate", "road", "school", "firm", "area", "line", "building", "district", "given")
NAME_FEATURES = (
    *(f"{label}_agreement" for label in _LABELS),
    "primary_agreement",
    "primary_conflicts",
    "primary_found",
)
"""Per kind -1 (one side names none) or the best similarity 0 to 1; then the same over what the appeals are mainly about:
best similarity, number of kinds that contradict, share of one side's main names that the other side mentions too."""

PLACE_FEATURES = tuple(f"{label}_agreement" for label in _LABELS if label not in ("building", "district"))
"""Those that say the two appeals name one place or organisation."""

_EXACT = frozenset((LINE, BUILDING, DISTRICT))
_PLACES = (ESTATE, ROAD, SCHOOL, FIRM, AREA, LINE, GIVEN)
_DIFFERENT = 0.4
_MOST = 6

_ByKind = dict[int, tuple[str, ...]]


class NameTable:
    """The names of n appeals, ready for pairwise comparison.

    Args:
        signatures: n signatures.

    Attributes:
        placed: bool[n], whether an appeal names a place or an organisation at all.
    """

    def __init__(self, signatures: Sequence[Signature]) -> None:
        self.placed = np.array([any(n.kind in _PLACES for n in s.names) for s in signatures], dtype=bool)
        self.users = [signature.user for signature in signatures]
        self.all = [_by_kind(signature, primary=False) for signature in signatures]
        self.primary = [_by_kind(signature, primary=True) for signature in signatures]

    def compare(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Floats:
        """Return float32[m, len(NAME_FEATURES)] for pairs of rows."""
        found = np.full((len(left), len(NAME_FEATURES)), -1.0, dtype=np.float32)
        found[:, KINDS + 1] = 0.0
        for k, (i, j) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
            a, b = self.all[i], self.all[j]
            for kind in a.keys() & b.keys():
                found[k, kind] = best_similarity(kind, a[kind], b[kind])
            if self.primary[i] or self.primary[j]:
                found[k, KINDS:] = self._primary(i, j)
        return found

    def contradicts(self, i: int, j: int) -> bool:
        """Say whether two appeals are mainly about different places or organisations of one kind.

        ``A小区噪音`` and ``B小区噪音`` contradict; they do not when either mentions the other's place somewhere, or when the
        names could be two spellings of one. One person who names two places with a character in common has misspelt one.
        """
        same_user = self.users[i] != 0 and self.users[i] == self.users[j]
        a, b = self.primary[i], self.primary[j]
        for kind in a.keys() & b.keys():
            if kind not in _PLACES or kind == AREA:
                continue
            if best_similarity(kind, a[kind], b[kind]) >= _DIFFERENT:
                continue
            mentioned = best_similarity(kind, a[kind], self.all[j].get(kind, ()))
            mentions = best_similarity(kind, self.all[i].get(kind, ()), b[kind])
            if max(mentioned, mentions) >= _DIFFERENT:
                continue
            if not same_user or set("".join(a[kind])).isdisjoint("".join(b[kind])):
                return True
        return False

    def _primary(self, i: int, j: int) -> tuple[float, float, float]:
        a, b = self.primary[i], self.primary[j]
        agreement, conflicts = -1.0, 0.0
        for kind in a.keys() & b.keys():
            if kind in _PLACES:
                similarity = best_similarity(kind, a[kind], b[kind])
                agreement = max(agreement, similarity)
                conflicts += similarity < _DIFFERENT
        return agreement, conflicts, max(_found(a, self.all[j]), _found(b, self.all[i]))


def best_similarity(kind: int, left: tuple[str, ...], right: tuple[str, ...]) -> float:
    """Return the similarity of the closest two names of one kind, 0 when a side has none."""
    if not left or not right:
        return 0.0
    if not set(left).isdisjoint(right):
        return 1.0
    if kind in _EXACT:
        return 0.0
    return max(name_similarity(a, b) for a in left for b in right)


def _found(primary: _ByKind, other: _ByKind) -> float:
    names = [(kind, name) for kind, group in primary.items() if kind in _PLACES for name in group]
    if not names:
        return -1.0
    return sum(best_similarity(kind, (name,), other.get(kind, ())) for kind, name in names) / len(names)


def _by_kind(signature: Signature, *, primary: bool) -> _ByKind:
    groups: dict[int, list[str]] = {}
    for name in signature.names:
        if name.primary or not primary:
            groups.setdefault(name.kind, []).append(name.text)
    return {kind: tuple(group[:_MOST]) for kind, group in groups.items()}
