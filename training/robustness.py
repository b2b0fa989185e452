"""How steady decisions are: ``python -m training.robustness FILE [--bundle DIR] [--units UNITS] [-o METRICS]``.

Every appeal of a file is decided as it is and in six other spellings (`training.augment`): traditional characters,
full-width, three typing errors, words a speech recogniser mishears, greetings, two paragraphs. The table says how often the
first unit and the risk level stay the same, and what went with a change. Appeals that the bundle learned from are as good
here as others, since a decision is only compared with itself; ``where right`` needs tickets it has not seen.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from training.augment import VARIANTS, vary
from training.evaluate_command import write_metrics
from training.metrics import wilson
from triage.appeal import Appeal
from triage.commands.columns import parse_columns
from triage.commands.progress import ConsoleWatch
from triage.commands.terminal import make_screen
from triage.errors import InputError, TriageError
from triage.io.readers import read_rows
from triage.reading import Reading
from triage.service import CHUNK, Triage

Progress = Callable[[int, int], bool]

_NAMES = {
    "traditional": "繁体",
    "full_width": "全角",
    "typos": "三处错字",
    "homophones": "同音误识",
    "greetings": "加寒暄",
    "paragraphs": "分段",
}
_CLOSE = 0.1
"""Lead of the first unit over the second, or distance of the expected level from a cut, that counts as close."""
_REASONS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision says, and what it rests on.

    Attributes:
        unit: First unit, or first function where there are no units.
        lead: Its probability less the second one's.
        level: Risk level.
        raised: Whether a rule raised the level.
        edge: Distance of the expected level from the nearest cut.
        places: Areas that the text names.
        phrases: Names, function words and duties that it holds.
    """

    unit: str
    lead: float
    level: int
    raised: bool
    edge: float
    places: frozenset[str]
    phrases: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Steadiness:
    """How steady the decisions were under one variant.

    Attributes:
        n: Appeals.
        changed_text: Appeals whose text the variant changed at all.
        unit_kept: Share whose first unit stayed; with its 95 % interval.
        unit_interval: Lower and upper bound (Wilson 1927).
        risk_kept: Share whose risk level stayed; with its 95 % interval.
        risk_interval: Lower and upper bound.
        right: Appeals whose unit was right before; 0 without gold.
        right_kept: Share of those whose unit stayed.
        unit_reasons: What went with a changed unit, most frequent first.
        risk_reasons: What went with a changed level.
    """

    n: int
    changed_text: int
    unit_kept: float
    unit_interval: tuple[float, float]
    risk_kept: float
    risk_interval: tuple[float, float]
    right: int
    right_kept: float
    unit_reasons: Mapping[str, int]
    risk_reasons: Mapping[str, int]


def measure(
    appeals: Sequence[Appeal],
    triage: Triage,
    *,
    truth: Sequence[str] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Steadiness]:
    """Decide the appeals and all their variants: variant → figures.

    Args:
        appeals: At least one.
        triage: As loaded for `triage run`.
        truth: The right unit of each appeal, where known.
        seed: Of the variants.
        progress: Called with (texts decided, texts to decide).
    """
    total = len(appeals) * (1 + len(VARIANTS))
    tell = progress or (lambda _done, _total: True)
    before = _outcomes(appeals, triage, partial(_tell, tell, 0, total))
    found: dict[str, Steadiness] = {}
    for k, variant in enumerate(VARIANTS, start=1):
        varied = [vary(appeal, variant, seed=seed) for appeal in appeals]
        after = _outcomes(varied, triage, partial(_tell, tell, k * len(appeals), total))
        changed = sum(a.content != b.content or a.title != b.title for a, b in zip(appeals, varied, strict=True))
        found[variant] = compare(before, after, truth=truth, changed_text=changed)
    return found


def compare(
    before: Sequence[Outcome], after: Sequence[Outcome], *, truth: Sequence[str] = (), changed_text: int = 0
) -> Steadiness:
    """Compare outcomes of the same appeals."""
    pairs = list(zip(before, after, strict=True))
    units = sum(a.unit == b.unit for a, b in pairs)
    levels = sum(a.level == b.level for a, b in pairs)
    right = [a.unit == b.unit for (a, b), answer in zip(pairs, truth, strict=True) if a.unit == answer] if truth else []
    return Steadiness(
        n=len(pairs),
        changed_text=changed_text,
        unit_kept=units / len(pairs),
        unit_interval=wilson(units, len(pairs)),
        risk_kept=levels / len(pairs),
        risk_interval=wilson(levels, len(pairs)),
        right=len(right),
        right_kept=sum(right) / len(right) if right else 0.0,
        unit_reasons=dict(Counter(_why_unit(a, b) for a, b in pairs if a.unit != b.unit).most_common()),
        risk_reasons=dict(Counter(_why_risk(a, b) for a, b in pairs if a.level != b.level).most_common()),
    )


