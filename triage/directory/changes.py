"""What a new list of units changes in the present one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from triage.directory.unit import Unit

FIELDS = ("level", "parent", "jurisdiction", "function", "duties", "aliases", "contact", "valid_from", "valid_to")
"""What is compared; a unit is the same one as long as its name is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldChange:
    """One fact of a unit that changed, as shown: several values joined by 、, nothing as an empty text.

    Attributes:
        field: One of `FIELDS`.
        old: In the present list.
        new: In the new one.
    """

    field: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitChange:
    """A unit that stays with other facts.

    Attributes:
        name: The unit.
        fields: What is different, in the order of `FIELDS`.
    """

    name: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Renamed:
    """A unit that goes while another one comes which lists its name as an alias: most likely the same office."""

    old: str
    new: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitChanges:
    """The difference of two lists, each part in the order of the list it comes from.

    Attributes:
        added: Units that come.
        changed: Units with other facts.
        withdrawn: Units that go.
        renamed: Pairs out of ``withdrawn`` and ``added``.
        unchanged: How many stay as they are.
    """

    added: tuple[Unit, ...]
    changed: tuple[UnitChange, ...]
    withdrawn: tuple[Unit, ...]
    renamed: tuple[Renamed, ...]
    unchanged: int

    @property
    def none(self) -> bool:
        """Whether the lists say the same."""
        return not (self.added or self.changed or self.withdrawn)


def compare(present: Iterable[Unit], fresh: Iterable[Unit]) -> UnitChanges:
    """Compare two lists.

    Args:
        present: The valid list, with unique names.
        fresh: The new one, with unique names.
    """
    old, new = ({unit.name: unit for unit in units} for units in (present, fresh))
    added = tuple(unit for name, unit in new.items() if name not in old)
    withdrawn = tuple(unit for name, unit in old.items() if name not in new)
    both = [(old[name], unit) for name, unit in new.items() if name in old]
    changed = tuple(UnitChange(name=now.name, fields=_fields(was, now)) for was, now in both if was != now)
    gone = {unit.name for unit in withdrawn}
    renamed = tuple(
        Renamed(old=alias, new=unit.name) for unit in added for alias in dict.fromkeys(unit.aliases) if alias in gone
    )
    return UnitChanges(
        added=added, changed=changed, withdrawn=withdrawn, renamed=renamed, unchanged=len(both) - len(changed)
    )


def _fields(was: Unit, now: Unit) -> tuple[FieldChange, ...]:
    pairs = [(field, getattr(was, field), getattr(now, field)) for field in FIELDS]
    return tuple(FieldChange(field=field, old=_shown(a), new=_shown(b)) for field, a, b in pairs if a != b)


def _shown(value: object) -> str:
    if value is None:
        return ""
    return "、".join(value) if isinstance(value, tuple) else str(value)
