"""Are units reachable that no ticket has ever gone to? `python -m training.zero_shot`.

Ten units are hidden from the training of a local bundle: those of frequency ranks 5, 10 … 50. Their names and duties
(`configs/hidden_units.csv`, written before any of their tickets was read) are all that the router gets to know.
The base model's function head that learned from letters alone is used, since the other one has seen these very tickets.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from models.bundle import load_bundle
from models.ngrams import fold, occurrences
from models.word_space import ORDERS
from training.config import CONFIGS, LocalRecipe, load_recipe
from training.evaluate_command import write_metrics
from training.local import Progress, train_local
from training.local_stack import Ticket, texts_of
from triage.base_model import FUNCTION, BaseModel, base_bundle_path, base_fields, base_model_from
from triage.clause_reading import extents_of
from triage.commands.progress import ConsoleWatch
from triage.commands.terminal import make_screen
from triage.directory import Directory
from triage.document import read_document
from triage.errors import TriageError
from triage.io.readers import read_rows
from triage.routing.features import Floats
from triage.routing.local import LocalModel
from triage.routing.router import UnitRouter

HIDDEN = CONFIGS / "hidden_units.csv"
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Reached:
    """How often the right unit is among the first ones.

    Attributes:
        n: Tickets.
        top1: Share with the right unit first.
        top3: Share with the right unit among the first three.
    """

    n: int
    top1: float
    top3: float

    def to_record(self) -> dict[str, float]:
        """Return the JSON form."""
        return {"n": self.n, "top1": round(self.top1, 4), "top3": round(self.top3, 4)}


def measure(
    train: Sequence[Ticket],
    dev: Sequence[Ticket],
    hidden: Directory,
    *,
    base: BaseModel,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train without the hidden units and rank the dev tickets among all units.

    Args:
        train: Tickets to learn from; those of hidden units are dropped.
        dev: Tickets to rank.
        hidden: The hidden units with their duties.
        base: The base model.
        progress: Called with (steps of the training done, all).

    Returns:
        Figures of the hidden units, of the others with and without room for newcomers, and per hidden unit.
    """
    names = {unit.name for unit in hidden.units}
    known = [ticket for ticket in train if ticket.answer not in names]
    recipe = load_recipe(CONFIGS / "local.toml", LocalRecipe)
    local = train_local(known, None, recipe=recipe, label="unit", strip=True, base=base, progress=progress)
    directory = Directory((*hidden.units, *local.directory.units))
    column = {unit.name: i for i, unit in enumerate(directory.units)}
    usable = [ticket for ticket in dev if ticket.answer in column]
    truth = np.array([column[ticket.answer] for ticket in usable])
    secret = np.array([ticket.answer in names for ticket in usable])
    letters = letter_functions(base, usable)
    found: dict[str, Any] = {}
    for title, ranker in (("with", base.ranker), ("without", None)):
        router = UnitRouter(directory, local.ranker, local=local, day_one=ranker)
        probabilities = _ranked(router, local, usable, letters, base.text.classes[FUNCTION])
        found[f"others_{title}"] = reached(probabilities[~secret], truth[~secret]).to_record()
        if ranker is not None:
            found["hidden"] = reached(probabilities[secret], truth[secret]).to_record()
            found["units"] = _by_unit(probabilities, truth, column, names)
    return found | {"date": date.today().isoformat(), "seen_in_training": len(train) - len(known)}  # noqa: DTZ011 - local day


def reached(probabilities: Floats, truth: NDArray[np.int64]) -> Reached:
    """Count how often the right unit is first and among the first three."""
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :3] == truth[:, None]
    return Reached(len(truth), float(order[:, 0].mean()), float(order.any(axis=1).mean()))


def letter_functions(base: BaseModel, tickets: Sequence[Ticket]) -> Floats:
    """Return float32[n, f]: log-probabilities of the functions by the head that learned from letters alone."""
    parts = []
    for at in range(0, len(tickets), _CHUNK):
        documents = [ticket.document for ticket in tickets[at : at + _CHUNK]]
        found = occurrences(fold([document.text for document in documents]), orders=ORDERS)
        added = base.meaning.added(base.meaning.space.read(found, extents_of(documents)))
        own = base.text.margins(base.text.features(base_fields(documents)))
        margins = {FUNCTION: own[FUNCTION] + added[:, base.text.heads.columns[FUNCTION]]}
        parts.append(base.text.log_probabilities(margins, FUNCTION))
    return np.vstack(parts)


def _ranked(
    router: UnitRouter, local: LocalModel, tickets: Sequence[Ticket], functions: Floats, names: Sequence[str]
) -> Floats:
    parts = []
    for at in range(0, len(tickets), _CHUNK):
        chunk = tickets[at : at + _CHUNK]
        margins = local.text.margins(local.text.features(texts_of(chunk)))
        documents = [ticket.document for ticket in chunk]
        parts.append(router.rank(documents, functions[at : at + _CHUNK], names, margins).probabilities)
    return np.vstack(parts)


def _by_unit(
    probabilities: Floats, truth: NDArray[np.int64], column: Mapping[str, int], names: set[str]
) -> dict[str, dict[str, float]]:
    rows = {name: truth == column[name] for name in sorted(names)}
    return {name: reached(probabilities[here], truth[here]).to_record() for name, here in rows.items() if here.any()}


def _tickets(path: Path) -> list[Ticket]:
    found = ((row.appeal, row.text("unit").strip()) for row in read_rows(path, columns={}))
    return [Ticket(read_document(appeal), answer) for appeal, answer in found if answer]


def main(arguments: Sequence[str] | None = None) -> None:
    """Hide ten units, train, and report how often they are found."""
    parser = argparse.ArgumentParser(prog="python -m training.zero_shot", description=__doc__)
    parser.add_argument("tickets", type=Path, help="tickets with their unit, to learn from")
    parser.add_argument("dev", type=Path, help="later tickets with their unit")
    parser.add_argument("-o", "--output", type=Path, default=Path("metrics.json"))
    chosen = parser.parse_args(arguments)
    screen, errors = make_screen(), Console(stderr=True, highlight=False)
    try:
        base = base_model_from(load_bundle(base_bundle_path()))
        train, dev = _tickets(chosen.tickets), _tickets(chosen.dev)
        with ConsoleWatch(errors) as watch:
            found = measure(train, dev, Directory.load(HIDDEN), base=base, progress=watch("训练步骤"))
        write_metrics(chosen.output, found)
    except TriageError as error:
        raise SystemExit(str(error)) from error
    for part in ("hidden", "others_with", "others_without"):
        screen.print(f"{part}: {found[part]}")
    for name, figures in found["units"].items():
        screen.print(f"  {name}: {figures}")


if __name__ == "__main__":
    main()
