"""What every section of a report is made with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass

from triage.reports.comparing import Comparer, Entry, ranked
from triage.reports.content import Count, Share
from triage.reports.material import NONE, Counts, Key, Material, Request, Work
from triage.reports.tracing import TraceBook
from triage.reports.wording import called


@dataclass(frozen=True, slots=True)
class Making:
    """The material of a report while it is made.

    Attributes:
        material: What was gathered.
        request: What is wanted.
        compare: Compares with the periods before.
        trace: Takes down every figure.
    """

    material: Material
    request: Request
    compare: Comparer
    trace: TraceBook

    @property
    def total(self) -> int:
        """Tickets of the period."""
        return self.material.total.now

    def table(
        self, name: str, *, section: str, keep: int | None = None, of: int | None = None, rows: Rows | None = None
    ) -> tuple[Count, ...]:
        """Return a table of compared counts, largest first, and take its figures down.

        Args:
            name: One of `triage.reports.material.GROUPINGS`; rows are called by its last column.
            section: Chinese name of the section.
            keep: Most rows; None: all.
            of: What shares are of; None: all tickets.
            rows: Only these rows of the table; None: all.
        """
        last = _LAST[name]
        entries = ranked(
            self.material.table(name) if rows is None else rows,
            lambda group: called(last, group[-1]),
            lambda group: key_of(name, group),
            keep=keep,
        )
        groups = {key_of(name, group): group for group in (self.material.table(name) if rows is None else rows)}
        for entry in entries:
            self.note(entry, section=section, table=name, group=groups[entry.key])
        return self.compare.counts(entries, total=self.total if of is None else of)

    def one(self, name: str, group: Key, *, section: str, label: str, of: int = 0) -> Count:
        """Return one compared count and take it down."""
        entry = Entry(label, key_of(name, group), self.material.table(name).get(group, NONE))
        self.note(entry, section=section, table=name, group=group)
        return self.compare.counts([entry], total=of)[0]

    def note(self, entry: Entry, *, section: str, table: str, group: Key) -> None:
        """Take down one figure of a table of counts."""
        self.trace.note_group(
            entry.key, section=section, label=entry.name, value=entry.counts.now, table=table, group=group
        )


Rows = Mapping[Key, Counts]

_LAST = {
    "channel": "channel",
    "type": "type",
    "district": "district",
    "street": "street",
    "l1": "l1",
    "l2": "l2",
    "district_l2": "l2",
    "unit": "unit",
}


def key_of(table: str, group: Key) -> str:
    """Return the name of a figure in the trace, such as ``l2:城乡建设/市政管理``."""
    return f"{table}:{'/'.join(group)}" if group else table


def note_work(making: Making, names: Set[str], *, section: str, of: str) -> None:
    """Take down what units or districts did, under keys such as ``unit.on_time:区城管局`` and ``unit.on_time:区城管局.whole``.

    Args:
        making: The report.
        names: Which of them.
        section: Chinese name of the section.
        of: ``unit`` or ``district``.
    """
    handling = making.material.handling
    if handling is None:
        return
    place = 1 if of == "unit" else 2
    ids: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for item in handling.items:
        if item[place] in names:
            ids[item[0], item[place]].append(item[3])
    for work in handling.units if of == "unit" else handling.districts:
        if work.name not in names:
            continue
        for rate, (part, whole, label) in RATES.items():
            key = f"{of}.{rate}:{work.name}"
            for kind, name, what in ((part, key, label), (whole, f"{key}.whole", f"{label}的基数")):
                making.trace.note_ids(
                    name,
                    section=section,
                    label=f"{work.name}{what}",
                    value=getattr(work, kind),
                    ids=ids[kind, work.name],
                )


RATES: Mapping[str, tuple[str, str, str]] = {
    "on_time": ("on_time", "due", "按期办结"),
    "returned": ("returned", "dispatched", "退单"),
    "satisfied": ("satisfied", "satisfied_of", "满意"),
    "finished": ("closed", "received", "办结"),
    "responded": ("responded", "responded_of", "响应"),
    "solved": ("solved", "solved_of", "解决"),
}
"""Rate → its part and its whole as fields of `triage.reports.material.Work`, and what the part is called."""


def share_of(work: Work, rate: str, *, of: str) -> Share:
    """Return a rate of a unit or district.

    Args:
        work: The unit or district.
        rate: One of `RATES`.
        of: ``unit`` or ``district``.
    """
    part, whole, _ = RATES[rate]
    return Share(part=getattr(work, part), whole=getattr(work, whole), key=f"{of}.{rate}:{work.name}")
