"""The second look at the serious candidates: selection, sharing, fitting, storing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contest import LEAST, Contenders, ContenderTrees, contender_trees_from, contenders_of, settled
from models.errors import BundleError
from models.pairs import Trees
from training.contest_fit import Choosers, Table, fit_choosers, unseen_choices
from triage.routing.contenders import Surroundings, choose, contender_features, contender_names
from triage.routing.doubt import doubt_features, doubt_names

NAMES = ("unit", "centroid", "prior")
UNITS = 4


def table(n: int, *, seed: int = 0) -> Table:
    """Tickets whose right unit is the best by ``unit`` where the text is long, the best by ``centroid`` where it is short."""
    random = np.random.default_rng(seed)
    features = random.normal(0.0, 1.0, (n, UNITS, len(NAMES))).astype(np.float32)
    features[:, :, 2] = -1.4
    long = random.random(n) < 0.5
    truth = np.where(long, features[:, :, 0].argmax(axis=1), features[:, :, 1].argmax(axis=1))
    around = Surroundings({"unit": features[:, :, 0]}, {}, np.where(long, 6.0, 3.0).astype(np.float32))
    return Table(NAMES, features, around, truth, [f"{seed}-{i}" for i in range(n)])


@pytest.fixture(scope="module")
def choosers() -> Choosers:
    return fit_choosers(table(1500), prior={}, seed=1)


def hits(choosers: Choosers, of: Table) -> float:
    return float((choosers.choose(of).probabilities.argmax(axis=1) == of.truth).mean())


def test_trees_learn_what_depends_on_two_features_at_once(choosers: Choosers) -> None:
    fresh = table(1000, seed=2)
    logit_only = replace(choosers, trees=None)
    assert hits(choosers, fresh) > hits(logit_only, fresh) + 0.05


def test_few_tickets_grow_no_trees() -> None:
    few = fit_choosers(table(200), prior={}, seed=1)
    assert few.trees is None
    probabilities = few.ranker.probabilities(table(5).features)
    choice = choose(probabilities, table(5).features, NAMES, table(5).around, None)
    assert np.array_equal(choice.probabilities, probabilities)


def test_a_ticket_is_judged_by_trees_that_did_not_grow_on_it(choosers: Choosers) -> None:
    noise = replace(table(1500), truth=np.random.default_rng(3).integers(0, UNITS, 1500))
    grown = fit_choosers(noise, prior={}, seed=1)
    unseen = unseen_choices(noise, prior={}, seed=1).probabilities.argmax(axis=1) == noise.truth
    assert hits(grown, noise) > 0.45
    assert unseen.mean() < 0.32


def test_only_the_serious_candidates_are_looked_at_again() -> None:
    found = contenders_of(np.array([[0.6, 0.399, 0.001], [0.001, 0.0, 0.999]], np.float32))
    assert found.rows.tolist() == [0, 0, 1]
    assert found.columns.tolist() == [0, 1, 2]
    assert found.starts.tolist() == [0, 2]


def test_a_text_without_a_serious_candidate_keeps_its_first() -> None:
    flat = np.full((1, 1000), 0.001, np.float32)
    assert flat[0, 0] < LEAST
    assert contenders_of(flat).columns.tolist() == [0]


@given(st.lists(st.floats(-20, 20), min_size=3, max_size=3))
def test_the_contenders_share_what_they_had_together(scores: list[float]) -> None:
    before = np.array([[0.5, 0.3, 0.1985, 0.0015]], np.float32)
    contenders = contenders_of(before)
    after = settled(before, contenders, np.array(scores, np.float32))
    assert after.sum() == pytest.approx(1.0, abs=1e-5)
    assert after[0, 3] == before[0, 3]
    assert (after >= 0).all()


def test_each_text_is_settled_alone_as_in_a_batch(choosers: Choosers) -> None:
    many = table(64, seed=5)
    batch = choosers.choose(many)
    for row in range(64):
        one = choosers.choose(many.of(np.arange(64) == row))
        assert np.array_equal(one.probabilities[0], batch.probabilities[row])
        assert one.scores[0] == batch.scores[row]


def test_contender_features_compare_a_unit_with_its_rivals() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2]], np.float32)
    features = np.array([[[-1.0, 0.2], [-0.5, 0.1], [-2.0, 0.4]]], np.float32)
    margins = {"unit": np.array([[0.1, 0.4, -1.0]], np.float32), "function": np.zeros((1, 3), np.float32)}
    around = Surroundings(margins, {"function": np.array([0, 1, 1])}, np.array([2.0], np.float32))
    names = contender_names(("unit", "centroid"), ["unit", "function", "centroid"])
    found = contender_features(
        Contenders(np.array([0, 0, 0]), np.array([0, 1, 2])), probabilities, features, ("unit", "centroid"), around
    )
    assert found.shape == (3, len(names))
    value = {name: found[:, i].tolist() for i, name in enumerate(names)}
    assert value["behind_unit"] == pytest.approx([-0.5, 0.0, -1.5])
    assert value["lead_unit"] == pytest.approx([-0.3, 0.0, -1.4])
    assert value["share_function"] == pytest.approx([0.5, 0.5, 0.5])
    assert value["part_function"] == pytest.approx([1.0, 0.6, 0.4])
    assert value["log_lead"] == pytest.approx(np.log([0.5 / 0.3, 0.3 / 0.5, 0.2 / 0.5]).tolist(), abs=1e-3)


def test_doubts_follow_the_names_that_a_model_can_compute() -> None:
    names = doubt_names(NAMES, ["unit", "centroid"], trees=False)
    assert "function_margin" not in names
    assert "score" not in names
    some = table(3)
    choice = choose(np.full((3, UNITS), 0.25, np.float32), some.features, NAMES, some.around, None)
    found = doubt_features(choice, some.features, NAMES, some.around, names)
    assert found.shape == (3, len(names))
    assert np.isfinite(found).all()


def test_stored_trees_give_the_same_scores(choosers: Choosers) -> None:
    trees = choosers.trees
    assert trees is not None
    again = contender_trees_from(trees.tensors(), trees.names, trees.names)
    features = np.random.default_rng(4).normal(0, 1, (50, len(trees.names))).astype(np.float32)
    assert np.array_equal(again.scores(features), trees.scores(features))


def test_trees_of_other_features_or_with_loose_nodes_are_refused() -> None:
    node = np.zeros(1, np.int32)
    sound = Trees(
        roots=node,
        feature=node.astype(np.int16),
        threshold=np.zeros(1),
        left=node,
        right=node,
        value=np.ones(1, np.float32),
        depth=0,
    )
    tensors = ContenderTrees(("unit",), sound, 0.5).tensors()
    assert contender_trees_from(tensors, ["unit"], ["unit"]).scores(np.zeros((1, 1), np.float32)).tolist() == [1.5]
    with pytest.raises(BundleError, match="not those of this version"):
        contender_trees_from(tensors, ["unit"], ["unit", "area"])
    with pytest.raises(BundleError, match="do not fit together"):
        contender_trees_from({**tensors, "left": node + 7}, ["unit"], ["unit"])
