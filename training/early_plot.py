"""Draws the curve of early warning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.early_figures import EarlyFigures
from training.early_tuning import Point


def draw(points: Sequence[Point], marks: Sequence[tuple[str, EarlyFigures]], path: Path) -> None:
    """Write the share warned of early over the wrong warnings per week as PNG.

    Args:
        points: The curve.
        marks: Single rule sets to show beside it, with their names in English (no font of Chinese is presumed).
        path: Where the picture goes.
    """
    import matplotlib as mpl  # noqa: PLC0415 - half a second that only this needs

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7.2, 4.4), dpi=130)
    for name, style, figures in (
        ("thresholds chosen and judged on the same folds", "--", [point.seen for point in points]),
        ("thresholds chosen on the other folds", "-", [point.unseen for point in points]),
    ):
        across = [one.estimated_wrong_per_week for one in figures]
        axes.plot(across, [100 * one.share for one in figures], style, marker="o", markersize=4, label=name)
    for marker, (name, one) in zip("s^Dv", marks, strict=False):
        axes.plot([one.estimated_wrong_per_week], [100 * one.share], marker, markersize=8, label=name)
    axes.set_xlabel("wrong warnings per week (estimated)")
    axes.set_ylabel("warned before the serious message, %")
    axes.set_ylim(0, 100)
    axes.set_xlim(left=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
