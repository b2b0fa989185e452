"""The pages of the console in the order of the rail, and who sees them."""

from __future__ import annotations

from dataclasses import dataclass

from triage.casework import rights
from triage.store.access import Actor


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the rail.

    Attributes:
        path: Below ``/console/``.
        name: What it is called.
        icon: Name of its symbol in ``icons.svg`` of the templates.
        right: Who sees it.
        key: Second key of the shortcut: ``g`` and this one.
        group: Entries of one group stand together.
    """

    path: str
    name: str
    icon: str
    right: str
    key: str
    group: int = 0

    @property
    def address(self) -> str:
        """Return the address of the page."""
        return f"/console/{self.path}"


ENTRIES = (
    Entry("queue", "收件台", "inbox", "appeal.read", "s"),
    Entry("alerts", "预警", "alert", "alert.read", "y"),
    Entry("events", "同类诉求", "event", "event.read", "t"),
    Entry("overview", "态势", "overview", "report.read", "d", 1),
    Entry("reports", "报告", "report", "report.read", "b", 1),
    Entry("directory", "目录", "directory", "unit.read", "m", 2),
    Entry("models", "模型", "model", "bundle.read", "x", 2),
    Entry("audit", "审计", "audit", "audit.read", "j", 3),
    Entry("people", "用户与密钥", "people", "people.change", "u", 3),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as the rail shows it."""

    entry: Entry
    here: bool


def entries_for(actor: Actor, *, at: str) -> list[Shown]:
    """Return the entries that the actor may open; ``at`` is the path of the present page."""
    return [
        Shown(entry, at == entry.address or at.startswith(f"{entry.address}/"))
        for entry in ENTRIES
        if rights.may(actor, entry.right)
    ]
