"""``python -m benchmarks.month``: four weeks of a hotline whose people correct a share of the decisions and train weekly.

A real store, the real use cases and a clock that is moved. The city brings handled tickets of the eight weeks before, from
which its first bundle learns. Then appeals arrive through the day and are decided by the bundle that is active, units send
wrong automatic dispatches back, people look at a share of the day's decisions, and at the end of a week
``triage train --from-store`` (its function, that is) learns from those tickets and from what people did; the new bundle is
promoted unless it is worse. Beside it the first bundle decides the same appeals, as if nobody had trained again. See
`benchmarks.month_texts` for what the appeals are and `benchmarks.month_people` for what people do.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from benchmarks.month_people import DISPATCHER, People, Seen
from benchmarks.month_texts import DAYS, PAST, Storyteller, Told
from models.abstention import lower_bound
from training.config import CONFIGS, LocalRecipe, load_recipe
from training.from_store import Course, learn, save
from training.local_stack import Ticket
from training.metrics import wilson
from triage.casework import bundles, unit_lists
from triage.casework.bundle_watch import BundleLoader, BundleWatcher
from triage.casework.bundles import Shelf
from triage.casework.desk import ActiveTriage, open_desk
from triage.casework.dispatch_policy import ON, Policy
from triage.casework.dispatching import releasing
from triage.casework.intake import NewAppeal
from triage.casework.learning.drift import drift
from triage.casework.learning.labels import lessons
from triage.casework.receive import Receipt, receive_many
from triage.document import read_document
from triage.rules.deadlines import CHINA
from triage.samples import sample_path
from triage.store import dispatches, schema
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.errors import StateConflict
from triage.store.opening import Store, open_store
from triage.store.settings import StoreSettings

FIRST = datetime(2026, 11, 30, 8, 0, tzinfo=CHINA)
"""A Monday, so that a week of the simulation is one of the calendar."""
WEEK = 7
_SITTING = 50
"""Appeals received together; the clock moves between sittings."""
_RECALL = timedelta(minutes=10)
WRONGLY_HANDLED = 0.01
"""Share of the handled tickets whose unit is a wrong one."""


class Clock:
    """Tells the simulated time."""

    def __init__(self) -> None:
        """Begin before the first morning."""
        self.now = FIRST - timedelta(hours=1)

    def __call__(self) -> datetime:
        """Return it."""
        return self.now


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What is simulated.

    Attributes:
        history: Handled tickets of the weeks before; none makes the city begin with the shipped models alone.
        appeals: A day.
        share: Of the decisions that people look at.
        by_value: Share of these looks that follow the queue of learning.
        target: Precision that automatic dispatch must reach.
        seed: Of stories and people. Ids and the store's key are drawn anew each time, and with them the checks of the
            automatic dispatch, so that runs of one seed differ a little.
    """

    history: int = 1_200
    appeals: int = 80
    share: float = 0.15
    by_value: float = 0.25
    target: float = 0.95
    seed: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Week:
    """How a week went.

    Attributes:
        number: 1 … 4.
        bundle: What decided; empty stands for the shipped one.
        n: Appeals.
        right: First proposals that were right.
        first_right: First proposals that the bundle of the first day would have had right.
        new: Appeals about matters that nobody had told before that week.
        new_right: Of these, first proposals that were right.
        automatic: Dispatched by the machine.
        automatic_right: Of these, to the right unit.
        looked: Decisions that a person looked at.
        changed: Of these, sent elsewhere than proposed.
        erred: Of these, decided wrongly.
        returned: Automatic dispatches sent back by the unit.
        aside: Originals that are never told, judged by the week's bundle.
        aside_right: Of these, first proposals that are right.
        promoted: What the weekly training came to.
        seconds: Of the training, with its rehearsal.
    """

    number: int
    bundle: str
    n: int
    right: int
    first_right: int
    new: int
    new_right: int
    automatic: int
    automatic_right: int
    looked: int
    changed: int
    erred: int
    returned: int
    aside: int
    aside_right: int
    promoted: str
    seconds: float


