"""The option --column."""

from __future__ import annotations

from collections.abc import Iterable

from triage.errors import InputError


def parse_columns(mappings: Iterable[str]) -> dict[str, str]:
    """Read ``content=诉求描述`` mappings: canonical name → source column.

    Raises:
        InputError: If one is not written as ``name=column``.
    """
    found: dict[str, str] = {}
    for mapping in mappings:
        name, equals, column = mapping.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise InputError(f"--column {mapping}：应写成 名称=列名，例如 --column content=诉求描述")
        found[name.strip()] = column.strip()
    return found
