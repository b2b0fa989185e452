"""The last stage: contrast between texts and all tasks, trained together end to end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from tokenizers import Tokenizer
from torch import Tensor

from training.encoder.loop import StepLoss
from training.encoder.network import AppealNetwork
from training.encoder.recipe import EncoderRecipe
from training.encoder.tasks import Tasks, task_loss
from training.encoder.texts import TICKET, Pair, Ticket, ticket_pairs
from training.encoder.vocabulary import MASK, SPECIAL, clip, ids_of

_POOL = 16
"""Batches are cut from so many batches' worth of texts ordered by length: little padding, and still mixed."""

_PAIR_HEAD, _PAIR_TAIL = 72, 24
"""What of a text is contrasted: shorter texts mean more of them in a batch, and more to tell apart."""

_PAIR_BUDGET = 3
"""A step of pairs may read so many times the tokens of another step: the other pairs of a batch are what is learned from."""

_MOST_PAIRS = 128

Ids = list[list[int]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one source, or of one kind of pairs."""

    part: str
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """Pairs as token numbers: anchors, positives and, for kinds that have them, negatives.

    Attributes:
        texts: Two or three lists of n texts.
        distinct: What may stand in a batch only once: another ticket of the same unit is no negative.
    """

    texts: Sequence[Ids]
    distinct: Sequence[str]


def make_columns(
    pairs: Mapping[str, Sequence[Pair]], tickets: Sequence[Ticket], tokenizer: Tokenizer, *, seed: int
) -> dict[str, Columns]:
    """Turn pairs into token numbers; those of tickets are drawn here."""
    generator = np.random.default_rng([seed, 2])
    routed = ticket_pairs(tickets, lambda n: int(generator.integers(n)))
    units = {ticket.example.document.text: ticket.example.unit for ticket in tickets}
    columns = {}
    for kind, listed in {**pairs, TICKET: routed}.items():
        names = [units[pair.anchor] if kind == TICKET else pair.positive for pair in listed]
        texts = [[pair.anchor for pair in listed], [pair.positive for pair in listed]]
        if listed and all(pair.negative for pair in listed):
            texts.append([pair.negative for pair in listed])
        ids = [[clip(i, head=_PAIR_HEAD, tail=_PAIR_TAIL) for i in ids_of(tokenizer, column)] for column in texts]
        columns[kind] = Columns(ids, names)
    return columns


class JointSteps:
    """The loss of each step of the joint stage; which texts a step reads depends on the seed alone."""

    def __init__(
        self,
        network: AppealNetwork,
        tokenizer: Tokenizer,
        tasks: Tasks,
        columns: Mapping[str, Columns],
        recipe: EncoderRecipe,
    ) -> None:
        self._network, self._tasks, self._columns, self._recipe = network, tasks, columns, recipe
        shape = recipe.network
        self._ids = {
            name: [clip(i, head=shape.head_tokens, tail=shape.tail_tokens) for i in ids_of(tokenizer, source.texts)]
            for name, source in tasks.sources.items()
        }
        self._mask = SPECIAL.index(MASK)
        self._loss = MultipleNegativesRankingLoss(model=network, scale=recipe.joint.scale)  # type: ignore[arg-type]
        self._batches = self._schedule()

    def __call__(self, step: int) -> StepLoss:
        """Return the loss of one step."""
        batch = self._batches[step % len(self._batches)]
        if batch.part in self._columns:
            return self._contrast(batch)
        ids, mask = self._padded([self._ids[batch.part][row] for row in batch.rows])
        read = self._network(self._hidden(ids), mask)
        targets = self._tasks.sources[batch.part].targets
        loss = task_loss(read.logits, targets, batch.rows, smoothing=self._recipe.joint.smoothing)
        return StepLoss(batch.part, loss, ids.numel())

    def _contrast(self, batch: Batch) -> StepLoss:
        columns = self._columns[batch.part].texts
        vectors, tokens = [], 0
        for texts in columns:
            ids, mask = self._padded([texts[row] for row in batch.rows])
            vectors.append(self._network.unit_vectors(self._network.pooled(self._hidden(ids), mask)))
            tokens += ids.numel()
        labels = torch.arange(len(batch.rows), device=vectors[0].device)
        return StepLoss(batch.part, self._loss.compute_loss_from_embeddings(vectors, labels), tokens)

    def _padded(self, texts: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        return padded(texts, device=self._network.embedding.weight.device)

    def _hidden(self, ids: Tensor) -> Tensor:
        """Hide some tokens."""
        hidden = (torch.rand(ids.shape, device=ids.device) < self._recipe.joint.hidden_tokens) & (ids >= len(SPECIAL))
        return torch.where(hidden, self._mask, ids)

    def _schedule(self) -> list[Batch]:
        """Deal all steps to sources and kinds of pairs by their shares."""
        joint = self._recipe.joint
        wanted = {
            **joint.tasks,
            **{kind: share for kind, share in joint.contrasts.items() if self._columns[kind].texts[0]},
        }
        generator = np.random.default_rng([self._recipe.seed, 3])
        names = list(wanted)
        shares = np.array([wanted[name] for name in names], dtype=np.float64)
        drawn = generator.choice(len(names), size=joint.stage.steps, p=shares / shares.sum())
        streams = {name: self._stream(name, generator.integers(2**32)) for name in names}
        return [Batch(names[i], next(streams[names[i]])) for i in drawn]

    def _stream(self, name: str, seed: np.int64) -> Iterator[NDArray[np.int64]]:
        generator = np.random.default_rng(int(seed))
        budget = self._recipe.joint.stage.batch_tokens
        if name not in self._columns:
            yield from _batches_without_end([len(i) for i in self._ids[name]], budget, generator)
            return
        columns = self._columns[name]
        lengths = [sum(map(len, row)) for row in zip(*columns.texts, strict=True)]
        for rows in _batches_without_end(lengths, _PAIR_BUDGET * budget, generator):
            _, first = np.unique([columns.distinct[row] for row in rows], return_index=True)
            yield rows[np.sort(first)][:_MOST_PAIRS]


def padded(texts: Sequence[list[int]], *, device: torch.device | str) -> tuple[Tensor, Tensor]:
    """Return int64[b, t] token numbers and their mask; a text without tokens counts as one unknown token."""
    filled = [ids or [1] for ids in texts]
    longest = max(map(len, filled))
    ids = torch.zeros(len(filled), longest, dtype=torch.int64)
    mask = torch.zeros(len(filled), longest, dtype=torch.int64)
    for row, text in enumerate(filled):
        ids[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = 1
    return ids.to(device), mask.to(device)


def _batches_without_end(
    lengths: Sequence[int], budget: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield rows of similar length whose padded size fits the budget, epoch after epoch."""
    length = np.maximum(np.array(lengths), 1)
    average = max(1, int(budget / length.mean()))
    while True:
        order = generator.permutation(len(length))
        for at in range(0, len(order), _POOL * average):
            pool = order[at : at + _POOL * average]
            pool = pool[np.argsort(length[pool], kind="stable")]
            batches = list(_cut(pool, length, budget))
            for number in generator.permutation(len(batches)):
                yield batches[number]


def _cut(rows: NDArray[np.int64], length: NDArray[np.int64], budget: int) -> Iterator[NDArray[np.int64]]:
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (end + 1 - start) * length[rows[end]] > budget:
            yield rows[start:end]
            start = end
