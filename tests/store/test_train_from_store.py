"""`triage train --from-store`: learns from what people decided, rehearses, and takes nothing verbatim along."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.month_texts import Storyteller
from models.bundle import load_bundle
from tests.store.filing import StandingClock, person, rows
from training.config import CONFIGS, LocalRecipe, load_recipe
from training.from_store import Course, learn, save
from triage.casework import bundles, review, unit_lists
from triage.casework.bundle_watch import BundleLoader, BundleWatcher
from triage.casework.bundles import Shelf
from triage.casework.desk import open_desk
from triage.casework.evaluation import learned_until
from triage.casework.intake import NewAppeal
from triage.casework.learning.labels import lessons
from triage.casework.receive import Receipt, receive_many
from triage.errors import InputError
from triage.samples import sample_path
from triage.store.access import SYSTEM
from triage.store.database import Database
from triage.store.errors import StateConflict
from triage.testing import PairCutter

SECRET = b"of a test, not a secret"
ADMIN, DISPATCHER = person("admin"), person("dispatcher")
PHONE = "13900001234"
COURSE = Course(recipe=replace(load_recipe(CONFIGS / "local.toml", LocalRecipe), max_features=20_000))


@pytest.fixture
def shelf(database: Database, tmp_path: Path) -> Shelf:
    """A store with the samples' list of units, the shipped models and a clock that stands."""
    clock = StandingClock(datetime(2026, 11, 30, 9, 0, tzinfo=UTC))  # some of the units are from July on
    unit_lists.apply_units(database, SYSTEM, sample_path("units.csv"), at=clock())
    loader = BundleLoader(database, tmp_path / "cache", words=PairCutter())
    loaded = loader.present()
    desk = open_desk(database, loaded.active, secret=SECRET, clock=clock, words=PairCutter())
    return Shelf(desk=desk, watcher=BundleWatcher(desk.current, loader, loaded.generation))


def decided(shelf: Shelf, count: int, *, begin: int = 0) -> None:
    """Let people decide appeals of the samples, all of them rightly."""
    stories = Storyteller(seed=3)
    told = [stories.tell(number, day=0) for number in range(begin + count)][begin:]
    new = [
        NewAppeal(
            content=f"{one.appeal.content}电话{PHONE}", title=one.appeal.title, reference=one.appeal.id, channel="x"
        )
        for one in told
    ]
    for one, receipt in zip(told, receive_many(shelf.desk, DISPATCHER, new), strict=True):
        assert isinstance(receipt, Receipt), receipt
        # What may not go down to a community by the admission list goes there by an express word only.
        review.reassign(shelf.desk, DISPATCHER, receipt.appeal_id, unit=one.unit, reason="按职责办理", override=True)


@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
def test_what_people_decided_is_learned_rehearsed_and_promoted(shelf: Shelf, tmp_path: Path) -> None:
    decided(shelf, 170)
    read = lessons(shelf.desk, ADMIN)
    assert len(read.rows) == 170
    learned = learn(shelf, read, COURSE)
    assert learned.model.learned_until == shelf.desk.clock()
    assert learned.rehearsal is not None
    assert (learned.rehearsal.n, learned.rehearsal.judged) == (50, True)
    assert {unit.name for unit in learned.model.directory.units} == {row.unit for row in read.rows}

    folder = tmp_path / "week1"
    save(learned, folder, figures={"held_out": {}})
    kept = b"".join(path.read_bytes() for path in folder.iterdir())
    assert PHONE.encode() not in kept
    assert not any(row.appeal.content[:20].encode() in kept for row in read.rows)
    manifest = load_bundle(folder).description
    assert manifest.metrics["rehearsal"]["n"] == 50
    assert json.dumps(manifest.metrics, ensure_ascii=False).count("电话") == 0

    stored = bundles.upload_folder(shelf, ADMIN, folder)
    done = bundles.promote(shelf, ADMIN, stored.id)
    assert done.comparison is not None
    assert (done.comparison.rehearsed, done.comparison.n) == (True, 50)
    assert learned_until(shelf.desk.current()) == shelf.desk.clock()
    # What it has learned is no longer what it is compared on.
    assert bundles.evaluate(shelf, ADMIN, stored.id).n == 0


@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
def test_a_rehearsal_that_was_worse_keeps_the_bundle_from_promotion(shelf: Shelf, tmp_path: Path) -> None:
    decided(shelf, 160)
    learned = learn(shelf, lessons(shelf.desk, ADMIN), COURSE)
    assert learned.rehearsal is not None
    assert learned.rehearsal.candidate is not None
    assert learned.rehearsal.active is not None
    poor = replace(
        learned.rehearsal,
        candidate=replace(learned.rehearsal.candidate, top1=0.1),
        active=replace(learned.rehearsal.active, top1=0.5),
        gained=0,
        lost=20,
    )
    folder = tmp_path / "poor"
    save(replace(learned, rehearsal=poor), folder, figures={"held_out": {}})
    stored = bundles.upload_folder(shelf, ADMIN, folder)
    with pytest.raises(StateConflict, match=r"首选准确率由 50\.0% 降为 10\.0%"):
        bundles.promote(shelf, ADMIN, stored.id)
    assert bundles.promote(shelf, ADMIN, stored.id, force=True, reason="试用一天").active == stored.name


def test_too_few_decisions_are_refused_with_the_number_that_is_needed(shelf: Shelf) -> None:
    decided(shelf, 5)
    with pytest.raises(InputError, match=r"可供学习的人工派单只有 5 件，至少需要 30 件"):
        learn(shelf, lessons(shelf.desk, ADMIN), COURSE)


def test_decisions_of_long_ago_are_left_out(shelf: Shelf) -> None:
    decided(shelf, 3)
    clock = shelf.desk.clock
    assert isinstance(clock, StandingClock)
    clock.pass_(days=100)
    assert len(lessons(shelf.desk, ADMIN, span=timedelta(days=90)).rows) == 0
    assert len(lessons(shelf.desk, ADMIN, span=timedelta(days=110)).rows) == 3
    assert [row["action"] for row in rows(shelf.desk.database, "audit")][-1] == "labels.read"
