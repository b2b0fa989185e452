"""Builds the base bundle: ``python -m training.base --corpus DIR``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.bundle import Description, write_bundle
from models.linear import Scores, join_heads
from models.ngrams import fit_vectoriser
from models.pairs import NAME as PAIRS_VERSION
from models.pairs import PairScorer
from models.ranker import VERSION as RANKER_VERSION
from models.ranker import CandidateRanker
from models.text_model import VERSION as LINEAR_VERSION
from models.text_model import FieldVectoriser, TextModel, features_of
from training.base_figures import crossfit_figures, event_figures
from training.base_heads import EXCLUSIVE, Labels, calibrate, fit_heads, make_labels
from training.card import base_card
from training.config import CONFIGS, BaseRecipe, load_recipe
from training.corpus import (
    TICKETS,
    EventCorpus,
    Example,
    read_annotated,
    read_events,
    read_hotline,
    read_tickets,
    read_unlabelled,
)
from training.folds import grouped_folds
from training.local import fingerprint
from training.pairs import train_pairs
from training.ranker_fit import fit_ranker
from triage.base_model import FUNCTION, BaseModel, base_bundle_path, base_fields, base_tensors
from triage.directory import Directory
from triage.document import Document, read_document
from triage.linking import event_item
from triage.routing.router import UnitRouter
from triage.text.normalise import NORMALISER_VERSION

DAY_ONE = (
    "function",
    "place_named",
    "district_named",
    "other_district_named",
    "twin_named",
    "function_named",
    "unit_named",
)
"""Features a city without tickets has. The level flags are left out: how much a city leaves to its districts is its own
habit, which the tickets of another city cannot teach."""

DUTY_WEIGHT = 1.0
"""Weight of log(1 + named duties). The tickets come without lists of duties, so this one weight is set by judgement: one
duty word in the text doubles the unit's odds, three quadruple them."""

Say = Callable[[str], None]


def build_base(corpus: Path, recipe: BaseRecipe, *, say: Say) -> tuple[BaseModel, dict[str, Any], str]:
    """Train the base model.

    Args:
        corpus: Folder of the annotated corpora.
        recipe: Settings.
        say: Takes a line on what is being done.

    Returns:
        The model, its figures, and the fingerprint of its training data.
    """
    say("reading the corpora")
    tickets = read_tickets(corpus / "haikou12345" / "tickets_train.csv")
    examples = [*read_annotated(corpus), *read_hotline(corpus), *tickets]
    labels = make_labels(examples)
    documents = [example.document for example in examples]
    fields = _fields([*documents, *read_unlabelled(corpus)], recipe)
    features = features_of(fields, base_fields(documents))
    folds = grouped_folds([example.group for example in examples], folds=recipe.folds, seed=recipe.seed)
    margins = _out_of_fold(features, labels, folds, recipe, say)
    calibration = calibrate(margins, labels, np.arange(len(examples)))
    figures = crossfit_figures(examples, labels, margins, folds)
    say("fitting the shipped heads")
    heads = fit_heads(features, labels, np.arange(len(examples)), recipe)
    text = _text_model(fields, heads, labels, calibration.temperatures)
    ranker = _day_one_ranker(examples, text, margins[FUNCTION])
    say("training the same-event scorer")
    events = read_events(corpus)
    pairs, figures["same_event"] = _pairs(events, recipe)
    model = BaseModel(
        version="",
        text=text,
        ordinal=calibration.ordinal,
        factors=calibration.factors,
        factor_thresholds=calibration.factor_thresholds,
        emergency=calibration.emergency,
        ranker=ranker,
        pairs=pairs,
    )
    trained_on = fingerprint((e.document.text, e.function, e.l2, e.type, str(e.risk)) for e in examples)
    return model, figures, trained_on


def save_base(model: BaseModel, figures: dict[str, Any], trained_on: str, folder: Path, recipe: BaseRecipe) -> None:
    """Write the bundle with its metrics and its card."""
    created = date.today().isoformat()  # noqa: DTZ011 - the calendar day of the place of training
    description = Description(
        name=f"base-{created}",
        kind="base",
        created=created,
        components={"text": LINEAR_VERSION, "ranker": RANKER_VERSION, "pairs": PAIRS_VERSION},
        classes=dict(model.text.classes),
        settings={"text": model.text.settings(), "ranker": list(model.ranker.names), "seed": recipe.seed},
        normaliser_version=NORMALISER_VERSION,
        training_data_fingerprint=trained_on,
        metrics=figures,
    )
    documents = {
        "metrics.json": json.dumps(figures, ensure_ascii=False, indent=1) + "\n",
        "model_card.md": base_card(description),
    }
    write_bundle(folder, description, base_tensors(model), documents=documents)


