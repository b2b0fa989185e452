"""`triage train --from-store`: learns from what people decided about the appeals of a store.

Nothing verbatim ends in the bundle: texts are masked before they are counted, n-grams of fewer than three texts are
dropped, and only checksums of the whole remain (`training.local.save_local`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from training.card import local_card
from training.config import LocalRecipe
from training.local import MIN_TICKETS, Progress, save_local, train_local
from training.local_stack import Ticket
from triage.base_model import BaseModel
from triage.casework import evaluation
from triage.casework.bundles import Shelf
from triage.casework.desk import activate
from triage.casework.evaluation import Comparison
from triage.casework.learning.labels import Lesson, Lessons
from triage.directory import Directory
from triage.document import read_document
from triage.errors import InputError
from triage.routing.local import UNIT, LocalModel
from triage.second_opinion import load_shipped_encoder
from triage.service import Triage

REHEARSED_SHARE = 0.2
LEAST_REHEARSED, MOST_REHEARSED = 50, 500
"""The latest decisions that a rehearsal leaves out and is compared on; never more than half of all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How to train.

    Attributes:
        recipe: Settings.
        strip: Drop call-takers' instructions.
        titles: Use titles.
        history: Tickets of a file, from before the store; may be empty.
        encoder: Whether the network reads the shipped encoder's vectors too.
    """

    recipe: LocalRecipe
    strip: bool = True
    titles: bool = True
    history: Sequence[Ticket] = ()
    encoder: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """A model of people's decisions.

    Attributes:
        model: It learned from all of them.
        tickets: What it learned from.
        rehearsal: How the same training did on the latest decisions when it had not seen them, beside the deciding bundle;
            None where there were too few.
    """

    model: LocalModel
    tickets: tuple[Ticket, ...]
    rehearsal: Comparison | None


def learn(shelf: Shelf, lessons: Lessons, course: Course, *, progress: Progress | None = None) -> Learned:
    """Rehearse, then train on everything.

    The latest decisions are what a bundle should be judged by, and what it should learn from. So the training runs twice:
    once without them, compared with the deciding bundle on those that neither has seen, then with them.

    Args:
        shelf: The store with the models that decide there.
        lessons: What people decided.
        course: How to train.
        progress: Called with (steps done, steps in all) of each of the two.

    Raises:
        InputError: There is too little to learn from.
    """
    base = _base(shelf)
    older, latest = _parted(lessons.rows, seen=evaluation.learned_until(shelf.desk.current()))
    rehearsal = None
    if len(latest) >= evaluation.ENOUGH and _enough([*course.history, *_tickets(older, course)]):
        trial = _trained(_tickets(older, course), lessons.directory, course, base=base, progress=progress)
        rehearsal = _rehearsed(shelf, trial, latest)
    tickets = _tickets(lessons.rows, course)
    model = _trained(tickets, lessons.directory, course, base=base, progress=progress)
    kept = replace(model, learned_until=lessons.until)
    return Learned(model=kept, tickets=(*course.history, *tickets), rehearsal=rehearsal)


def save(learned: Learned, folder: Path, *, figures: dict[str, Any]) -> None:
    """Write the bundle, with the rehearsal in its manifest for whoever promotes it."""
    metrics = dict(figures)
    if learned.rehearsal is not None:
        metrics["rehearsal"] = learned.rehearsal.to_record()
    name = f"{folder.name}-{UNIT}"
    save_local(learned.model, folder, name=name, tickets=learned.tickets, metrics=metrics, card=local_card)


def _base(shelf: Shelf) -> BaseModel:
    triage = shelf.desk.current().triage
    if not isinstance(triage, Triage):
        raise InputError("现用模型无法继续训练；请先回退到自带模型")
    return triage.base


def _parted(rows: Sequence[Lesson], *, seen: datetime | None) -> tuple[Sequence[Lesson], Sequence[Lesson]]:
    """Return the older decisions, and the latest ones that the deciding bundle has not learned from."""
    wanted = max(round(len(rows) * REHEARSED_SHARE), LEAST_REHEARSED)
    size = min(wanted, MOST_REHEARSED, len(rows) // 2)
    at = len(rows) - size
    return rows[:at], [row for row in rows[at:] if seen is None or row.label.first_at > seen]


def _tickets(rows: Sequence[Lesson], course: Course) -> list[Ticket]:
    found = []
    for row in rows:
        appeal = row.appeal if course.titles else replace(row.appeal, title="")
        found.append(Ticket(read_document(appeal, strip=course.strip), row.unit))
    return found


def _enough(tickets: Sequence[Ticket]) -> bool:
    return len(tickets) >= MIN_TICKETS and len({ticket.answer for ticket in tickets}) > 1


def _trained(
    tickets: Sequence[Ticket],
    directory: Directory | None,
    course: Course,
    *,
    base: BaseModel,
    progress: Progress | None,
) -> LocalModel:
    everything = [*course.history, *tickets]
    if not _enough(everything):
        raise InputError(
            f"可供学习的人工派单只有 {len(everything)} 件，至少需要 {MIN_TICKETS} 件、两个以上单位；"
            "请先确认或改派更多诉求，或同时给出历史工单文件"
        )
    shipped = load_shipped_encoder() if course.encoder else None
    return train_local(
        everything,
        _taught(directory, everything),
        recipe=course.recipe,
        label=UNIT,
        strip=course.strip,
        base=base,
        encoder=shipped.encoder if shipped else None,
        progress=progress,
    )


def _taught(directory: Directory | None, tickets: Sequence[Ticket]) -> Directory | None:
    """Return the list without units that no ticket is of.

    A few hundred decisions leave most units without one. What the training has not heard of keeps the chance that its
    name, place and duties give it (`triage.routing.newcomers`); what it has heard of without a ticket would have none.
    """
    if directory is None:
        return None
    answers = {ticket.answer for ticket in tickets}
    return Directory(unit for unit in directory.units if unit.name in answers)


def _rehearsed(shelf: Shelf, trial: LocalModel, latest: Sequence[Lesson]) -> Comparison:
    present = shelf.desk.current()
    assert isinstance(present.triage, Triage)
    settings = replace(present.triage.settings, strip=trial.strip)
    model = replace(trial, version="rehearsal")
    triage = Triage(
        present.triage.base,
        local=model,
        directory=None,
        settings=settings,
        words=shelf.loader.words,
        encoder=present.triage.encoder,
    )
    challenger = shelf.loader.with_units(activate(triage))
    return evaluation.compare_on(challenger, present, [(row.appeal, row.unit) for row in latest])
