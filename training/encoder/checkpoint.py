"""Where a stage stands: weights and optimiser in safetensors, the rest in JSON; nothing is pickled."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from triage.errors import TrainingError

_STATE, _TENSORS = "state.json", "tensors.safetensors"


@dataclass(slots=True)
class Progress:
    """How far a stage has come.

    Attributes:
        step: Steps done.
        seconds: Wall clock used.
        tokens: Tokens read.
        done: The budget is used up.
        curve: (step, mean loss since the last point, by part).
        recipe: Fingerprint of the recipe; another one cannot go on from here.
    """

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    done: bool = False
    curve: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One stage's folder."""

    folder: Path

    @property
    def exists(self) -> bool:
        """Whether there is anything to resume."""
        return (self.folder / _STATE).is_file()

    def save(self, network: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress) -> None:
        """Write everything; a crash in between leaves the former state readable."""
        tensors = {f"network.{name}": tensor.detach().cpu() for name, tensor in network.state_dict().items()}
        for index, values in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{key}": value.detach().cpu() for key, value in values.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        # Named by step and only then pointed to, so tensors and state always belong together.
        name = f"{progress.step}.{_TENSORS}"
        save_file({key: value.contiguous() for key, value in tensors.items()}, self.folder / name)
        fresh = self.folder / f"{_STATE}.new"
        fresh.write_text(json.dumps({"tensors": name, **asdict(progress)}), encoding="utf-8")
        fresh.replace(self.folder / _STATE)
        for old in self.folder.glob(f"*.{_TENSORS}"):
            if old.name != name:
                old.unlink()

    def load(self, network: nn.Module, optimiser: torch.optim.Optimizer | None, *, recipe: str) -> Progress:
        """Restore weights and optimiser and return where the stage stands.

        Raises:
            TrainingError: If the checkpoint was made with another recipe.
        """
        state = json.loads((self.folder / _STATE).read_text(encoding="utf-8"))
        name = state.pop("tensors")
        state["curve"] = [(step, losses) for step, losses in state["curve"]]
        progress = Progress(**state)
        if progress.recipe != recipe:
            raise TrainingError(
                f"checkpoint {self.folder}: made with another recipe or corpus; use a new --work folder"
            )
        tensors = load_file(self.folder / name)
        weights = _part(tensors, "network.")
        odd = sorted(weights.keys() ^ network.state_dict().keys())
        if odd:
            raise TrainingError(
                f"checkpoint {self.folder}: its parts do not fit this network, first {odd[0]!r}; train anew"
            )
        network.load_state_dict(weights)
        if optimiser is not None:
            _restore(optimiser, _part(tensors, "optimiser."))
        return progress


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _restore(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
