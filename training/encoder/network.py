"""The network: token embeddings, light gated blocks, pooling by several attention heads, and one linear layer per task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the customary name

from training.encoder.recipe import NetworkRecipe
from training.encoder.vocabulary import SPECIAL
from triage.errors import TrainingError

_PAD = SPECIAL.index("[PAD]")
_CONV, _ATTENTION = "conv", "attention"
_FAR = -1e4
"""Score of a padded token; finite, so that a text without tokens gives zeros and not NaN."""


@dataclass(frozen=True, slots=True)
class Read:
    """What the network says of a batch.

    Attributes:
        vectors: float32[b, width], each of length 1.
        logits: Head → float32[b, classes].
    """

    vectors: Tensor
    logits: dict[str, Tensor]


class GatedConvolution(nn.Module):
    """A depthwise dilated convolution between two dense layers, gated (Dauphin et al. 2017; Wu et al. 2019).

    It costs a third of self-attention with its feed-forward layer, and most of what routing needs is local: a verb
    and its object, a place and its suffix.
    """

    def __init__(self, recipe: NetworkRecipe, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(recipe.width)
        self.inner = nn.Linear(recipe.width, 2 * recipe.hidden)
        self.taps = nn.Parameter(torch.randn(recipe.kernel, recipe.hidden) / recipe.kernel**0.5)
        self.outer = nn.Linear(recipe.hidden, recipe.width)
        self.dropout = nn.Dropout(recipe.dropout)
        self.dilation = dilation

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        """Return float[b, t, width]; padding, 0 in ``present`` float[b, t, 1], does not leak into its neighbours."""
        value, gate = self.inner(self.norm(states)).chunk(2, dim=-1)
        value = value * present
        length, reach = value.shape[1], self.dilation * (self.taps.shape[0] // 2)
        padded = F.pad(value, (0, 0, reach, reach))
        # Shifted copies and not a convolution: on a CPU, forward and backward, that is faster than depthwise conv1d.
        mixed = padded[:, :length] * self.taps[0]
        for number in range(1, self.taps.shape[0]):
            start = number * self.dilation
            mixed = mixed + padded[:, start : start + length] * self.taps[number]
        added: Tensor = self.dropout(self.outer(mixed * F.silu(gate)))
        return states + added


class SelfAttention(nn.Module):
    """Self-attention with a gated feed-forward layer; order is known from the convolutions below it."""

    def __init__(self, recipe: NetworkRecipe) -> None:
        super().__init__()
        self.heads = recipe.views
        self.norm = nn.LayerNorm(recipe.width)
        self.inner = nn.Linear(recipe.width, 3 * recipe.width)
        self.outer = nn.Linear(recipe.width, recipe.width)
        self.second_norm = nn.LayerNorm(recipe.width)
        self.wide = nn.Linear(recipe.width, 2 * recipe.hidden)
        self.narrow = nn.Linear(recipe.hidden, recipe.width)
        self.dropout = nn.Dropout(recipe.dropout)

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        """Return float[b, t, width]; padding is not attended to."""
        size, length, width = states.shape
        split = self.inner(self.norm(states)).view(size, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5
        scores = scores + (1.0 - present[:, None, None, :, 0]) * _FAR
        mixed = (scores.softmax(dim=-1) @ value).transpose(1, 2).reshape(size, length, width)
        states = states + self.dropout(self.outer(mixed))
        value, gate = self.wide(self.second_norm(states)).chunk(2, dim=-1)
        added: Tensor = self.dropout(self.narrow(value * F.silu(gate)))
        return states + added


class Pooling(nn.Module):
    """Several learned views of a text side by side, its mean and its strongest features."""

    def __init__(self, recipe: NetworkRecipe) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(recipe.width)
        self.scores = nn.Linear(recipe.width, recipe.views)
        self.values = nn.Linear(recipe.width, recipe.width)

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        """Return float[b, 3 · width]."""
        states = self.norm(states)
        size, length, width = states.shape
        views = self.scores.out_features
        away = (1.0 - present) * _FAR
        weights = (self.scores(states) + away).softmax(dim=1)
        values = self.values(states).view(size, length, views, width // views)
        seen = (weights[..., None] * values * present[..., None]).sum(dim=1).reshape(size, width)
        mean = (states * present).sum(dim=1) / present.sum(dim=1).clamp(min=1.0)
        strongest = (states * present + away).amax(dim=1).clamp(min=-10.0)
        return torch.cat([seen, mean, strongest], dim=-1)


class AppealNetwork(nn.Module):
    """Token numbers in, a unit vector and task logits out."""

    def __init__(self, recipe: NetworkRecipe, *, tokens: int, heads: Mapping[str, int]) -> None:
        """Build it with random weights.

        Args:
            recipe: Shape.
            tokens: Size of the vocabulary.
            heads: Task → number of classes.
        """
        super().__init__()
        self.embedding = nn.Embedding(tokens, recipe.width, padding_idx=_PAD)
        nn.init.normal_(self.embedding.weight, std=0.5)
        self.blocks = nn.ModuleList(_block(kind, recipe) for kind in recipe.blocks)
        self.input_dropout = nn.Dropout(recipe.dropout)
        self.final_norm = nn.LayerNorm(recipe.width)
        self.guess = nn.Linear(recipe.width, recipe.width)
        self.guess_bias = nn.Parameter(torch.zeros(tokens))
        self.pooling = Pooling(recipe)
        self.pooled_norm = nn.LayerNorm(3 * recipe.width)
        self.vector = nn.Linear(3 * recipe.width, recipe.width)
        self.head_dropout = nn.Dropout(recipe.head_dropout)
        self.head_names = tuple(heads)
        # In a list: a module may not have a part called "type".
        self.heads = nn.ModuleList(nn.Linear(3 * recipe.width, size) for size in heads.values())

    def states(self, ids: Tensor, present: Tensor) -> Tensor:
        """Return float[b, t, width] of int64[b, t] and float[b, t, 1]."""
        return self.contextual(self.input_dropout(self.embedding(ids)), present)

    def contextual(self, states: Tensor, present: Tensor) -> Tensor:
        """Return float[b, t, width]: what the blocks make of the tokens' own vectors."""
        for block in self.blocks:
            states = block(states, present)
        return states

    def guesses(self, states: Tensor) -> Tensor:
        """Return float[m, tokens], logits of the hidden tokens whose states float[m, width] are given."""
        return F.linear(F.silu(self.guess(self.final_norm(states))), self.embedding.weight, self.guess_bias)

    def pooled(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return float32[b, 3 · width], what all outputs are made from."""
        present = mask[..., None].to(torch.float32)
        return self.summary(self.states(ids, present), present)

    def summary(self, states: Tensor, present: Tensor) -> Tensor:
        """Return float32[b, 3 · width] of the tokens' states."""
        features: Tensor = self.pooled_norm(self.pooling(states, present))
        return features

    def unit_vectors(self, pooled: Tensor) -> Tensor:
        """Return float32[b, width] of length 1."""
        return F.normalize(self.vector(pooled).float(), dim=-1)

    def forward(self, ids: Tensor, mask: Tensor) -> Read:
        """Read int64[b, t] token numbers; ``mask`` is 1 for tokens and 0 for padding."""
        pooled = self.pooled(ids, mask)
        return Read(self.unit_vectors(pooled), self.logits(self.head_dropout(pooled)))

    def logits(self, pooled: Tensor) -> dict[str, Tensor]:
        """Return head → float32[b, classes]."""
        return {name: head(pooled).float() for name, head in zip(self.head_names, self.heads, strict=True)}


def _block(kind: str, recipe: NetworkRecipe) -> nn.Module:
    name, _, dilation = kind.partition(":")
    if name == _CONV and dilation.isdecimal():
        return GatedConvolution(recipe, int(dilation))
    if name == _ATTENTION and not dilation:
        return SelfAttention(recipe)
    raise TrainingError(f"recipe, part network: block {kind!r} is neither conv:DILATION nor attention")
