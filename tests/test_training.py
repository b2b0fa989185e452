from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bundle import load_bundle
from training.config import CONFIGS, BaseRecipe, LocalRecipe, load_recipe
from training.folds import grouped_folds
from training.linear_fit import fit_exclusive, fit_ridge, fit_yes_no
from training.local import fingerprint, save_local, train_local
from training.local_stack import Ticket
from training.metrics import average_precision, micro_f1, ranking_figures, recall_at, risk_figures, wilson
from training.ranker_fit import fit_ranker
from triage.base_model import base_bundle_path, base_model_from, text_checksum
from triage.directory import Directory
from triage.document import read_document
from triage.errors import TrainingError
from triage.io.readers import read_rows
from triage.routing.local import LocalModel, local_model_from
from triage.samples import sample_path

RECIPE = LocalRecipe(seed=1, orders=(1, 2), min_texts=3, max_features=3000, svm_c=0.3, held_out_share=0.3)


@pytest.fixture(scope="module")
def tickets() -> list[Ticket]:
    lines = sample_path("answers.jsonl").read_text(encoding="utf-8").splitlines()
    units = {record["id"]: record["unit"] for record in map(json.loads, lines)}
    rows = read_rows(sample_path("appeals.csv"))
    return [Ticket(read_document(row.appeal), units[row.appeal.id]) for row in rows if units[row.appeal.id]]


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory.load(sample_path("units.csv"))


@pytest.fixture(scope="module")
def trained(tickets: list[Ticket], directory: Directory) -> LocalModel:
    return train_local(tickets, directory, recipe=RECIPE, label="unit", strip=True)


def card(_description: object) -> str:
    return "# card\n"


def test_the_shipped_recipes_can_be_read() -> None:
    assert load_recipe(CONFIGS / "local.toml", LocalRecipe).min_texts >= 3
    assert load_recipe(CONFIGS / "base.toml", BaseRecipe).min_texts >= 3


def test_a_recipe_with_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    text = (CONFIGS / "local.toml").read_text(encoding="utf-8")
    (tmp_path / "odd.toml").write_text(text + "speed = 3\n", encoding="utf-8")
    with pytest.raises(TrainingError, match="speed"):
        load_recipe(tmp_path / "odd.toml", LocalRecipe)


def test_a_local_bundle_survives_saving_and_loading(trained: LocalModel, tickets: list[Ticket], tmp_path: Path) -> None:
    save_local(trained, tmp_path / "city", name="city", tickets=tickets, metrics={}, card=card)
    loaded = local_model_from(load_bundle(tmp_path / "city"))
    texts = {"text": [ticket.document.text for ticket in tickets[:20]]}
    before, after = (m.text.margins(m.text.features(texts))["unit"] for m in (trained, loaded))
    assert np.allclose(before, after, atol=0.05)
    assert loaded.ranker.names == trained.ranker.names
    assert loaded.directory.get("不存在的单位") is None
    assert {unit.name for unit in loaded.directory.units} == {unit.name for unit in trained.directory.units}
    assert loaded.held_out.threshold(0.95) == trained.held_out.threshold(0.95)


def test_the_same_seed_gives_the_same_model(trained: LocalModel, tickets: list[Ticket], directory: Directory) -> None:
    again = train_local(tickets, directory, recipe=RECIPE, label="unit", strip=True)
    assert np.array_equal(again.text.heads.weights, trained.text.heads.weights)
    assert np.array_equal(again.ranker.weights, trained.ranker.weights)


def test_units_are_inferred_from_names_where_no_directory_is_given(tickets: list[Ticket]) -> None:
    model = train_local(tickets, None, recipe=RECIPE, label="unit", strip=True)
    assert {unit.name for unit in model.directory.units} == {ticket.answer for ticket in tickets}
    assert any(unit.function == "城管局" for unit in model.directory.units)


def test_any_other_label_can_be_learned_without_places_and_functions(tickets: list[Ticket]) -> None:
    colours = [replace(ticket, answer="长" if len(ticket.document.text) > 100 else "短") for ticket in tickets]
    model = train_local(colours, None, recipe=RECIPE, label="length", strip=True)
    assert model.ranker.names == ("unit", "centroid", "prior")
    assert set(model.text.classes) == {"unit", "centroid"}


@pytest.mark.parametrize("count", [0, 1, 12])
def test_too_few_tickets_are_refused_with_the_numbers(tickets: list[Ticket], count: int) -> None:
    with pytest.raises(TrainingError, match=f"{count} labelled rows"):
        train_local(tickets[:count], None, recipe=RECIPE, label="unit", strip=True)


