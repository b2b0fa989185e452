"""Trains the same-event scorer of a base bundle: with the bundle, or alone into one that is there already."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.bundle import load_bundle, write_bundle
from models.pairs import NAME, PairScorer
from models.word_space import WordSpace, meaning_heads_from
from training.card import base_card
from training.config import CONFIGS, BaseRecipe, load_recipe
from training.corpus import EventCorpus, read_events
from training.event_folds import cross_validate_events, event_figures
from training.pairs import sign_views, train_pairs
from training.word_meanings import word_meanings
from triage.base_model import base_bundle_path
from triage.document import read_document
from triage.linking import event_item


def train_events(corpus: EventCorpus, words: WordSpace, *, seed: int) -> tuple[PairScorer, dict[str, Any]]:
    """Judge the scorer in five folds by batch, then train it on all.

    Args:
        corpus: The stream and its annotated events.
        words: What words mean.
        seed: Of folds and trees.
    """
    items = [event_item(read_document(message)) for message in corpus.messages]
    meanings = word_meanings(words, sign_views(items)[0])
    report = cross_validate_events(items, corpus.events, meanings=meanings, seed=seed, ignored=corpus.ignored)
    return train_pairs(items, corpus.events, meanings=meanings, seed=seed), event_figures(report)


def replace_scorer(folder: Path, scorer: PairScorer, figures: dict[str, Any]) -> None:
    """Write a base bundle anew with another same-event scorer; all other parts stay as they are.

    Raises:
        BundleError: The bundle is damaged.
    """
    bundle = load_bundle(folder)
    old = bundle.description
    description = replace(
        old,
        components={**old.components, "pairs": NAME},
        metrics={**old.metrics, "same_event": figures},
    )
    documents = {
        "metrics.json": json.dumps(description.metrics, ensure_ascii=False, indent=1) + "\n",
        "model_card.md": base_card(description),
    }
    write_bundle(folder, description, {**bundle.tensors, "pairs": scorer.state()}, documents=documents)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m training.event_bundle", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the annotated corpora")
    parser.add_argument("--bundle", type=Path, default=base_bundle_path(), help="base bundle whose scorer is replaced")
    parser.add_argument("--config", type=Path, default=CONFIGS / "base.toml", help="the recipe; it gives the seed")
    chosen = parser.parse_args(arguments)
    recipe = load_recipe(chosen.config, BaseRecipe)
    # Not through `base_model_from`: the scorer that is to be replaced may be of an earlier version.
    tensors = load_bundle(chosen.bundle).tensors["meaning"]
    words = meaning_heads_from(tensors, columns=tensors["weights"].shape[1]).space
    scorer, figures = train_events(read_events(chosen.corpus), words, seed=recipe.seed)
    replace_scorer(chosen.bundle, scorer, figures)
    print(json.dumps(figures, ensure_ascii=False, indent=1))  # noqa: T201 - a program's answer


if __name__ == "__main__":
    main()
