"""Builds the base bundle: ``python -m training.base --corpus DIR``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle import Description, write_bundle
from models.clauses import VERSION as CLAUSES_VERSION
from models.cues import VERSION as CUES_VERSION
from models.linear import Scores
from models.pairs import NAME as PAIRS_VERSION
from models.ranker import VERSION as RANKER_VERSION
from models.ranker import CandidateRanker
from models.stacked import VERSION as STACKED_VERSION
from models.text_model import VERSION as LINEAR_VERSION
from models.text_model import TextModel
from models.word_space import VERSION as WORDS_VERSION
from models.word_space import MeaningHeads
from training.base_figures import crossfit_figures
from training.base_heads import calibrate
from training.card import base_card
from training.config import CONFIGS, BaseRecipe, load_recipe
from training.corpus import TICKETS, Example, read_events
from training.event_bundle import train_events
from training.local import fingerprint
from training.material import Texts, fit_fields, fit_words, make_material
from training.nesting import NestedOutputs
from training.ranker_fit import fit_ranker
from training.signals import Teachers
from training.two_levels import cross_validate, fit_shipped
from triage.base_model import CATEGORY, FUNCTION, TYPE, BaseModel, base_bundle_path, base_tensors, text_checksum
from triage.directory import Directory
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
    texts = Texts.read(corpus)
    examples = texts.examples
    fields = fit_fields(texts, recipe)
    say("learning what words mean")
    words = fit_words(texts, recipe)
    material = make_material(texts, fields, words, recipe)
    teachers = Teachers(material, recipe)
    nested = NestedOutputs(teachers, examples, say=say)
    say("second level")
    judged = cross_validate(nested, material)
    calibration = calibrate(judged.margins, material.labels, np.arange(len(examples)))
    figures = crossfit_figures(examples, material.labels, judged.margins, material.folds, evidence=nested.evidence_hits)
    say("fitting the shipped heads")
    parts = fit_shipped(teachers, nested, material, call_scale=judged.call_scale)
    temperatures = {head: calibration.temperatures[head] for head in (FUNCTION, CATEGORY)}
    classes = {head: parts.classes[head] for head in parts.heads.columns}
    text = TextModel(fields, parts.heads, classes, temperatures)
    ranker = _day_one_ranker(examples, text, judged.margins[FUNCTION])
    say("training the same-event scorer")
    events = read_events(corpus)
    pairs, figures["same_event"] = train_events(events, words, seed=recipe.seed)
    model = BaseModel(
        version="",
        text=text,
        meaning=MeaningHeads(words, parts.meaning),
        clauses=parts.clauses,
        judge=parts.judge,
        type_temperature=calibration.temperatures[TYPE],
        classes=parts.classes,
        ordinal=calibration.ordinal,
        factors=calibration.factors,
        factor_thresholds=calibration.factor_thresholds,
        emergency=calibration.emergency,
        ranker=ranker,
        pairs=pairs,
        seen=np.array(sorted({text_checksum(example.document.text) for example in examples}), dtype=np.uint32),
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
        components={
            "text": LINEAR_VERSION,
            "meaning": WORDS_VERSION,
            "clauses": CLAUSES_VERSION,
            "cues": CUES_VERSION,
            "judge": STACKED_VERSION,
            "ranker": RANKER_VERSION,
            "pairs": PAIRS_VERSION,
        },
        classes={head: list(names) for head, names in model.classes.items()},
        settings={
            "text": model.text.settings(),
            "judge": model.judge.settings(),
            "type_temperature": model.type_temperature,
            "ranker": list(model.ranker.names),
            "seed": recipe.seed,
        },
        normaliser_version=NORMALISER_VERSION,
        training_data_fingerprint=trained_on,
        metrics=figures,
    )
    documents = {
        "metrics.json": json.dumps(figures, ensure_ascii=False, indent=1) + "\n",
        "model_card.md": base_card(description),
    }
    write_bundle(folder, description, base_tensors(model), documents=documents)


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
