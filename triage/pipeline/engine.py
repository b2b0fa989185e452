"""The real models for a run."""

from __future__ import annotations

from pathlib import Path

from triage.pipeline.options import Engine
from triage.rules import CityRules
from triage.service import Triage


def load_engine(
    bundle: Path | None,
    *,
    units: Path | None,
    precision: float,
    strip: bool | None,
    rules: CityRules | None = None,
    encoder: bool = True,
) -> Engine:
    """Load models and directory; the arguments are those of `Triage.load`.

    Raises:
        TriageError: If a bundle or the list of units cannot be used.
    """
    triage = Triage.load(bundle, units=units, precision=precision, strip=strip, rules=rules, encoder=encoder)
    return Engine(triage, triage.base.pairs, triage.version)
