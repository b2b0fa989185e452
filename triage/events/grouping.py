"""Groups from pair probabilities: average linkage with vetoes, so that A~B and B~C do not drag A and C together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from triage.events.candidates import Pairs

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

ScorePairs = Callable[[Rows, Rows], Floats]
"""Probabilities float32[m] of pairs of rows; a vetoed pair scores below zero."""

_STEPS = (0.3, 0.45, 0.6, 0.75, 0.85, 0.92, 0.97)
_SAMPLE = 8


def group(pairs: Pairs, probabilities: Floats, size: int, *, score: ScorePairs, link_at: float, limit: int) -> Rows:
    """Partition n rows into groups.

    Args:
        pairs: Scored pairs; all others are taken as unrelated unless their neighbourhood connects them.
        probabilities: float32[m] of the pairs.
        size: n.
        score: Scores further pairs, those between members of one neighbourhood.
        link_at: Least average probability between two groups for joining them.
        limit: Largest neighbourhood in which every pair is compared; larger ones are cut at stronger links, then
            filled row by row.

    Returns:
        int64[n], a group number per row; rows of one group share it.
    """
    labels = np.arange(size, dtype=np.int64)
    found = _neighbourhoods(pairs, probabilities, size, limit=limit)
    small = [members for members in found if len(members) <= limit]
    for members, matrix in zip(small, _full_matrices(small, score), strict=True):
        labels[members] = members[average_link(matrix, link_at=link_at)]
    for members in found:
        if len(members) > limit:
            labels[members] = members[join_in_order(members, score, link_at=link_at)]
    return labels


def average_link(similarity: NDArray[np.floating], *, link_at: float) -> Rows:
    """Join the two groups with the highest average similarity until none reaches ``link_at``.

    Args:
        similarity: float[k, k], symmetric; below zero means the two must not share a group.
        link_at: Least average for a join.

    Returns:
        int64[k], the smallest member of each row's group.
    """
    count = len(similarity)
    labels = np.arange(count, dtype=np.int64)
    average = np.array(similarity, dtype=np.float64)
    average[average < 0] = -np.inf
    np.fill_diagonal(average, -np.inf)
    weight = np.ones(count)
    while count > 1:
        a, b = divmod(int(np.argmax(average)), count)
        if average[a, b] < link_at:
            break
        a, b = min(a, b), max(a, b)
        # A veto is minus infinity and stays so in the average: it binds the whole group.
        joined = (average[a] * weight[a] + average[b] * weight[b]) / (weight[a] + weight[b])
        average[a], average[:, a] = joined, joined
        average[a, a] = -np.inf
        average[b], average[:, b] = -np.inf, -np.inf
        weight[a] += weight[b]
        labels[labels == labels[b]] = labels[a]
    return labels


def join_in_order(members: Rows, score: ScorePairs, *, link_at: float) -> Rows:
    """Give each row, in order, to the group it fits best, or to a new one; what a live stream does.

    Returns:
        int64[k], the position of the first member of each row's group.
    """
    labels = np.arange(len(members), dtype=np.int64)
    groups: dict[int, list[int]] = {}
    for position in range(len(members)):
        joined = best_group(int(members[position]), members, groups, score, link_at=link_at)
        labels[position] = position if joined is None else joined
        groups.setdefault(int(labels[position]), []).append(position)
    return labels


def best_group(
    row: int, members: Rows, groups: dict[int, list[int]], score: ScorePairs, *, link_at: float
) -> int | None:
    """Return the key of the group with the highest average probability to ``row``, or None below ``link_at``.

    Args:
        row: The newcomer.
        members: int64[k], rows by position.
        groups: Key → positions of its members; at most eight, evenly spread, are compared.
        score: Scores pairs of rows.
        link_at: Least average.
    """
    keys = list(groups)
    samples = [spread(groups[key]) for key in keys]
    flat = np.array([position for sample in samples for position in sample], dtype=np.int64)
    if not len(flat):
        return None
    scores = score(np.full(len(flat), row, dtype=np.int64), members[flat])
    best, found, at = link_at, None, 0
    for key, sample in zip(keys, samples, strict=True):
        part = scores[at : at + len(sample)]
        at += len(sample)
        if part.min() >= 0 and part.mean() >= best:
            best, found = float(part.mean()), key
    return found


def spread(positions: list[int]) -> list[int]:
    """Return at most eight of the positions, evenly spaced, first and last included."""
    if len(positions) <= _SAMPLE:
        return positions
    return [positions[k] for k in np.linspace(0, len(positions) - 1, _SAMPLE).astype(int)]


def _neighbourhoods(pairs: Pairs, probabilities: Floats, size: int, *, limit: int) -> list[Rows]:
    found: list[Rows] = []
    left, right, weights = pairs.left, pairs.right, probabilities
    for step in (0.0, *_STEPS):
        strong = weights >= step
        left, right, weights = left[strong], right[strong], weights[strong]
        if not len(left):
            break
        graph = sparse.coo_matrix((np.ones(len(left)), (left, right)), shape=(size, size))
        _, labels = connected_components(graph, directed=False)
        order = np.argsort(labels, kind="stable")
        sizes = np.bincount(labels)
        large = np.zeros(size, dtype=bool)
        for members in np.split(order, np.cumsum(sizes)[:-1]):
            if len(members) > limit and step < _STEPS[-1]:
                large[members] = True
            elif len(members) > 1:
                found.append(members.astype(np.int64))
        inside = large[left]
        left, right, weights = left[inside], right[inside], weights[inside]
    return found


def _full_matrices(groups: list[Rows], score: ScorePairs) -> Iterator[NDArray[np.float64]]:
    # One call for all neighbourhoods: most have two or three members, and each call costs milliseconds.
    corners = [np.triu_indices(len(members), k=1) for members in groups]
    if not corners:
        return
    left = np.concatenate([members[a] for members, (a, _) in zip(groups, corners, strict=True)])
    right = np.concatenate([members[b] for members, (_, b) in zip(groups, corners, strict=True)])
    scores = score(left, right)
    at = 0
    for members, (a, b) in zip(groups, corners, strict=True):
        matrix = np.zeros((len(members), len(members)))
        matrix[a, b] = matrix[b, a] = scores[at : at + len(a)]
        at += len(a)
        yield matrix
