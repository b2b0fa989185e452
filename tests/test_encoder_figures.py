"""The encoder's figures: mixed with n-grams, judged on texts that neither has seen, and laid out in the model card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from training.base_heads import make_labels
from training.corpus import ANNOTATED, HOTLINE, Example
from triage.appeal import Appeal
from triage.base_model import CALL_FUNCTION, CATEGORY, FUNCTION
from triage.document import read_document

pytest.importorskip("torch")

from training.encoder.card import figures_table
from training.encoder.evaluate import (
    ClassTask,
    fold_views,
    judge_fold,
    judge_near,
    measure_speed,
    parity,
    rounded,
    worst_loss,
)
from training.encoder.reading import Reading
from training.encoder.rivals import Labelled, NgramRival, ngram_classes
from training.encoder.tasks import L2

OFFICES = {"噪音": "城管局", "欠薪": "人社局", "停水": "水务局"}
GENERATOR = np.random.default_rng(7)


def examples(n: int) -> list[Example]:
    found = []
    for number in range(n):
        name = list(OFFICES)[number % 3]
        document = read_document(Appeal(id=str(number), title="", content=f"{name}问题第{number}次反映"))
        hotline = number % 4 == 0
        found.append(
            Example(
                document=document,
                source=HOTLINE if hotline else ANNOTATED,
                group=f"g{number}",
                function="" if hotline else OFFICES[name],
                l1="" if hotline else "城建",
                l2="" if hotline else name,
                type="投诉" if number % 2 else "求助",
                risk=(number % 3) * 2,
                factors=frozenset({"欠薪"}) if name == "欠薪" else frozenset(),
                emergency=bool(number % 3 == 1) if hotline else None,
            )
        )
    return found


def rival_of(found: Sequence[Example], *, noise: float) -> NgramRival:
    """The truth under noise, as margins."""
    labels = make_labels(found)
    margins = {}
    for head, classes in labels.classes.items():
        exclusive = head in labels.columns
        truth = labels.columns[head][:, None] == np.arange(len(classes)) if exclusive else labels.yes_no[head]
        margins[head] = np.asarray(2.0 * truth - 1.0 + noise * GENERATOR.normal(size=truth.shape), dtype=np.float32)
    return NgramRival(found, labels, margins, np.ones(len(found), dtype=bool))


class PretendReader:
    """Says of each text what a rival says, in reversed order of classes."""

    def __init__(self, rival: NgramRival) -> None:
        rows = {example.document.text: row for row, example in enumerate(rival.examples)}
        self.rival, self.rows = rival, rows
        names = {head: L2 if head == CATEGORY else head for head in rival.margins}
        self.classes = {names[head]: rival.labels.classes[head][::-1] for head in rival.margins}
        self.classes[CALL_FUNCTION] = self.classes[FUNCTION]
        self._heads = names

    def __call__(self, texts: Sequence[str]) -> Reading:
        rows = [self.rows[text] for text in texts]
        logits = {self._heads[head]: values[rows][:, ::-1] for head, values in self.rival.margins.items()}
        logits[CALL_FUNCTION] = logits[FUNCTION]
        vectors = self.rival.margins[CATEGORY][rows].astype(np.float32)
        return Reading(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), logits)


def test_two_models_with_errors_of_their_own_are_better_together() -> None:
    found = examples(600)
    own, other = rival_of(found, noise=1.6), rival_of(found, noise=1.6)
    reader = PretendReader(own)
    figures = judge_fold(fold_views(reader, other, reader.classes, taught=frozenset()), other)
    letters, calls = figures["letters"], figures["calls"]
    assert letters["both"]["n"] == 450
    assert letters["both"]["function_top1"] > max(letters[way]["function_top1"] for way in ("encoder", "n-grams"))
    assert letters["both"]["risk_average_precision"] > 0.8
    assert "emergency_average_precision" not in letters["both"]
    assert calls["both"]["emergency_average_precision"] > 0.6
    assert "function_top1" not in calls["both"]
    table = figures_table(rounded(figures))
    assert "| lead function, top-1 | 450 |" in table
    assert "hotline: emergency" in table
    assert "unit" not in table


def test_a_letters_neighbour_is_looked_for_outside_its_own_group() -> None:
    found = examples(300)
    figures = judge_near(PretendReader(rival_of(found, noise=0.01)), found)
    assert figures["same_l2"] == 1.0
    assert 30 < figures["n"] < 60


def topics(n: int) -> Labelled:
    names = [list(OFFICES)[number % 3] for number in range(n)]
    return Labelled([f"{name}的事第{number}次" for number, name in enumerate(names)], names)


def reader_of_topics(texts: Sequence[str]) -> Reading:
    place = np.array([list(OFFICES).index(text[:2]) for text in texts])
    vectors = np.eye(3)[place] + 0.05 * GENERATOR.normal(size=(len(texts), 3))
    return Reading((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), {})


def test_a_linear_head_on_vectors_is_judged_beside_ngrams_and_with_them(tmp_path: Path) -> None:
    figures = ClassTask("topics", topics(120), topics(30)).judge(reader_of_topics, tmp_path)
    assert list(figures) == ["encoder", "n-grams", "both"]
    assert all(way["n"] == 30 and way["top1"] == 1.0 for way in figures.values())


def test_margins_of_ngrams_are_computed_once(tmp_path: Path) -> None:
    first = ngram_classes(topics(30), ["噪音"], file=tmp_path / "kept.safetensors")
    assert first.shape == (1, 3)
    save_file({"margins": first + 1}, tmp_path / "kept.safetensors")
    assert np.array_equal(ngram_classes(topics(30), ["噪音"], file=tmp_path / "kept.safetensors"), first + 1)


def test_the_worst_loss_of_a_smaller_precision_is_told_in_points() -> None:
    full = {"date": "2026-01-01", "units": {"both": {"n": 100, "top1": 0.71, "top3": 0.80}}}
    small = {"date": "2026-01-02", "units": {"both": {"n": 100, "top1": 0.70, "top3": 0.85}}}
    assert worst_loss(full, small) == pytest.approx(1.0)
    alike = parity(reader_of_topics, reader_of_topics, topics(9).texts)
    assert alike["n"] == 9
    assert alike["least_cosine"] > 0.9


def test_speed_is_told_with_the_length_of_the_texts() -> None:
    figures = measure_speed(lambda texts: None, ["四个字吧", "八个字的一句话呢"])
    assert figures["characters"] == 6.0
    assert figures["per_second"] > 0
