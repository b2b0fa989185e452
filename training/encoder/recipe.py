"""The encoder's recipe: one TOML file per budget, the same keys in each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from training.config import CONFIGS
from triage.errors import TrainingError

CPU, GPU = CONFIGS / "encoder_cpu.toml", CONFIGS / "encoder_gpu.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class VocabularyRecipe:
    """Settings of the tokenizer.

    Attributes:
        pieces: Most words of several characters, the most frequent ones.
        least_texts: A piece of several characters in fewer texts is dropped, so that nobody's name is in the list.
        least_texts_of_a_character: The same for single characters.
        background_share: Share of the lines that are no appeals, 0 … 1, which count when pieces are weighed.
    """

    pieces: int
    least_texts: int
    least_texts_of_a_character: int
    background_share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkRecipe:
    """Shape of the network.

    Attributes:
        width: Length of token states and of the vector of a text.
        hidden: Width inside a block.
        kernel: Tokens a convolution sees, odd.
        blocks: Each ``conv:DILATION`` or ``attention``.
        views: Attention heads of the pooling.
        dropout: Inside the blocks.
        head_dropout: Before the task heads.
        head_tokens: A longer text keeps so many tokens of its beginning …
        tail_tokens: … and so many of its end, where the demand stands.
    """

    width: int
    hidden: int
    kernel: int
    blocks: tuple[str, ...]
    views: int
    dropout: float
    head_dropout: float
    head_tokens: int
    tail_tokens: int

    @property
    def max_tokens(self) -> int:
        """The longest sequence the encoder reads."""
        return self.head_tokens + self.tail_tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class StageRecipe:
    """Budget of one stage; it ends with whichever of steps and minutes is used up first, the learning rate at zero.

    Attributes:
        steps: Optimiser steps.
        minutes: Wall clock; 0 sets no limit, and the result then depends on seed and steps alone.
        batch_tokens: Tokens in a step, padding included.
        rate: Highest learning rate.
        embedding_rate: The same for token embeddings, which start as factorised co-occurrence.
        warmup: Share of the stage in which the rate rises.
        save_every: Steps between two checkpoints.
    """

    steps: int
    minutes: float
    batch_tokens: int
    rate: float
    embedding_rate: float
    warmup: float
    save_every: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskingRecipe:
    """Settings of the language model.

    Attributes:
        stage: Its budget.
        row_tokens: Texts are laid end to end and cut into rows of so many tokens.
        masked: Share of the tokens to guess.
        appeal_epochs: How often appeals are read; lines of other kinds fill the rest of the budget.
    """

    stage: StageRecipe
    row_tokens: int
    masked: float
    appeal_epochs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class JointRecipe:
    """Settings of the stage that learns tasks and contrast together.

    Attributes:
        stage: Its budget.
        tasks: Share of the steps that go to each labelled source, e.g. ``{letters = 3, calls = 1}``.
        contrasts: Share of the steps that go to each kind of pairs.
        hidden_tokens: Share of the tokens hidden from a step, so that it does not lean on single words.
        scale: Inverse temperature of the contrastive loss.
        unit_share: Share of the tickets, the earliest, whose units are learned; a local stack stays honest on the rest.
        smoothing: Of the labels of exclusive heads.
    """

    stage: StageRecipe
    tasks: dict[str, float]
    contrasts: dict[str, float]
    hidden_tokens: float
    scale: float
    unit_share: float
    smoothing: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderRecipe:
    """All settings of one encoder.

    Attributes:
        name: Of the encoder.
        version: Of the encoder.
        seed: Of every random choice.
        device: ``cpu`` or ``cuda``.
        threads: Of the CPU.
        vocabulary: Tokenizer.
        network: Shape.
        masking: Language model.
        joint: Tasks and contrast.
    """

    name: str
    version: str
    seed: int
    device: str
    threads: int
    vocabulary: VocabularyRecipe
    network: NetworkRecipe
    masking: MaskingRecipe
    joint: JointRecipe


def load_encoder_recipe(path: Path) -> EncoderRecipe:
    """Read a recipe.

    Raises:
        TrainingError: If the file cannot be read, or a key is missing or unknown.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"recipe {path} cannot be read: {error}") from error
    values = _with(values, "vocabulary", VocabularyRecipe)
    values = _with(values, "network", NetworkRecipe)
    for part, kind in (("masking", MaskingRecipe), ("joint", JointRecipe)):
        values[part] = _with(dict(values.get(part, {})), "stage", StageRecipe)
        values = _with(values, part, kind)
    return _made(values, EncoderRecipe, "")


Kind = TypeVar("Kind")


def _with(values: dict[str, Any], key: str, kind: type[Kind]) -> dict[str, Any]:
    return values | {key: _made(values.get(key, {}), kind, key)}


def _made(values: dict[str, Any], kind: type[Kind], part: str) -> Kind:
    wanted = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if values.keys() != wanted:
        odd = sorted(values.keys() ^ wanted)
        raise TrainingError(f"recipe, part {part or 'top'}: missing or unknown keys {odd}; expected {sorted(wanted)}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
