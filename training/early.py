"""Measures early warning: ``python -m training.early --corpus DIR --work FOLDER``.

Replays the message stream in the order of time and says how many events with a serious message were warned of before it
came, how long before, and how many warnings were wrong. Scores and runs are kept in ``--work`` and used again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from models.bundle import load_bundle
from training.bootstrap import group_interval
from training.config import CONFIGS, BaseRecipe, load_recipe
from training.corpus import read_annotated, read_events
from training.early_figures import EarlyFigures, Stream, judge
from training.early_plot import draw
from training.early_replay import read_arrivals, replay, write_arrivals
from training.early_scores import MessageRisk, read_scores_file, score_stream, write_scores
from training.early_tuning import Point, curve
from training.metrics import wilson
from triage.base_model import base_bundle_path, base_model_from
from triage.rules.warnings import WarningRules

BUDGETS = (1.75, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 8.0)
"""Wrong warnings per week, as estimated, that are allowed at the points of the curve."""

Say = Callable[[str], None]


def read_stream(corpus: Path, work: Path, *, say: Say) -> Stream:
    """Return the stream with its runs; what ``work`` holds already is not made again."""
    recipe = load_recipe(CONFIGS / "base.toml", BaseRecipe)
    risks = _risks(corpus, work / "scores.csv", recipe, say)
    events = read_events(corpus)
    folds = {id_: risk.fold for id_, risk in risks.items()}
    path = work / "arrivals.csv"
    if not path.exists():
        meanings = base_model_from(load_bundle(base_bundle_path())).pairs.meanings
        write_arrivals(replay(events, risks, meanings, seed=recipe.seed, say=say), path)
    arrivals = read_arrivals(path)
    annotated = {
        example.document.appeal.id: example.risk
        for example in read_annotated(corpus)
        if example.document.appeal.id in folds and example.risk is not None
    }
    return Stream.of(arrivals, folds, annotated, events.events)


def _risks(corpus: Path, path: Path, recipe: BaseRecipe, say: Say) -> dict[str, MessageRisk]:
    if not path.exists():
        base = base_model_from(load_bundle(base_bundle_path()))
        write_scores(score_stream(corpus, recipe, base, say=say), path)
    return read_scores_file(path)


def rule_sets(shipped: WarningRules) -> dict[str, WarningRules]:
    """Return what the shipped rules are compared with: parts of them."""
    nobody = {code: replace(step, count=1_000_000) for code, step in shipped.steps.items()}
    silent = replace(shipped, likely=(), steps=nobody, growth=(), heads={3: 1_000_000, 4: 1_000_000})
    return {
        "level of a message only": silent,
        "and what the event does": replace(shipped, likely=()),
        "shipped rules": shipped,
    }


def lead_interval(figures: EarlyFigures) -> tuple[float, float]:
    """Return the 95 % interval of the median lead in days (percentile bootstrap over events)."""
    leads = np.array(figures.leads)
    if not len(leads):
        return 0.0, 0.0
    rows = np.arange(len(leads))
    return group_interval(lambda drawn: float(np.median(leads[drawn])), rows, [str(row) for row in rows])


def row_of(name: str, figures: EarlyFigures) -> list[str]:
    """Return one line of the table."""
    low, high = wilson(figures.warned, figures.with_earlier)
    soonest, latest = lead_interval(figures)
    return [
        name,
        f"{figures.warned} / {figures.with_earlier}",
        f"{figures.share:.2f} ({low:.2f} to {high:.2f})",
        f"{figures.told} / {figures.matters}",
        f"{figures.median_lead:.1f} ({soonest:.1f} to {latest:.1f})",
        f"{figures.right} / {figures.wrong} / {figures.unjudged}",
        f"{figures.wrong_per_week:.2f}",
        f"{figures.estimated_wrong_per_week:.2f}",
        f"{figures.most_wrong_per_week:.2f}",
    ]


HEADINGS = (
    "rules",
    "warned early / could be",
    "share (95 %)",
    "warned early or at its arrival / events",
    "median lead, days (95 %)",
    "warned events right / wrong / unjudged",
    "known wrong per week",
    "estimated",
    "at most",
)


def report(stream: Stream, shipped: WarningRules, output: Path, *, say: Say) -> None:
    """Write the tables and the picture."""
    linked, annotated = stream.matters(annotated=False), stream.matters(annotated=True)
    lines = [f"{date.today().isoformat()}, {len(stream.folds):,} messages, {stream.weeks:.1f} weeks"]  # noqa: DTZ011
    sets = rule_sets(shipped)
    for title, matters in (("Linked events", linked), ("Annotated events", annotated)):
        rows = [row_of(name, judge(stream, rules, matters)) for name, rules in sets.items()]
        lines += ["", f"{title}", "", *_table(HEADINGS, rows)]
    points = curve(stream, shipped, linked, BUDGETS)
    write_points(points, output / "early-warning.csv")
    rows = [
        [
            f"{one.budget:g}",
            *map(str, (one.choice.alone, one.choice.together, one.choice.steps)),
            *row_of("", one.unseen)[1:],
        ]
        for one in points
    ]
    names = ("budget", "one message", "two people", "steps")
    lines += ["", "Thresholds chosen on the other folds", "", *_table((*names, *HEADINGS[1:]), rows)]
    marks = [(name, judge(stream, rules, linked)) for name, rules in sets.items()]
    draw(points, marks, output / "early-warning.png")
    (output / "early-warning.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    say("\n".join(lines))


def write_points(points: Sequence[Point], path: Path) -> None:
    """Write the curve as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        parts = ("warned", "with_earlier", "median_lead", "right", "wrong", "unjudged", "estimated_wrong_per_week")
        heads = [f"{kind}_{part}" for kind in ("seen", "unseen") for part in parts]
        writer.writerow(["budget", "alone", "together", "steps", *heads])
        for point in points:
            values = [getattr(one, part) for one in (point.seen, point.unseen) for part in parts]
            shown = [round(value, 4) if isinstance(value, float) else value for value in values]
            choice = point.choice
            writer.writerow([point.budget, choice.alone, choice.together, choice.steps, *shown])


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m training.early", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the corpora")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of scores and runs, made where they are missing"
    )
    parser.add_argument("--rules", type=Path, help="thresholds, a file like triage/data/warnings.json")
    parser.add_argument("-o", "--output", type=Path, help="where table, curve and picture go; --work unless given")
    chosen = parser.parse_args(arguments)
    chosen.work.mkdir(parents=True, exist_ok=True)

    def say(line: str) -> None:
        print(line, flush=True)  # noqa: T201 - a program's progress

    stream = read_stream(chosen.corpus, chosen.work, say=say)
    report(stream, WarningRules.load(chosen.rules), chosen.output or chosen.work, say=say)


if __name__ == "__main__":
    main()
