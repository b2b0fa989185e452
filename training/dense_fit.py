"""Fits a small network over dense vectors (`models.dense_head`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the customary name

from models.dense_head import DenseHead
from models.linear import Scores


@dataclass(frozen=True, kw_only=True, slots=True)
class DenseRecipe:
    """How to fit it; a first guess that was not tuned.

    Attributes:
        hidden: Width of the hidden layer.
        epochs: Passes over the tickets.
        batch: Tickets of one step.
        rate: Highest learning rate of the one-cycle schedule (Smith 2018).
        decay: Weight decay of AdamW.
        input_dropout: Share of the inputs left out.
        hidden_dropout: Share of the hidden units left out.
        smoothing: Label smoothing; one ticket in ten of such a history went to a unit that another clerk would not choose.
        members: Networks with weights and orders of their own, whose logits are averaged: they err differently.
    """

    hidden: int = 512
    epochs: int = 14
    batch: int = 128
    rate: float = 2e-3
    decay: float = 0.05
    input_dropout: float = 0.2
    hidden_dropout: float = 0.4
    smoothing: float = 0.05
    members: int = 3


def fit_dense(vectors: Scores, truth: NDArray[np.int64], classes: int, *, recipe: DenseRecipe, seed: int) -> DenseHead:
    """Fit a head.

    Args:
        vectors: float32[n, d], n ≥ one batch.
        truth: int64[n], the right class of each.
        classes: How many there are.
        recipe: Settings.
        seed: Of weights, order and dropout.
    """
    centre, scale = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    inputs = torch.from_numpy(((vectors - centre) / scale).astype(np.float32))
    members = []
    with _alone(seed):
        for _ in range(recipe.members):
            inner, outer = nn.Linear(vectors.shape[1], recipe.hidden), nn.Linear(recipe.hidden, classes)
            _descend(inner, outer, inputs, torch.from_numpy(truth), recipe)
            members.append([_array(part) for part in (inner.weight.T, inner.bias, outer.weight.T, outer.bias)])
    inners, inner_biases, outers, outer_biases = zip(*members, strict=True)
    # Side by side, with their outputs shared out, several networks are one network that averages their logits.
    return DenseHead(
        centre.astype(np.float32),
        scale.astype(np.float32),
        np.hstack(inners),
        np.concatenate(inner_biases),
        np.asarray(np.vstack(outers) / recipe.members, dtype=np.float32),
        np.mean(outer_biases, axis=0, dtype=np.float32),
    )


def _array(part: torch.Tensor) -> Scores:
    return np.ascontiguousarray(part.detach().numpy(), dtype=np.float32)


@contextmanager
def _alone(seed: int) -> Iterator[None]:
    """Fix seed and threads, and give both back afterwards.

    One thread: the steps are small, and on a busy machine two threads wait for each other longer than they work.
    """
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.random.set_rng_state(state)


def _descend(
    inner: nn.Linear, outer: nn.Linear, inputs: torch.Tensor, truth: torch.Tensor, recipe: DenseRecipe
) -> None:
    size = min(recipe.batch, len(truth))
    steps = recipe.epochs * (len(truth) // size)
    parameters = [*inner.parameters(), *outer.parameters()]
    optimiser = torch.optim.AdamW(parameters, recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps + 1)
    for _ in range(recipe.epochs):
        order = torch.randperm(len(truth))
        for at in range(0, len(truth) - size + 1, size):
            rows = order[at : at + size]
            hidden = F.gelu(inner(F.dropout(inputs[rows], recipe.input_dropout)))
            logits = outer(F.dropout(hidden, recipe.hidden_dropout))
            loss = F.cross_entropy(logits, truth[rows], label_smoothing=recipe.smoothing)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
