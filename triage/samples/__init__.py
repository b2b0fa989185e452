"""Appeals of an invented city, shipped so that the project can be tried and tested without any real data.

Three files, all UTF-8 (the CSV files of appeals with a byte-order mark, as office programs write them):

``units.csv``
    The directory of 澜江市: name, level, parent, jurisdiction, function, duties, aliases, valid_from, valid_to.
``appeals.csv``
    Appeals of eight weeks (2026-09-07 to 2026-11-01) with Chinese column names, in time order.
``answers.jsonl``
    One object per appeal in the same order: the unit, functions, category, type, risk, quotes, event and the
    kinds of difficulty the appeal was written for.

City, places, companies, people and events are invented; every number a person leaves is of a fake form.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

__all__ = ["SAMPLE_NAMES", "sample_path"]

SAMPLE_NAMES: tuple[str, ...] = ("units.csv", "appeals.csv", "answers.jsonl")


def sample_path(name: str) -> Path:
    """Give the place of a shipped sample file.

    The package is always installed unpacked, so the file is a real one and needs no extraction.

    Args:
        name: One of ``SAMPLE_NAMES``.

    Returns:
        The file's path on disk.

    Raises:
        ValueError: There is no sample of this name.
    """
    if name not in SAMPLE_NAMES:
        raise ValueError(f"没有名为“{name}”的样例文件，可用的有：{'、'.join(SAMPLE_NAMES)}")
    return Path(str(resources.files(__package__) / name))