def _tell(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _outcomes(appeals: Sequence[Appeal], triage: Triage, tell: Callable[[int], None]) -> list[Outcome]:
    found: list[Outcome] = []
    for at in range(0, len(appeals), CHUNK):
        readings = triage.read(appeals[at : at + CHUNK])
        for reading, decision in zip(readings, triage.decide_readings(readings), strict=True):
            candidates = decision.unit.candidates or decision.functions
            found.append(_outcome(reading, triage, candidates[0].name, decision.risk.level))
        tell(len(found))
    return found


def _outcome(reading: Reading, triage: Triage, unit: str, level: int) -> Outcome:
    scores = np.sort(reading.units if len(reading.units) else reading.functions)
    expected = float(reading.risk_levels @ np.arange(len(reading.risk_levels)))
    return Outcome(
        unit=unit,
        lead=float(scores[-1] - scores[-2]) if len(scores) > 1 else 1.0,
        level=level,
        raised=level > reading.risk_level,
        edge=float(np.abs(triage.base.ordinal.cuts - expected).min()),
        places=frozenset(mention.area for mention in reading.places),
        phrases=reading.phrases,
    )


def _why_unit(before: Outcome, after: Outcome) -> str:
    if before.places != after.places:
        return "地名变了"
    if before.phrases != after.phrases:
        return "单位名或职责词变了"
    return "前两名相近" if before.lead < _CLOSE else "其他用词"


def _why_risk(before: Outcome, after: Outcome) -> str:
    if before.raised != after.raised:
        return "规则提级变了"
    return "原在等级边界" if before.edge < _CLOSE else "其他用词"


def print_table(screen: Console, found: Mapping[str, Steadiness]) -> None:
    """Print one line per variant."""
    table = Table(title="判定稳定性：同一诉求换一种写法", title_justify="left")
    table.add_column("写法")
    for heading in ("n", "单位不变（95%区间）", "原判正确者", "等级不变（95%区间）"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("变化原因")
    for variant, figures in found.items():
        right = f"{figures.right_kept:.1%}（{figures.right:,}）" if figures.right else "—"
        reasons = [*islice(figures.unit_reasons.items(), _REASONS), *islice(figures.risk_reasons.items(), _REASONS)]
        table.add_row(
            _NAMES[variant],
            f"{figures.n:,}",
            _share(figures.unit_kept, figures.unit_interval),
            right,
            _share(figures.risk_kept, figures.risk_interval),
            "，".join(f"{reason} {count}" for reason, count in reasons),
        )
    screen.print(table)


def _share(share: float, interval: tuple[float, float]) -> str:
    return f"{share:.1%}（{interval[0]:.1%}–{interval[1]:.1%}）"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m training.robustness", description=__doc__)
    parser.add_argument("file", type=Path, help="appeals (csv, xlsx, jsonl)")
    parser.add_argument("--bundle", type=Path, help="bundle folder; default: the base bundle")
    parser.add_argument("--units", type=Path, help="list of units (csv, xlsx)")
    parser.add_argument("--label", default="unit", help="column with the right unit, where there is one")
    parser.add_argument("--limit", type=int, default=1000, help="most appeals, spread evenly over the file")
    parser.add_argument("--column", action="append", default=[], help="e.g. content=诉求描述")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=Path("metrics.json"))
    chosen = parser.parse_args(arguments)
    screen, errors = make_screen(), Console(stderr=True, highlight=False)
    try:
        figures = _run(chosen, errors)
        print_table(screen, figures)
        write_metrics(chosen.output, _record(chosen, figures))
    except TriageError as error:
        raise SystemExit(str(error)) from error
    screen.print(f"指标已写入 {chosen.output}")


def _run(chosen: argparse.Namespace, errors: Console) -> dict[str, Steadiness]:
    triage = Triage.load(chosen.bundle, units=chosen.units)
    rows = list(read_rows(chosen.file, columns=parse_columns(tuple(chosen.column))))
    if not rows:
        raise InputError(f"{chosen.file}：没有可用的行")
    step = -(-len(rows) // max(chosen.limit, 1))
    rows = rows[::step]
    truth = [row.text(chosen.label) for row in rows]
    with ConsoleWatch(errors) as watch:
        return measure(
            [row.appeal for row in rows],
            triage,
            truth=truth if any(truth) else (),
            seed=chosen.seed,
            progress=watch("研判各种写法"),
        )


def _record(chosen: argparse.Namespace, figures: Mapping[str, Steadiness]) -> dict[str, Any]:
    variants = {variant: asdict(one) for variant, one in figures.items()}
    return {
        "file": chosen.file.name,
        "bundle": chosen.bundle.name if chosen.bundle else "base",
        "seed": chosen.seed,
    } | {"variants": variants}


if __name__ == "__main__":
    main()
