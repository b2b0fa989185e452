"""How names sound, so that a dispatcher finds a unit by the first letters of its syllables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from triage.directory import Unit

_MOST_DUTIES = 60
"""Characters of the duties that are shown beside a name."""


def unit_list(units: Sequence[Unit]) -> str:
    """Return units as JSON for the page's chooser.

    Returns:
        An array of objects: ``n`` name, ``p`` its syllables separated by blanks, ``a`` aliases with theirs, ``d`` duties.
    """
    rows = [
        {
            "n": unit.name,
            "p": syllables(unit.name),
            "a": [[alias, syllables(alias)] for alias in unit.aliases],
            "d": "、".join(unit.duties)[:_MOST_DUTIES],
        }
        for unit in units
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=20_000)
def syllables(name: str) -> str:
    """Return the syllables of a name without tones, e.g. ``gong an ju``; letters and digits count as they are."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - its dictionary takes 0.1 s, which only this page needs

    return " ".join(part.strip().lower() for part in lazy_pinyin(name) if part.strip())
