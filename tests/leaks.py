"""Recognises personal data and texts of appeals where none may be: in logs and on the error output."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import cache

from triage.samples import sample_path

_PERSONAL = (
    re.compile(r"(?<![0-9A-Za-z.-])1[3-9]\d{9}(?![0-9A-Za-z.-])"),
    re.compile(r"(?<![0-9A-Za-z-])\d{17}[\dXx](?![0-9A-Za-z-])"),
)
_PIECE = 12
"""Characters of a sample text that prove it was quoted; shorter ones may be a road or a unit."""


def leaks_in(said: str, *, also: Sequence[str] = ()) -> list[str]:
    """Return what must not be there: phone numbers, id numbers, pieces of the shipped samples, and those given."""
    found = [match.group() for pattern in _PERSONAL for match in pattern.finditer(said)]
    found += [trace for trace in also if trace in said]
    pieces = sample_pieces()
    return found + sorted({said[at : at + _PIECE] for at in range(len(said) - _PIECE + 1)} & pieces)


@cache
def sample_pieces() -> frozenset[str]:
    """Every stretch of twelve characters of the sample appeals' contents."""
    with sample_path("appeals.csv").open(encoding="utf-8-sig", newline="") as file:
        contents = [row["诉求内容"] for row in csv.DictReader(file)]
    return frozenset(text[at : at + _PIECE] for text in contents for at in range(len(text) - _PIECE + 1))
