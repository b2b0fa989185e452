"""Who acts, and which districts they may see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The districts a principal may read and write; row-level security enforces it.

    Attributes:
        districts: Names as in ``appeals.district``; ``("*",)`` is the whole city, including appeals without a district.
    """

    districts: tuple[str, ...]

    @property
    def everywhere(self) -> bool:
        """Whether the scope is the whole city."""
        return "*" in self.districts


EVERYWHERE = Scope(("*",))


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who does something.

    Attributes:
        name: ``user:<id>``, ``key:<id>`` or ``system``; goes into history and audit.
        role: One of `triage.store.schema.ROLES`, or ``system``.
        scope: What the actor may see.
    """

    name: str
    role: str
    scope: Scope


SYSTEM = Actor(name="system", role="system", scope=EVERYWHERE)
