"""What the encoder is measured against and mixed with: the n-gram models, trained without what the figures are taken on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from models.linear import Scores
from training.base_heads import Labels, make_labels
from training.config import CONFIGS, BaseRecipe, load_recipe
from training.corpus import ANNOTATED, HOTLINE, Example
from training.encoder.held_out import in_fixed_fold
from training.folds import grouped_folds
from training.material import Texts, fit_fields, fit_words, make_material
from training.nesting import NestedOutputs
from training.signals import Teachers
from training.two_levels import cross_validate

Say = Callable[[str], None]
_FILE = "ngram_margins.safetensors"


@dataclass(frozen=True, slots=True)
class NgramRival:
    """The base bundle's n-gram models on annotated letters and hotline tickets they have not seen.

    Attributes:
        examples: n letters and tickets.
        labels: Theirs.
        margins: Head → float32[n, c], of two-level models fitted without the example's fold.
        held: bool[n], the fixed fold.
    """

    examples: Sequence[Example]
    labels: Labels
    margins: dict[str, Scores]
    held: NDArray[np.bool_]


def ngram_rival(corpus: Path, work: Path, *, say: Say) -> NgramRival:
    """Cross-validate the base bundle's models with the encoder's fixed fold as one of the five.

    Args:
        corpus: Folder of the corpora.
        work: The margins are kept there: they take a quarter of an hour on one core.
        say: Receives a line on what is being done.
    """
    texts = Texts.read(corpus)
    fixed = np.array([in_fixed_fold(example.group) for example in texts.examples])
    path = work / _FILE
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        found = _cross_validated(texts, fixed, say=say)
        save_file({head: np.ascontiguousarray(values) for head, values in found.items()}, path)
    judged = np.array([example.source in (ANNOTATED, HOTLINE) for example in texts.examples])
    margins = {head: np.asarray(values) for head, values in load_file(path).items()}
    return NgramRival(texts.examples, make_labels(texts.examples), margins, fixed & judged)


def _cross_validated(texts: Texts, fixed: NDArray[np.bool_], *, say: Say) -> dict[str, Scores]:
    """Return head → float32[n, c], each example read by models without its fold; the fixed fold is one of them."""
    recipe = load_recipe(CONFIGS / "base.toml", BaseRecipe)
    fields = fit_fields(texts, recipe)
    material = make_material(texts, fields, fit_words(texts, recipe), recipe)
    folds = np.zeros(len(fixed), dtype=np.int64)
    rest = np.flatnonzero(~fixed)
    groups = [texts.examples[row].group for row in rest.tolist()]
    folds[rest] = 1 + grouped_folds(groups, folds=recipe.folds - 1, seed=recipe.seed)
    material = replace(material, folds=folds)
    nested = NestedOutputs(Teachers(material, recipe), texts.examples, say=say)
    return cross_validate(nested, material).margins


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts with one label each, in the order of time where that is known."""

    texts: Sequence[str]
    labels: Sequence[str]

    def cut(self, share: float) -> tuple[Labelled, Labelled]:
        """Return all but the last ``share`` of the texts, and those."""
        at = round(len(self.texts) * (1 - share))
        return Labelled(self.texts[:at], self.labels[:at]), Labelled(self.texts[at:], self.labels[at:])


def ngram_classes(train: Labelled, texts: Sequence[str], *, file: Path) -> Scores:
    """Return float32[n, classes], margins of character 1-3-gram TF-IDF with a linear SVM; columns as `np.unique` has them.

    Args:
        train: To learn from.
        texts: To be judged.
        file: The margins are kept there: with 250 units they take minutes.
    """
    if not file.exists():
        vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2, dtype=np.float32)
        svm = LinearSVC(random_state=0).fit(vectoriser.fit_transform(train.texts), train.labels)
        margins = np.asarray(svm.decision_function(vectoriser.transform(texts)), dtype=np.float32)
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({"margins": np.ascontiguousarray(margins)}, file)
    found: Scores = load_file(file)["margins"]
    return found
