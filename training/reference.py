"""What plain tools reach on the base bundle's own folds: ``python -m training.reference --corpus DIR``.

Character TF-IDF with linear SVMs (one per question) and, with the ``bench`` extra, fastText, on the same grouped folds as
`training.base`, so that its figures have something to stand beside.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from models.ordinal import quadratic_kappa
from training.baselines import Baseline, FastTextBaseline, SvmBaseline, fasttext_available
from training.config import CONFIGS, BaseRecipe, load_recipe
from training.corpus import ANNOTATED, HOTLINE, Example, read_annotated, read_hotline, read_tickets
from training.folds import grouped_folds
from training.metrics import REVIEW_SHARE, average_precision, ranking_figures, recall_at

Rows = NDArray[np.int64]
MakeBaseline = Callable[[Sequence[str], Sequence[str]], Baseline]

_SHOWN = ("n", "top1", "top3", "macro_f1")


def reference_figures(examples: Sequence[Example], folds: Rows) -> dict[str, Any]:
    """Judge the plain tools.

    Args:
        examples: As `training.base` reads them.
        folds: int64[n], the fold of each example.
    """
    questions: dict[str, Callable[[Example], str]] = {
        "function": lambda e: e.function,
        "category": lambda e: f"{e.l1}/{e.l2}" if e.l2 else "",
        "type": lambda e: e.type,
    }
    tools: dict[str, MakeBaseline] = {"svm": SvmBaseline}
    if fasttext_available():
        tools["fasttext"] = FastTextBaseline
    sources = {ANNOTATED: tuple(questions), HOTLINE: ("type",)}
    figures: dict[str, Any] = {}
    for source, asked in sources.items():
        rows = np.array([i for i, example in enumerate(examples) if example.source == source])
        figures[source] = {
            f"{name}_{tool}": _ranked(examples, folds, rows, questions[name], make)
            for name in asked
            for tool, make in tools.items()
        } | {"risk_svm": _risk(examples, folds, rows)}
    return figures


def _ranked(
    examples: Sequence[Example], folds: Rows, rows: Rows, label: Callable[[Example], str], make: MakeBaseline
) -> dict[str, Any]:
    rows = np.array([i for i in rows.tolist() if label(examples[i])])
    ranked: dict[int, tuple[list[str], float]] = {}
    for fold in np.unique(folds[rows]):
        train, test = rows[folds[rows] != fold], rows[folds[rows] == fold]
        model = make(_texts(examples, train), [label(examples[i]) for i in train])
        ranked |= dict(zip(test.tolist(), model.rank(_texts(examples, test)), strict=True))
    names, sure = [ranked[i][0] for i in rows.tolist()], [ranked[i][1] for i in rows.tolist()]
    record = ranking_figures(names, sure, [label(examples[i]) for i in rows.tolist()]).to_record()
    return {key: record[key] for key in _SHOWN}


def _risk(examples: Sequence[Example], folds: Rows, rows: Rows) -> dict[str, Any]:
    """Rank by one SVM for "level ≥ 3" (and one for emergencies), and take the level from a five-class SVM."""
    truth = np.array([examples[i].risk for i in rows], dtype=np.int64)
    urgent = np.array([bool(examples[i].emergency) for i in rows])
    score, emergency, level = np.zeros(len(rows)), np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64)
    for fold in np.unique(folds[rows]):
        held = folds[rows] == fold
        vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2, dtype=np.float32)
        train = vectoriser.fit_transform(_texts(examples, rows[~held]))
        test = vectoriser.transform(_texts(examples, rows[held]))
        score[held] = LinearSVC(random_state=0).fit(train, truth[~held] >= 3).decision_function(test)
        level[held] = LinearSVC(random_state=0).fit(train, truth[~held]).predict(test)
        if urgent.any():
            emergency[held] = LinearSVC(random_state=0).fit(train, urgent[~held]).decision_function(test)
    record = {
        "n": len(rows),
        "average_precision": round(average_precision(score, truth >= 3), 4),
        "recall_at_review": round(recall_at(score, truth >= 3, REVIEW_SHARE), 4),
        "kappa": round(quadratic_kappa(truth, level), 4),
    }
    return record | (
        {"emergency_average_precision": round(average_precision(emergency, urgent), 4)} if urgent.any() else {}
    )


def _texts(examples: Sequence[Example], rows: Rows) -> list[str]:
    return [examples[i].document.text for i in rows.tolist()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m training.reference", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the annotated corpora")
    parser.add_argument(
        "--config", type=Path, default=CONFIGS / "base.toml", help="the recipe; only seed and folds count"
    )
    chosen = parser.parse_args(arguments)
    recipe = load_recipe(chosen.config, BaseRecipe)
    tickets = read_tickets(chosen.corpus / "haikou12345" / "tickets_train.csv")
    examples = [*read_annotated(chosen.corpus), *read_hotline(chosen.corpus), *tickets]
    folds = grouped_folds([example.group for example in examples], folds=recipe.folds, seed=recipe.seed)
    print(json.dumps(reference_figures(examples, folds), ensure_ascii=False, indent=1))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
