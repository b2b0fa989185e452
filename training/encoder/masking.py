"""The language-model stage: guess hidden tokens of unlabelled texts (Devlin et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.nn import functional as F  # noqa: N812 - the customary name
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from training.encoder.company import Tokens
from training.encoder.loop import StepLoss
from training.encoder.network import AppealNetwork
from training.encoder.recipe import MaskingRecipe
from training.encoder.vocabulary import BORDER, MASK, PAD, SPECIAL, UNKNOWN

Rows = NDArray[np.int32]


def make_rows(appeals: Tokens, background: Tokens, recipe: MaskingRecipe, *, seed: int) -> Rows:
    """Cut texts laid end to end into rows, mixed: int32[r, row_tokens].

    Appeals come `appeal_epochs` times, cut elsewhere each time; other lines fill the rest of the budget.
    """
    generator = np.random.default_rng([seed, 1])
    wanted = recipe.stage.steps * _rows_per_step(recipe)
    starts = [generator.integers(recipe.row_tokens) for _ in range(recipe.appeal_epochs)]
    own = np.concatenate([_cut(appeals[start:], recipe.row_tokens) for start in starts])
    other = _cut(background, recipe.row_tokens)
    other = other[generator.permutation(len(other))[: max(0, wanted - len(own))]]
    rows = np.concatenate([own, other])
    return rows[generator.permutation(len(rows))]


def masked_steps(
    network: AppealNetwork, tokenizer: Tokenizer, rows: Rows, recipe: MaskingRecipe, *, seed: int
) -> Callable[[int], StepLoss]:
    """Return the loss of each step: rows are taken in turn, and from the beginning again when they end."""
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token=PAD, unk_token=UNKNOWN, sep_token=BORDER, mask_token=MASK
    )
    collator = DataCollatorForLanguageModeling(wrapped, mlm_probability=recipe.masked)
    size, device = _rows_per_step(recipe), network.embedding.weight.device

    def loss(step: int) -> StepLoss:
        chosen = np.arange(step * size, (step + 1) * size) % len(rows)
        ids = torch.from_numpy(rows[chosen].astype(np.int64))
        collator.generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        inputs, labels = collator.torch_mask_tokens(ids, special_tokens_mask=ids < len(SPECIAL))
        inputs, labels = inputs.to(device), labels.to(device)
        states = network.states(inputs, torch.ones(*inputs.shape, 1, device=device))
        hidden = labels >= 0
        logits = network.guesses(states[hidden])
        return StepLoss("masked", F.cross_entropy(logits.float(), labels[hidden]), ids.numel())

    return loss


def _rows_per_step(recipe: MaskingRecipe) -> int:
    return max(1, recipe.stage.batch_tokens // recipe.row_tokens)


def _cut(tokens: Tokens, length: int) -> Rows:
    return tokens[: len(tokens) // length * length].reshape(-1, length)
