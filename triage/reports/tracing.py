"""The evidence: which tickets stand behind each figure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from triage.reports.content import Ticket, Trace, TracedNumber
from triage.reports.material import GROUPINGS, MOST_TRACED, Key, Material, Traced
from triage.reports.period import CHINA


class TraceBook:
    """Collects figures while a report is put together.

    Args:
        material: Whose tickets are the evidence.
    """

    def __init__(self, material: Material) -> None:
        self._tickets: list[Ticket] = [traced.ticket for traced in material.tickets]
        self._period = len(self._tickets)
        self._total = material.total.now
        known = {ticket.id for ticket in self._tickets}
        self._tickets.extend(ticket for ticket in material.others if ticket.id not in known)
        self._position = {ticket.id: position for position, ticket in enumerate(self._tickets)}
        self._index = _index(material.tickets)
        self._numbers: dict[str, TracedNumber] = {}
        self._missing = False

    def note_group(self, key: str, *, section: str, label: str, value: int, table: str, group: Key) -> None:
        """Add a figure of one of the tables of counts."""
        self._add(key, section, label, value=value, positions=self._index[table].get(group, ()))

    def note_ids(self, key: str, *, section: str, label: str, value: int, ids: Iterable[str]) -> None:
        """Add a figure that counts these tickets; the same ticket twice counts twice in the value and once here."""
        positions = {self._position[one] for one in ids if one in self._position}
        self._add(key, section, label, value=value, positions=sorted(positions))

    def close(self) -> Trace:
        """Return the evidence of all figures, in the order in which they were added."""
        complete = self._period >= self._total and not self._missing
        note = (
            "" if complete else f"诉求超过{MOST_TRACED}件，明细只列其中{len(self._tickets)}件；请缩小周期或按区划生成"
        )
        return Trace(tickets=tuple(self._tickets), numbers=tuple(self._numbers.values()), complete=complete, note=note)

    def _add(self, key: str, section: str, label: str, *, value: int, positions: Sequence[int]) -> None:
        if key in self._numbers:
            return
        if value and not positions:
            self._missing = True
        self._numbers[key] = TracedNumber(key=key, section=section, label=label, value=value, tickets=tuple(positions))


def group_of(traced: Traced, table: str) -> Key:
    """Return the row of a table that a ticket is counted in."""
    return tuple(_value(traced, column) for column in GROUPINGS[table])


def _index(tickets: Sequence[Traced]) -> dict[str, dict[Key, list[int]]]:
    found: dict[str, dict[Key, list[int]]] = {table: defaultdict(list) for table in GROUPINGS}
    for position, traced in enumerate(tickets):
        values = {column: _value(traced, column) for column in _COLUMNS}
        for table, columns in GROUPINGS.items():
            found[table][tuple(values[column] for column in columns)].append(position)
    return {table: dict(groups) for table, groups in found.items()}


def _value(traced: Traced, column: str) -> str:
    if column == "day":
        return traced.ticket.received_at.astimezone(CHINA).date().isoformat()
    if column == "risk":
        return str(traced.ticket.risk_level)
    if column in ("automatic", "closed"):
        mark: bool | None = getattr(traced, column)
        return "" if mark is None else str(int(mark))
    return str(getattr(traced.ticket, column))


_COLUMNS = tuple(dict.fromkeys(column for columns in GROUPINGS.values() for column in columns))
