"""Recipes: one small TOML file per run, read once and checked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from triage.errors import TrainingError

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalRecipe:
    """Settings of a local bundle.

    Attributes:
        seed: Of every random choice.
        orders: Shortest and longest character n-gram.
        min_texts: N-grams in fewer texts are dropped (at least 3, for privacy).
        max_features: Size limit of the vocabulary.
        svm_c: Inverse regularisation of the linear SVMs.
        held_out_share: Share of the tickets, the latest, that chooses temperatures, weights and the threshold.
    """

    seed: int
    orders: tuple[int, int]
    min_texts: int
    max_features: int
    svm_c: float
    held_out_share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseRecipe:
    """Settings of the base bundle.

    Attributes:
        seed: Of every random choice.
        orders: Shortest and longest character n-gram.
        min_texts: N-grams in fewer texts are dropped (at least 3, for privacy).
        max_features: Size limit of the content's vocabulary.
        title_features: Size limit of the title's vocabulary.
        svm_c: Inverse regularisation of the functions of tickets.
        ridge: Regularisation of the other first-level heads.
        title_weight: Length of the title's vector beside the content's.
        words: Size limit of the word list, the most frequent ones.
        word_vector: Length of a word's vector.
        clusters: Of the letters; the centres of those with at least three texts are the landmarks.
        landmark_width: γ of the Gaussian around each.
        meaning: Share of the nearness to landmarks in the kernel; the n-grams have the rest.
        views: What whole text, title and end count in that share; together 1.
        folds: Of the cross-validation that calibrates and is reported.
    """

    seed: int
    orders: tuple[int, int]
    min_texts: int
    max_features: int
    title_features: int
    svm_c: float
    ridge: float
    title_weight: float
    words: int
    word_vector: int
    clusters: int
    landmark_width: float
    meaning: float
    views: tuple[float, float, float]
    folds: int


RecipeT = TypeVar("RecipeT", LocalRecipe, BaseRecipe)


def load_recipe(path: Path, kind: type[RecipeT]) -> RecipeT:
    """Read a recipe.

    Raises:
        TrainingError: If a key is missing or unknown.
    """
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"recipe {path} cannot be read: {error}") from error
    wanted = {field.name for field in fields(kind)}
    if values.keys() != wanted:
        odd = sorted(values.keys() ^ wanted)
        raise TrainingError(f"recipe {path}: missing or unknown keys {odd}; expected exactly {sorted(wanted)}")
    checked: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return kind(**checked)
