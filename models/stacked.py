"""The second level: small dense linear heads over what the first level says of an appeal (Wolpert 1992)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Tensors
from models.errors import BundleError
from models.linear import Scores

VERSION = "stacked.v1"

GATE_WEIGHT = 0.35
"""Size of the gated inputs beside the plain ones: the styles share most of what they teach."""


@dataclass(frozen=True, slots=True)
class StackedHeads:
    """Linear heads over standardised inputs, turned continuously from one style of text to another.

    ``margin = S · W + g · S · V + intercept`` with S the standardised inputs and g the gate: what 投诉 in a citizen's own
    letter says and what it says in a call-taker's note may differ, and one bundle reads both (Jacobs et al. 1991,
    with a gate that is given instead of learned).

    Attributes:
        inputs: Names of the p inputs, in column order.
        centre: float32[p], mean of each input in training, out of fold.
        scale: float32[p], its standard deviation.
        weights: float32[2 p, c], W above V; all heads' columns next to each other.
        intercepts: float32[c].
        columns: Head → its slice of the c columns.
        gate: The input that is the gate, clipped to −1 … 1.
    """

    inputs: tuple[str, ...]
    centre: Scores
    scale: Scores
    weights: Scores
    intercepts: Scores
    columns: Mapping[str, slice]
    gate: str

    def margins(self, inputs: Scores) -> dict[str, Scores]:
        """Return head → float32[n, classes of the head] from float32[n, p]; unbounded, uncalibrated."""
        gate = inputs[:, [self.inputs.index(self.gate)]]
        # In double precision: a float32 product differs in its last digits with the number of rows, and an appeal decided
        # alone would round to another probability than in a batch.
        standard = gated((inputs - self.centre) / self.scale, gate).astype(np.float64)
        product = standard @ self.weights.astype(np.float64) + self.intercepts
        return {head: np.asarray(product[:, columns], dtype=np.float32) for head, columns in self.columns.items()}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store."""
        return {
            "centre": self.centre,
            "scale": self.scale,
            "weights": self.weights,
            "intercepts": self.intercepts,
        }

    def settings(self) -> dict[str, Any]:
        """Return the names to store in the manifest."""
        return {"inputs": list(self.inputs), "heads": list(self.columns), "gate": self.gate}


def gated(standard: NDArray[np.floating], gate: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return float[n, 2 p]: standardised inputs float[n, p] and the same times the gate float[n, 1]."""
    return np.hstack([standard, standard * (GATE_WEIGHT * np.clip(gate, -1.0, 1.0))])


def stacked_from(
    tensors: Tensors, settings: Mapping[str, Any], classes: Mapping[str, list[str]], *, inputs: Sequence[str]
) -> StackedHeads:
    """Rebuild heads from what `StackedHeads.tensors` and `StackedHeads.settings` gave.

    Args:
        tensors: The arrays.
        settings: The names.
        classes: Head → class names.
        inputs: The inputs that this program computes, in order.

    Raises:
        BundleError: If the bundle's inputs are others, or arrays and names do not fit together.
    """
    if list(settings["inputs"]) != list(inputs):
        odd = sorted(set(settings["inputs"]) ^ set(inputs))
        raise BundleError(f"second level: inputs {odd} differ or stand in another order; train the bundle again")
    columns, at = {}, 0
    for head in settings["heads"]:
        columns[head] = slice(at, at + len(classes[head]))
        at += len(classes[head])
    wanted = {"centre": (len(inputs),), "scale": (len(inputs),), "weights": (2 * len(inputs), at), "intercepts": (at,)}
    for name, shape in wanted.items():
        if name not in tensors or tensors[name].shape != shape:
            raise BundleError(f"second level: {name} does not fit inputs and classes; train the bundle again")
    arrays = {name: tensors[name].astype(np.float32) for name in wanted}
    if settings["gate"] not in inputs:
        raise BundleError(f"second level: gate {settings['gate']!r} is no input; train the bundle again")
    return StackedHeads(tuple(inputs), columns=columns, gate=settings["gate"], **arrays)