class Month:
    """A month under way."""

    def __init__(self, store: Store, folder: Path, choices: Choices) -> None:
        """Open the desk with the shipped models and the samples' list of units.

        Args:
            store: Empty.
            folder: For bundles.
            choices: What is simulated.
        """
        self.choices, self.folder, self.clock = choices, folder, Clock()
        self.stories = Storyteller(seed=choices.seed)
        self.recipe = load_recipe(CONFIGS / "local.toml", LocalRecipe)
        loader = BundleLoader(store.database, folder / "cache", precision=choices.target)
        unit_lists.apply_units(store.database, SYSTEM, sample_path("units.csv"), at=self.clock())
        loaded = loader.present()
        policy = Policy(mode=ON, recall=_RECALL, target=choices.target)
        self.desk = open_desk(
            store.database, loaded.active, secret=store.secret, clock=self.clock, words=loader.words, dispatch=policy
        )
        self.shelf = Shelf(desk=self.desk, watcher=BundleWatcher(self.desk.current, loader, loaded.generation))
        self.people = People(desk=self.desk, by_value=choices.by_value, rng=random.Random(choices.seed + 1))
        self.told = 0
        self.heard: set[str] = set()
        self.history = self._handled()
        if self.history:
            self._train(0)
        self.first = self.desk.current()

    def week(self, number: int) -> Week:
        """Live through a week and train at its end."""
        bundle, before = self.desk.current().bundle, asdict(self.people.work)
        aside_right = self._right(self.stories.aside, self.desk.current())
        days = [self._day(WEEK * (number - 1) + day) for day in range(WEEK)]
        seen = [one for day in days for one in day.values()]
        new = [one for one in seen if one.told.original not in self.heard]
        self.heard |= {one.told.original for one in seen}
        automatic = [one for one in seen if one.automatic]
        start = time.perf_counter()
        promoted = self._train(number)
        seconds = time.perf_counter() - start
        after = asdict(self.people.work)
        return Week(
            number=number,
            bundle=bundle,
            n=len(seen),
            right=sum(one.right for one in seen),
            first_right=self._right([one.told for one in seen], self.first),
            new=len(new),
            new_right=sum(one.right for one in new),
            automatic=len(automatic),
            automatic_right=sum(one.right for one in automatic),
            **{name: after[name] - before[name] for name in after},
            aside=len(self.stories.aside),
            aside_right=aside_right,
            promoted=promoted,
            seconds=round(seconds, 1),
        )

    def _day(self, day: int) -> dict[UUID, Seen]:
        morning = FIRST + timedelta(days=day)
        told = [self.stories.tell(self.told + k, day=day) for k in range(self.choices.appeals)]
        self.told += len(told)
        found: dict[UUID, Seen] = {}
        for at in range(0, len(told), _SITTING):
            self.clock.now = morning + timedelta(hours=9) * (at / len(told))
            found |= self._receive(told[at : at + _SITTING])
        self.clock.now = morning + timedelta(hours=10)
        releasing.watch(self.desk)
        sent = self._sent(found)
        found = {id_: Seen(told=s.told, candidates=s.candidates, automatic=id_ in sent) for id_, s in found.items()}
        self.people.evening(found, looks=round(self.choices.share * len(found)))
        return found

    def _receive(self, told: Sequence[Told]) -> dict[UUID, Seen]:
        new = [
            NewAppeal(
                content=one.appeal.content,
                title=one.appeal.title,
                address=one.appeal.address,
                user=f"{one.appeal.user}-{one.appeal.id}",  # told again, it is another person who tells it
                channel="模拟",
                reference=one.appeal.id,
            )
            for one in told
        ]
        found = {}
        for one, receipt in zip(told, receive_many(self.desk, DISPATCHER, new), strict=True):
            assert isinstance(receipt, Receipt), receipt
            names = tuple(candidate["name"] for candidate in receipt.decision_record["unit"]["candidates"])
            found[receipt.appeal_id] = Seen(told=one, candidates=names, automatic=False)
        return found

    def _sent(self, found: Mapping[UUID, Seen]) -> set[UUID]:
        """Return what the machine dispatched."""
        table = schema.dispatching.dispatches.c
        statement = select(table.appeal_id).where(table.appeal_id.in_(list(found)), table.outcome == dispatches.SENT)
        with self.desk.database.transaction(EVERYWHERE) as connection:
            return set(connection.execute(statement).scalars())

    def _handled(self) -> list[Ticket]:
        """Return the tickets of the weeks before; in one of a hundred the unit is a wrong one, as in any history."""
        rng, names = random.Random(self.choices.seed + 2), [unit.name for unit in self.stories.directory.units]
        found = []
        for k in range(self.choices.history):
            ago = PAST * (1 - k / self.choices.history)
            told = self.stories.tell(self.told, day=-math.ceil(ago))
            self.told += 1
            self.heard.add(told.original)
            appeal = replace(told.appeal, created_at=FIRST - timedelta(days=ago))
            found.append(
                Ticket(read_document(appeal), rng.choice(names) if rng.random() < WRONGLY_HANDLED else told.unit)
            )
        return found

    @staticmethod
    def _right(told: Sequence[Told], active: ActiveTriage) -> int:
        """Return how many appeals a bundle gives to the right unit; nothing is stored."""
        triage, right = active.triage, 0
        for at in range(0, len(told), _SITTING):
            part = told[at : at + _SITTING]
            decided = triage.decide_readings(triage.read([one.appeal for one in part]))
            firsts = [decision.unit.candidates[0].name if decision.unit.candidates else "" for decision in decided]
            right += sum(unit == one.unit for unit, one in zip(firsts, part, strict=True))
        return right

    def _train(self, number: int) -> str:
        """Train on what people decided, and promote; returns the comparison in words."""
        self.clock.now += timedelta(hours=4)
        learned = learn(self.shelf, lessons(self.desk, SYSTEM), Course(recipe=self.recipe, history=self.history))
        folder = self.folder / f"week{number}"
        save(learned, folder, figures={"held_out": {}})
        stored = bundles.upload_folder(self.shelf, SYSTEM, folder)
        try:
            done = bundles.promote(self.shelf, SYSTEM, stored.id)
        except StateConflict as error:
            return f"kept the former: {error}"
        beside = done.comparison
        if beside is None or beside.candidate is None or beside.active is None:
            return "promoted, nothing to compare on"
        shares = f"{beside.active.top1:.3f} → {beside.candidate.top1:.3f} (n {beside.n})"
        return f"promoted: {shares}{', rehearsed' if beside.rehearsed else ''}"


