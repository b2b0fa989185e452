"""Reads every corpus for the encoder and takes out what it may not see."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from training.config import CONFIGS
from training.corpus import Example, Petition, read_annotated, read_events, read_hotline, read_petitions
from training.encoder.held_out import HeldOut, in_fixed_fold
from training.word_fit import read_background
from triage.appeal import Appeal
from triage.document import Document, read_document
from triage.io.readers import Row, read_rows
from triage.naming import parse_unit_name

TITLE, REPLY, TICKET, EVENT, GENERAL = "title", "reply", "ticket", "event", "general"
"""Kinds of pairs."""

_MESSAGES = ("messages2019/messages.csv", "appeals7/train.csv", "appeals7/unlabelled.csv")
_REPLIES = "replies/messages_with_replies.csv"
_TICKETS = "haikou12345/tickets_train.csv"
_UNROUTED = "haikou12345/tickets_without_unit.csv"
DEV_TICKETS, DEV_PETITIONS = "haikou12345/tickets_dev.csv", "appeals7/dev.csv"

_LEAST_TITLE = 6
"""Shorter titles (反映问题) fit any text."""

_ALIKE = {"afqmc": 1.0, "atec": 1.0, "qbqtc": 2.0, "stsb": 4.0}
"""Source → least label of sentences that mean the same."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One routed ticket, as `Example` has it, with what makes a hard negative.

    Attributes:
        example: Without title, since the tickets to come have none.
        kind: The city's own category.
        date: ISO date by which tickets are ordered.
    """

    example: Example
    kind: str
    date: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that belong together, and perhaps one that only looks like it."""

    anchor: str
    positive: str
    negative: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """What training may see, and what it is judged on.

    Attributes:
        letters: Annotated letters outside the fixed fold.
        calls: Hotline tickets with a risk level, likewise.
        tickets: Routed tickets, oldest first; only the earliest ones carry a unit, those of the hidden units never.
        petitions: Letters with a first-level topic of another scheme.
        appeals: All appeals, labelled or not, for the language model.
        background: Lines of other kinds.
        pairs: Kind → pairs, without those of tickets and events that are made from labels.
        held_letters: The fixed fold.
        held_calls: Hotline tickets of the fixed fold, and those that are dev tickets.
        left_out: Texts that were dropped, by reason.
    """

    letters: Sequence[Example]
    calls: Sequence[Example]
    tickets: Sequence[Ticket]
    petitions: Sequence[Petition]
    appeals: Sequence[str]
    background: Sequence[str]
    pairs: dict[str, list[Pair]]
    held_letters: Sequence[Example]
    held_calls: Sequence[Example]
    left_out: dict[str, int]


def read_pool(corpus: Path, *, unit_share: float) -> Pool:
    """Read the corpora.

    Args:
        corpus: Their folder.
        unit_share: Share of the tickets, the earliest, whose units are learned.
    """
    annotated, hotline = read_annotated(corpus), read_hotline(corpus)
    held_letters = [example for example in annotated if in_fixed_fold(example.group)]
    dev = [read_document(row.appeal).content.text for row in read_rows(corpus / DEV_TICKETS)]
    dev_keys = HeldOut.of([], dev)
    held_calls = [e for e in hotline if in_fixed_fold(e.group) or dev_keys.holds(e.document.content.text)]
    petitions_dev = [read_document(row.appeal) for row in read_rows(corpus / DEV_PETITIONS)]
    letters_out = [d.content.text for d in (*(e.document for e in held_letters), *petitions_dev)]
    held = HeldOut.of(letters_out, [*dev, *(e.document.content.text for e in held_calls)])
    return _Reader(corpus, held).pool(annotated, hotline, held_letters, held_calls, unit_share=unit_share)