def test_the_fingerprint_does_not_depend_on_the_order_of_the_tickets() -> None:
    assert fingerprint([("甲", "1"), ("乙", "2")]) == fingerprint([("乙", "2"), ("甲", "1")])
    assert fingerprint([("甲", "1")]) != fingerprint([("甲", "2")])


def test_folds_never_split_a_group_and_are_of_like_size() -> None:
    groups = [f"g{i // 3}" for i in range(300)]
    folds = grouped_folds(groups, folds=5, seed=0)
    assert all(len({int(f) for f in folds[i : i + 3]}) == 1 for i in range(0, 300, 3))
    assert np.bincount(folds).tolist() == [60] * 5


def features_and_truth() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truth = np.arange(90) % 3
    return np.eye(3)[truth] + random.normal(0, 0.2, (90, 3)), truth


def test_heads_tell_separable_classes_apart_and_leave_absent_ones_last() -> None:
    from scipy import sparse

    dense, truth = features_and_truth()
    features = sparse.csr_matrix(dense.astype(np.float32))
    head = fit_exclusive(features, truth, 4)
    assert (head.margins(features).argmax(axis=1) == truth).mean() > 0.95
    assert (head.margins(features)[:, 3] <= -2.0).all()
    signs = np.where(truth[:, None] == np.arange(3), 1.0, -1.0)
    assert (fit_ridge(features, signs, penalty=0.2).margins(features).argmax(axis=1) == truth).mean() > 0.95
    yes_no = fit_yes_no(features, np.stack([truth == 0, truth < 3, truth > 3], axis=1)).margins(features)
    assert ((yes_no[:, 0] > 0) == (truth == 0)).mean() > 0.95
    assert (yes_no[:, 1] > 0).all()
    assert (yes_no[:, 2] < 0).all()


def test_the_ranker_learns_which_feature_decides() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(400, 6, 2)).astype(np.float32)
    ranker = fit_ranker(features, features[:, :, 1].argmax(axis=1), ("noise", "signal"))
    assert ranker.weights[1] > 5 * abs(ranker.weights[0])


def test_a_few_tickets_hardly_move_the_ranker_from_what_was_expected_and_thousands_do() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(4000, 5, 2)).astype(np.float32)
    truth = features[:, :, 1].argmax(axis=1)
    few = fit_ranker(features[:5], truth[:5], ("place_named", "signal"), prior={"place_named": 2.0})
    many = fit_ranker(features, truth, ("place_named", "signal"), prior={"place_named": 2.0})
    assert few.weights[0] > 1.0
    assert abs(many.weights[0]) < 0.5
    assert many.weights[1] > 3.0


def test_the_base_model_is_asked_for_the_function_unless_it_learned_from_these_very_tickets(
    tickets: list[Ticket], directory: Directory
) -> None:
    base = base_model_from(load_bundle(base_bundle_path()))
    with_base = train_local(tickets, directory, recipe=RECIPE, label="unit", strip=True, base=base)
    assert "base_function" in with_base.ranker.names
    checksums = np.array(sorted({text_checksum(ticket.document.text) for ticket in tickets}), dtype=np.uint32)
    knowing = replace(base, seen=checksums)
    without = train_local(tickets, directory, recipe=RECIPE, label="unit", strip=True, base=knowing)
    assert "base_function" not in without.ranker.names


def test_ranking_figures_of_a_hand_computed_case() -> None:
    ranked = [["a", "b"], ["b", "a"], ["a", "b"], ["c", "a"]]
    figures = ranking_figures(ranked, [0.9, 0.8, 0.7, 0.6], ["a", "b", "b", "a"])
    assert (figures.top1, figures.top3) == (0.5, 1.0)
    assert {c.name: round(c.f1, 3) for c in figures.classes} == {"a": 0.5, "b": 0.667, "c": 0.0}
    assert figures.coverage95 == 0.5


def test_risk_figures_of_a_hand_computed_case() -> None:
    truth = np.array([4, 0, 3, 0, 0, 0, 0, 0, 0])
    score = np.array([0.9, 0.8, 0.7, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    figures = risk_figures(score, truth, truth)
    assert figures.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert figures.recall_at_review == 0.5
    assert figures.kappa == 1.0


def test_small_measures_at_their_edges() -> None:
    assert average_precision(np.zeros(3), np.zeros(3, bool)) == 0.0
    assert recall_at(np.zeros(3), np.zeros(3, bool), 0.5) == 0.0
    assert micro_f1([frozenset("ab")], [frozenset("bc")]) == 0.5
    assert micro_f1([frozenset()], [frozenset()]) == 1.0
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-3)