def _fields(documents: Sequence[Document], recipe: BaseRecipe) -> tuple[FieldVectoriser, ...]:
    texts = base_fields(documents)
    weights = {"title": recipe.title_weight, "content": 1.0}
    return tuple(
        FieldVectoriser(
            field,
            fit_vectoriser(
                [text for text in texts[field] if text],
                orders=recipe.orders,
                min_texts=recipe.min_texts,
                max_features=recipe.max_features,
            ),
            weight,
        )
        for field, weight in weights.items()
    )


def _out_of_fold(
    features: sparse.csr_matrix, labels: Labels, folds: NDArray[np.int64], recipe: BaseRecipe, say: Say
) -> dict[str, Scores]:
    """Return head → float32[n, c]: margins of each example from the model that has not seen its fold."""
    margins = {head: np.zeros((len(folds), len(classes)), dtype=np.float32) for head, classes in labels.classes.items()}
    for fold in range(recipe.folds):
        say(f"cross-validation, fold {fold + 1} of {recipe.folds}")
        heads = fit_heads(features, labels, np.flatnonzero(folds != fold), recipe)
        held = np.flatnonzero(folds == fold)
        for head, fitted in heads.items():
            margins[head][held] = fitted.margins(features[held])
    return margins


def _text_model(
    fields: tuple[FieldVectoriser, ...], heads: dict[str, Any], labels: Labels, temperatures: dict[str, float]
) -> TextModel:
    joined = join_heads({name: (head.weights, head.intercepts) for name, head in heads.items()})
    return TextModel(fields, joined, labels.classes, {head: temperatures[head] for head in EXCLUSIVE})


def _day_one_ranker(examples: Sequence[Example], text: TextModel, function_margins: Scores) -> CandidateRanker:
    """Learn from one city's tickets how function, place and level combine where there is only a list of units."""
    rows = [i for i, example in enumerate(examples) if example.source == TICKETS]
    directory = Directory.from_names(sorted({examples[i].unit for i in rows}))
    names = DAY_ONE
    router = UnitRouter(directory, CandidateRanker(names, np.zeros(len(names), np.float32)))
    documents = [examples[i].document for i in rows]
    logs = text.log_probabilities({FUNCTION: function_margins[rows]}, FUNCTION)
    scores = {FUNCTION: router.spread(logs, FUNCTION, text.classes[FUNCTION])}
    features = router.features.compute(router.features.evidence(documents), scores, names)
    column = {unit.name: i for i, unit in enumerate(router.units)}
    fitted = fit_ranker(features, np.array([column[examples[i].unit] for i in rows]), names)
    weights = np.append(fitted.weights, np.float32(DUTY_WEIGHT)).astype(np.float32)
    return CandidateRanker((*names, "duty_named"), weights)


def _pairs(corpus: EventCorpus, recipe: BaseRecipe) -> tuple[PairScorer, dict[str, Any]]:
    items = [event_item(read_document(message)) for message in corpus.messages]
    figures = event_figures(items, corpus, seed=recipe.seed)
    return train_pairs(items, corpus.events, seed=recipe.seed), figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m training.base", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the annotated corpora")
    parser.add_argument("-o", "--output", type=Path, default=base_bundle_path(), help="where the bundle goes")
    parser.add_argument("--config", type=Path, default=CONFIGS / "base.toml", help="the recipe")
    chosen = parser.parse_args(arguments)
    recipe = load_recipe(chosen.config, BaseRecipe)

    def say(line: str) -> None:
        print(line, flush=True)  # noqa: T201 - a program's progress

    model, figures, trained_on = build_base(chosen.corpus, recipe, say=say)
    save_base(model, figures, trained_on, chosen.output, recipe)
    say(json.dumps({key: figures[key] for key in ("annotated", "hotline", "same_event")}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