class _Reader:
    """Reads with one set of held-out texts and counts what it drops."""

    def __init__(self, corpus: Path, held: HeldOut) -> None:
        self._corpus = corpus
        self._held = held
        self._left_out: dict[str, int] = defaultdict(int)
        self._appeals: dict[str, None] = {}

    def pool(
        self,
        annotated: Sequence[Example],
        hotline: Sequence[Example],
        held_letters: Sequence[Example],
        held_calls: Sequence[Example],
        *,
        unit_share: float,
    ) -> Pool:
        """Return everything; the first thing read is the first to enter the language model's texts."""
        out = {id(example) for example in (*held_letters, *held_calls)}
        letters = self._free("letters", [e for e in annotated if id(e) not in out])
        calls = self._free("calls", [e for e in hotline if id(e) not in out])
        tickets = self._tickets(unit_share)
        petitions = [p for p in read_petitions(self._corpus) if self._is_free("petitions", p.document)]
        pairs: dict[str, list[Pair]] = {TITLE: [], REPLY: [], GENERAL: self._general()}
        for name in (*_MESSAGES, _REPLIES, _TICKETS, _UNROUTED):
            self._messages(name, pairs)
        pairs[EVENT] = self._events()
        background = [line for line in read_background(self._corpus) if self._keep("background", line)]
        return Pool(
            letters=letters,
            calls=calls,
            tickets=tickets,
            petitions=petitions,
            appeals=list(self._appeals),
            background=background,
            pairs=pairs,
            held_letters=held_letters,
            held_calls=held_calls,
            left_out=dict(self._left_out),
        )

    def _keep(self, reason: str, text: str) -> bool:
        if self._held.holds(text):
            self._left_out[reason] += 1
            return False
        return True

    def _is_free(self, reason: str, document: Document) -> bool:
        if not self._keep(reason, document.content.text):
            return False
        self._appeals[document.text] = None
        return True

    def _free(self, reason: str, examples: Sequence[Example]) -> list[Example]:
        return [example for example in examples if self._is_free(reason, example.document)]

    def _tickets(self, unit_share: float) -> list[Ticket]:
        rows = sorted(read_rows(self._corpus / _TICKETS), key=lambda row: row.text("created_date"))
        taught, hidden = round(len(rows) * unit_share), _hidden_units()
        tickets = []
        for number, row in enumerate(rows):
            document = read_document(replace(row.appeal, title=""))
            if row.text("unit") and self._is_free("tickets", document):
                tickets.append(_ticket(row, document, taught=number < taught and row.text("unit") not in hidden))
        return tickets

    def _messages(self, name: str, pairs: dict[str, list[Pair]]) -> None:
        for row in read_rows(self._corpus / name):
            document = read_document(row.appeal)
            if not self._is_free("messages", document):
                continue
            title, content = document.title.text, document.content.text
            if len(title) >= _LEAST_TITLE and title not in content:
                pairs[TITLE].append(Pair(title, content))
            if name == _REPLIES and row.text("reply"):
                reply = read_document(Appeal(id="reply", title="", content=row.text("reply"))).content.text
                pairs[REPLY].append(Pair(document.text, reply))
                self._appeals[reply] = None

    def _events(self) -> list[Pair]:
        corpus = read_events(self._corpus)
        documents = {message.id: read_document(message) for message in corpus.messages}
        members: dict[str, list[Document]] = defaultdict(list)
        for gold in corpus.events:
            if gold.id in documents and not gold.ambiguous:
                members[gold.event].append(documents[gold.id])
        pairs = []
        for group in members.values():
            if not all(self._keep("events", document.content.text) for document in group):
                continue
            # A chain and not all pairs: the largest event has 56 messages, which would be half of everything.
            pairs += [Pair(a.text, b.text) for a, b in pairwise(group)]
        return pairs

    def _general(self) -> list[Pair]:
        pairs = []
        for row in _csv_rows(self._corpus / "pairs" / "pairs.csv.gz"):
            if float(row["label"] or 0) >= _ALIKE.get(row["source"].partition("-")[0], 9.0):
                pairs.append(Pair(_plain(row["a"]), _plain(row["b"])))
        entailed: dict[str, str] = {}
        contradicted: dict[str, str] = {}
        for row in _csv_rows(self._corpus / "pairs" / "nli.csv.gz"):
            target = {"entailment": entailed, "contradiction": contradicted}.get(row["label"])
            if target is not None:
                target[_plain(row["a"])] = _plain(row["b"])
        return pairs + [Pair(a, b, contradicted.get(a, "")) for a, b in entailed.items()]


def ticket_pairs(tickets: Sequence[Ticket], choose: Callable[[int], int]) -> list[Pair]:
    """Pair each ticket with another one of its unit and area; the negative is of the same kind and another unit.

    Args:
        tickets: Those without a unit are passed over.
        choose: n → a random number below n.
    """
    taught = [ticket for ticket in tickets if ticket.example.unit]
    by_unit, by_kind = _grouped(taught, lambda t: t.example.unit), _grouped(taught, lambda t: t.kind)
    pairs = []
    for ticket in taught:
        others = by_unit[ticket.example.unit]
        positive = others[choose(len(others))]
        alike = by_kind[ticket.kind]
        tries = (alike[choose(len(alike))] for _ in range(5))
        negative = next((t for t in tries if t.example.unit != ticket.example.unit), None)
        if positive is not ticket and negative is not None:
            texts = (t.example.document.text for t in (ticket, positive, negative))
            pairs.append(Pair(*texts))
    return pairs


def _grouped(tickets: Iterable[Ticket], key: Callable[[Ticket], str]) -> dict[str, list[Ticket]]:
    groups: dict[str, list[Ticket]] = defaultdict(list)
    for ticket in tickets:
        groups[key(ticket)].append(ticket)
    return groups


def _ticket(row: Row, document: Document, *, taught: bool) -> Ticket:
    unit = row.text("unit")
    name = parse_unit_name(unit)
    example = Example(
        document=document,
        source="tickets",
        group=f"t{document.content.text}",
        function=name.function if taught else "",
        unit=unit if taught else "",
        ticket_type=row.text("type"),
    )
    kind = "/".join(row.text(column) for column in ("cat1", "cat2", "cat3"))
    return Ticket(example, kind, row.text("created_date"))


def _hidden_units() -> frozenset[str]:
    """Return the units whose tickets teach nobody: they are judged as units without any history."""
    with (CONFIGS / "hidden_units.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["name"] for row in csv.DictReader(file))


def _csv_rows(path: Path) -> Iterable[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _plain(text: str) -> str:
    return read_document(Appeal(id="pair", title="", content=text), strip=False).text
