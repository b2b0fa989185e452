"""One unit of the directory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A body that handles appeals (承办单位).

    Attributes:
        name: The full name, unique in one directory.
        level: One of `triage.naming.LEVELS`.
        parent: Name of the superior unit; empty if none is stated.
        jurisdiction: The area served; several are separated by 、; empty for the whole city.
        function: One of `triage.naming.FUNCTIONS`; empty if neither stated nor readable from the name.
        duties: What it handles, in the words of its list of duties (权责清单).
        aliases: Other names people use for it.
        contact: Its office's telephone or address; never a private one.
        valid_from: First day of its existence; None if it always existed.
        valid_to: Last day of its existence (inclusive); None if it has no end.
    """

    name: str
    level: str
    parent: str = ""
    jurisdiction: str = ""
    function: str = ""
    duties: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    contact: str = ""

    def valid_on(self, day: date) -> bool:
        """Say whether the unit exists on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)
