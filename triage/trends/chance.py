"""How improbable a count is, held against earlier counts that fluctuate more than chance alone."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, gammaln

Floats = NDArray[np.float64]

_TAIL_DEVIATIONS = 60.0
_POISSON = 1.0 + 1e-6


def upper_tail(count: int, total: float, share: float, *, dispersion: float = 1.0) -> float:
    """Return the probability that chance puts ``count`` or more of ``total`` appeals into the period looked at.

    Two independent counts in proportion to the volume of their periods, given their sum: binomial when both are Poisson
    (dispersion 1), and Pólya (beta-binomial) when both are negative binomial with variance = dispersion × mean.
    Conditioning on the sum means that no rate has to be estimated, so a short history makes the test cautious rather than
    wrong.

    Args:
        count: Appeals in the period, 0 to ``total``.
        total: Appeals in period and history together; a weighted history need not be whole.
        share: The period's part of the volume of both, above 0 and below 1.
        dispersion: Variance over mean of a count, at least 1.
    """
    if count <= 0:
        return 1.0
    if count <= total * share:
        return min(1.0, max(0.0, 1.0 - _mass(0, count - 1, total, share, dispersion)))
    deviation = sqrt(total * share * (1.0 - share) * max(1.0, dispersion))
    return _mass(count, min(int(total), int(count + _TAIL_DEVIATIONS * (deviation + 1.0))), total, share, dispersion)


def two_sided(count: int, total: float, share: float, *, dispersion: float = 1.0) -> float:
    """Return twice the smaller tail, at most 1."""
    lower = 1.0 - upper_tail(count + 1, total, share, dispersion=dispersion) if count < total else 1.0
    return min(1.0, 2.0 * min(lower, upper_tail(count, total, share, dispersion=dispersion)))


def log_ratio(count: float, total: float, share: float) -> float:
    """Return the log-likelihood ratio of an excess in the period over none (Kulldorff 1997); 0 where there is no excess."""
    expected = total * share
    if count <= expected:
        return 0.0
    rest = total - count
    return count * log(count / expected) + (rest * log(rest / (total - expected)) if rest > 0 else 0.0)


def false_discovery_rates(p: ArrayLike, *, tested: int) -> Floats:
    """Return for each probability the false discovery rate at which it is found (Benjamini and Hochberg 1995).

    Args:
        p: float64[k], probabilities; the ``tested - k`` others that were looked at count as 1.
        tested: How many were looked at, at least k.

    Returns:
        float64[k] in the order of ``p``.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * tested / np.arange(1, len(values) + 1)
    found = np.empty_like(values)
    found[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return found


def pooled_dispersion(ratios: Floats, *, weight: float = 10.0) -> float:
    """Return the dispersion that many series share, at least 1.

    The highest twentieth is cut down to the border of it: those are bursts, not how counts fluctuate.

    Args:
        ratios: float64[k], each an estimate of variance over mean.
        weight: So many series are assumed that are Poisson, which steadies a handful.
    """
    if not len(ratios):
        return 1.0
    cut = np.minimum(ratios, np.quantile(ratios, 0.95))
    return max(1.0, float((cut.sum() + weight) / (len(cut) + weight)))


def _mass(first: int, last: int, total: float, share: float, dispersion: float) -> float:
    """Return the probability of ``first`` to ``last`` appeals in the period."""
    if last < first:
        return 0.0
    k = np.arange(first, last + 1, dtype=np.float64)
    choose = gammaln(total + 1.0) - gammaln(k + 1.0) - gammaln(total - k + 1.0)
    if dispersion <= _POISSON:
        logs = choose + k * log(share) + (total - k) * log(1.0 - share)
    else:
        size = total / (dispersion - 1.0)
        now, before = size * share, size * (1.0 - share)
        logs = choose + betaln(k + now, total - k + before) - betaln(now, before)
    return min(1.0, float(np.exp(logs).sum()))
