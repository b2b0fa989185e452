"""Checks that need the real tickets; skipped where they are not, a failure in continuous integration."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from models.bundle import load_bundle
from models.ngrams import unpack
from tests.deletion import delete_and_compare
from training.baselines import SvmBaseline, baseline_rankings
from training.config import CONFIGS, LocalRecipe, load_recipe
from training.evaluate import evaluate
from training.local import save_local, train_local
from training.local_stack import Ticket
from triage import Appeal, Triage
from triage.document import read_document
from triage.io.readers import read_rows

TRAINED, JUDGED = 5000, 1000


def read_tickets(path: Path, count: int) -> list[Ticket]:
    rows = (row for row in read_rows(path) if row.text("unit"))
    return [Ticket(read_document(row.appeal), row.text("unit")) for row in islice(rows, count)]


@pytest.fixture(scope="module")
def dev(shared_data: Path) -> list[Ticket]:
    return read_tickets(shared_data / "haikou12345" / "tickets_dev.csv", JUDGED)


@pytest.fixture(scope="module")
def train(shared_data: Path) -> list[Ticket]:
    every = read_tickets(shared_data / "haikou12345" / "tickets_train.csv", 20_000)
    return every[-TRAINED:]


@pytest.fixture(scope="module")
def city(train: list[Ticket], tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = replace(load_recipe(CONFIGS / "local.toml", LocalRecipe), max_features=30_000)
    model = train_local(train, None, recipe=recipe, label="unit", strip=True)
    folder = tmp_path_factory.mktemp("bundles") / "city"
    save_local(model, folder, name="city", tickets=train, metrics={}, card=lambda _: "")
    return folder


def test_a_local_bundle_beats_a_linear_svm_trained_on_the_same_tickets(
    city: Path, train: list[Ticket], dev: list[Ticket]
) -> None:
    truth = [ticket.answer for ticket in dev]
    svm = SvmBaseline([t.document.text for t in train], [t.answer for t in train])
    other = baseline_rankings(svm, [ticket.document.text for ticket in dev], truth)
    triage = Triage.load(city)
    decisions = triage.decide_batch([ticket.document.appeal for ticket in dev])
    ranked = [[candidate.name for candidate in decision.unit.candidates] for decision in decisions]
    top1 = np.mean([names[0] == answer for names, answer in zip(ranked, truth, strict=True)])
    top3 = np.mean([answer in names[:3] for names, answer in zip(ranked, truth, strict=True)])
    assert top1 > other.top1 + 0.01
    assert top3 > other.top3 + 0.01


def test_automatic_dispatches_keep_their_promise_on_the_following_month(city: Path, dev: list[Ticket]) -> None:
    decisions = Triage.load(city, precision=0.9).decide_batch([ticket.document.appeal for ticket in dev])
    auto = [
        d.unit.candidates[0].name == t.answer for d, t in zip(decisions, dev, strict=True) if d.unit.decision == "auto"
    ]
    assert len(auto) > 200
    assert np.mean(auto) > 0.88


def test_evaluate_counts_every_row_and_reports_the_documented_figures(
    city: Path, shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "annotated" / "hotline_risk.jsonl"
    sample = tmp_path / "some.jsonl"
    sample.write_text("".join(source.read_text(encoding="utf-8").splitlines(keepends=True)[:200]), encoding="utf-8")
    figures = evaluate(sample, Triage.load(city), label="unit", columns={})
    assert figures["n"] == 200
    assert set(figures) >= {"type", "risk", "emergency", "factors"}
    assert figures.get("evidence", {"inexact": 0})["inexact"] == 0


def test_the_learned_vocabulary_holds_nothing_like_a_number_of_a_person(city: Path) -> None:
    ngrams = [unpack(key) for key in load_bundle(city).tensors["text"]["vocabulary_text"].tolist()]
    assert not any(character in "123456789" for ngram in ngrams for character in ngram)


def test_deleting_the_shown_words_hurts_the_unit_more_than_deleting_others(city: Path, dev: list[Ticket]) -> None:
    def probability(judge: Triage, appeal: Appeal, name: str) -> float:
        candidates = judge.decide(appeal).unit.candidates
        return next((candidate.probability for candidate in candidates if candidate.name == name), 0.0)

    appeals = [ticket.document.appeal for ticket in dev[:400]]
    found = delete_and_compare(
        Triage.load(city), appeals, first=lambda d: d.unit.candidates[0].name, probability=probability
    )
    assert found.judged > 150
    assert found.better / found.judged >= 0.8
