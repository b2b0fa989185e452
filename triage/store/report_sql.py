"""Statements put together from pieces of our own; values are always bound."""

from __future__ import annotations

import re
from string import Template

from sqlalchemy import ARRAY, DateTime, TextClause, Uuid, bindparam, text

_MOMENTS = ("since", "until", "before_since", "year_since", "year_until", "as_of", "start")


def statement(written: str, **pieces: str) -> TextClause:
    """Return a statement with its pieces in place of ``$name`` and the types of moments and ids bound.

    Args:
        written: SQL with ``$name`` for pieces and ``:name`` for values.
        pieces: Further SQL, of this program and never of a user.
    """
    full = Template(written).substitute(pieces)
    names = set(re.findall(r"(?<!:):([a-z_]+)", full))
    moments = (bindparam(name, type_=DateTime(timezone=True)) for name in _MOMENTS if name in names)
    found = text(full).bindparams(*moments)
    return found.bindparams(bindparam("ids", type_=ARRAY(Uuid))) if "ids" in names else found