def run(choices: Choices, *, report: Path | None = None) -> list[Week]:
    """Live through the month.

    Args:
        choices: What is simulated.
        report: Where the last drift report is written, JSON; None: nowhere.
    """
    with tempfile.TemporaryDirectory(prefix="triage-") as scratch:
        folder = Path(scratch)
        with open_store(StoreSettings(data=folder / "data")) as store:
            month = Month(store, folder, choices)
            weeks = []
            for number in range(1, DAYS // WEEK + 1):
                weeks.append(month.week(number))
                print(weeks[-1], flush=True)
            if report is not None:
                found = asdict(drift(month.desk, SYSTEM, days=WEEK, before=DAYS - WEEK))
                report.write_text(json.dumps(found, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    return weeks


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the month and print a row per week."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.month", description=__doc__)
    standard = Choices()
    parser.add_argument("--history", type=int, default=standard.history, help="handled tickets of the weeks before")
    parser.add_argument("--appeals", type=int, default=standard.appeals, help="appeals a day")
    parser.add_argument("--share", type=float, default=standard.share, help="share of decisions that people look at")
    parser.add_argument(
        "--by-value", type=float, default=standard.by_value, help="share of these looks by the learning queue"
    )
    parser.add_argument("--seed", type=int, default=standard.seed)
    parser.add_argument("-o", "--output", type=Path, default=None, help="the weeks as JSON")
    parser.add_argument("--drift", type=Path, default=None, help="the last drift report as JSON")
    chosen = parser.parse_args(arguments)
    choices = Choices(
        history=chosen.history,
        appeals=chosen.appeals,
        share=chosen.share,
        by_value=chosen.by_value,
        seed=chosen.seed,
    )
    start = time.perf_counter()
    weeks = run(choices, report=chosen.drift)
    minutes = (time.perf_counter() - start) / 60
    if chosen.output is not None:
        record: dict[str, Any] = {"choices": asdict(choices), "weeks": [asdict(week) for week in weeks]}
        chosen.output.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    _show(weeks, f"{date.today().isoformat()}, {choices}, {minutes:.1f} min")  # noqa: DTZ011


def _show(weeks: Sequence[Week], title: str) -> None:
    """Print one table of figures, one of what people did, and the month's automatic dispatch."""
    screen = Console(width=160)
    figures = Table(
        "week", "top-1", "by the first bundle", "new matters", "put aside", title=title, title_justify="left"
    )
    work = Table("week", "automatic", "its precision", "looked at", "changed", "wrongly", "returned", "training")
    for week in weeks:
        number = str(week.number)
        figures.add_row(
            number,
            _share(week.right, week.n),
            _share(week.first_right, week.n),
            _share(week.new_right, week.new),
            _share(week.aside_right, week.aside),
        )
        counts = (week.looked, week.changed, week.erred, week.returned)
        precision = _precision(week.automatic_right, week.automatic)
        work.add_row(number, f"{week.automatic / week.n:.1%}", precision, *map(str, counts), week.promoted)
    screen.print(figures)
    screen.print(work)
    right, sent = sum(week.automatic_right for week in weeks), sum(week.automatic for week in weeks)
    screen.print(f"automatic dispatch, whole month: {_precision(right, sent)}")


def _share(right: int, n: int) -> str:
    if not n:
        return "—"
    low, high = wilson(right, n)
    return f"{right / n:.3f} ({low:.3f}–{high:.3f}, n {n:,})"


def _precision(right: int, n: int) -> str:
    return f"{right / n:.3f} (n {n:,}, lower bound {lower_bound(right, n):.3f})" if n else "—"


if __name__ == "__main__":
    main()
