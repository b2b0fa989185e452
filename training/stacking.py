"""Fits the second level: logistic regressions over the standardised outputs of the first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

Matrix = NDArray[np.float64]
Fit = tuple[Matrix, Matrix]

_STEPS = 150


def fit_softmax(
    inputs: Matrix, truth: NDArray[np.integer], classes: int, *, c: float, weight: Matrix | None = None
) -> Fit:
    """Fit a multinomial logistic regression (summed loss + ‖w‖² / 2c, intercepts free).

    Args:
        inputs: float[n, p], standardised.
        truth: int[n].
        classes: Number of columns.
        c: Inverse regularisation.
        weight: float[n], of each example; all the same without it.

    Returns:
        Weights float64[p, classes] and intercepts float64[classes].
    """
    wanted = np.zeros((len(truth), classes))
    wanted[np.arange(len(truth)), truth] = 1.0 if weight is None else weight
    return fit_shares(inputs, wanted, c=c)


def fit_shares(inputs: Matrix, wanted: Matrix, *, c: float) -> Fit:
    """Fit as `fit_softmax`, to shares of the classes instead of one right class.

    Args:
        inputs: float[n, p], standardised.
        wanted: float[n, classes], what each class should get; a row's sum is the weight of its example.
        c: Inverse regularisation.
    """
    size = wanted.sum(axis=1, keepdims=True)

    def loss(scores: Matrix) -> tuple[float, Matrix]:
        logs = log_softmax(scores, axis=1)
        return float(-(wanted * logs).sum()), size * np.exp(logs) - wanted

    return _minimise(inputs, wanted.shape[1], loss, c)


def fit_sigmoids(inputs: Matrix, truth: NDArray[np.bool_], *, c: float) -> Fit:
    """Fit one logistic regression per column of ``truth`` (bool[n, c]), as `fit_softmax` otherwise."""
    target = truth.astype(np.float64)

    def loss(scores: Matrix) -> tuple[float, Matrix]:
        return float((np.logaddexp(0.0, scores) - target * scores).sum()), expit(scores) - target

    return _minimise(inputs, truth.shape[1], loss, c)


def _minimise(inputs: Matrix, columns: int, loss: Callable[[Matrix], tuple[float, Matrix]], c: float) -> Fit:
    width = inputs.shape[1]

    def objective(flat: Matrix) -> tuple[float, Matrix]:
        both = flat.reshape(width + 1, columns)
        weights = both[:width]
        value, slope = loss(inputs @ weights + both[width])
        gradient = np.vstack([inputs.T @ slope + weights / c, slope.sum(axis=0)])
        return value + float((weights**2).sum()) / (2.0 * c), gradient.ravel()

    start = np.zeros((width + 1) * columns)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    both = found.x.reshape(width + 1, columns)
    return both[:width], both[width]
