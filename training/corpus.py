"""Reads the annotated corpora that the base bundle learns from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.event_metrics import GoldEvent, IgnoredPairs, ignored_pairs
from triage.appeal import Appeal
from triage.document import Document, read_document
from triage.errors import TrainingError
from triage.io.readers import read_rows
from triage.naming import parse_unit_name

ANNOTATED, HOTLINE, TICKETS = "annotated", "hotline", "tickets"


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One labelled appeal; a label is None or empty where its corpus does not have it.

    Attributes:
        document: As the models read it.
        source: `ANNOTATED`, `HOTLINE` or `TICKETS`.
        group: Near-duplicates and same events share it; folds never split it.
        function: Lead function.
        functions: All functions that could act, the lead first; empty where only the lead is known.
        l1: First-level category.
        l2: Second-level category.
        type: 投诉, 求助 …
        risk: 0 … 4.
        factors: Risk factors.
        evidence: Verbatim quotes that justify the level.
        emergency: Someone must act within about two hours.
        unit: The handling unit (`TICKETS` only).
        ticket_type: The city's own type of a ticket (`TICKETS` only; most have none).
        judged_pass: Annotation pass (1, 2, 3); 0 where there is none.
    """

    document: Document
    source: str
    group: str
    function: str = ""
    functions: tuple[str, ...] = ()
    l1: str = ""
    l2: str = ""
    type: str = ""
    risk: int | None = None
    factors: frozenset[str] = frozenset()
    evidence: tuple[str, ...] = ()
    emergency: bool | None = None
    unit: str = ""
    ticket_type: str = ""
    judged_pass: int = 0


@dataclass(frozen=True, slots=True)
class Petition:
    """A letter of which only the first-level topic is known, in another scheme than the annotated ones."""

    document: Document
    topic: str


@dataclass(frozen=True, slots=True)
class EventCorpus:
    """The message stream and which of its messages are about the same event."""

    messages: tuple[Appeal, ...]
    events: tuple[GoldEvent, ...]
    ignored: IgnoredPairs


def read_annotated(corpus: Path) -> list[Example]:
    """Read annotated/appeals.jsonl."""
    examples = []
    for record in _records(corpus / "annotated" / "appeals.jsonl"):
        examples.append(
            Example(
                document=_document(record),
                source=ANNOTATED,
                group=f"a{record['group']}",
                function=record["dept"][0] if record["dept"] else "",
                functions=tuple(record["dept"]),
                l1=record["l1"],
                l2=record["l2"],
                type=record["type"],
                risk=int(record["risk"]),
                factors=frozenset(record["factors"]),
                evidence=tuple(record["evidence"]),
                judged_pass=int(record["pass"]),
            )
        )
    return examples


def read_hotline(corpus: Path) -> list[Example]:
    """Read annotated/hotline_risk.jsonl; equal texts form a group."""
    examples = []
    for record in _records(corpus / "annotated" / "hotline_risk.jsonl"):
        document = _document(record)
        examples.append(
            Example(
                document=document,
                source=HOTLINE,
                group=f"h{document.content.text}",
                type=record["type"],
                risk=int(record["risk"]),
                factors=frozenset(record["factors"]),
                evidence=tuple(record["evidence"]),
                emergency=bool(record["emergency"]),
                judged_pass=int(record["pass"]),
            )
        )
    return examples


def read_tickets(path: Path) -> list[Example]:
    """Read routed tickets; the function is read off the unit's name, equal texts form a group."""
    examples = []
    for row in read_rows(path):
        unit = row.text("unit")
        if unit:
            document = read_document(row.appeal)
            function = parse_unit_name(unit).function
            examples.append(
                Example(
                    document=document,
                    source=TICKETS,
                    group=f"t{document.content.text}",
                    function=function,
                    unit=unit,
                    ticket_type=row.text("type"),
                )
            )
    return examples


def read_unlabelled(corpus: Path) -> list[Document]:
    """Read the messages that only teach which n-grams are common."""
    files = (
        "appeals7/train.csv",
        "appeals7/unlabelled.csv",
        "messages2019/messages.csv",
        "replies/messages_with_replies.csv",
    )
    return [read_document(row.appeal) for name in files for row in read_rows(corpus / name)]


def read_petitions(corpus: Path) -> list[Petition]:
    """Read the letters of appeals7 that have a first-level topic."""
    rows = read_rows(corpus / "appeals7" / "train.csv")
    return [Petition(read_document(row.appeal), row.text("l1")) for row in rows if row.text("l1")]


def read_events(corpus: Path) -> EventCorpus:
    """Read messages2019 and same_event."""
    messages = tuple(row.appeal for row in read_rows(corpus / "messages2019" / "messages.csv"))
    events = tuple(GoldEvent.from_record(record) for record in _records(corpus / "same_event" / "events.jsonl"))
    pairs = json.loads((corpus / "same_event" / "ignore_pairs.json").read_text(encoding="utf-8"))
    return EventCorpus(messages, events, ignored_pairs(pairs))


def _document(record: dict[str, Any]) -> Document:
    return read_document(Appeal(id=str(record["id"]), title=record.get("title") or "", content=record["content"]))


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise TrainingError(f"{path}, line {number}: not JSON; fetch the corpus again") from error
    except OSError as error:
        raise TrainingError(f"{path} cannot be read; --corpus must name the folder of the corpora") from error
