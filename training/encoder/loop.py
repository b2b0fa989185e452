"""The loop of every stage: learning rate, mixed precision, checkpoints, loss curve."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from training.encoder.checkpoint import Checkpoint, Progress
from training.encoder.network import AppealNetwork
from training.encoder.recipe import StageRecipe

_POINT_EVERY = 25
_DECAY = 0.02
_CLIP = 1.0


@dataclass(frozen=True, slots=True)
class StepLoss:
    """Loss of one step.

    Attributes:
        part: Name of its curve.
        loss: Scalar with gradient.
        tokens: Tokens read, padding included.
    """

    part: str
    loss: Tensor
    tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """Runs one stage.

    Attributes:
        stage: Its budget.
        checkpoint: Where it saves and resumes.
        recipe: Fingerprint of the whole recipe.
        seed: Each step is seeded with it and its own number, so a resumed stage draws what it would have drawn.
        report: Called with (steps done, steps in all, mean losses) now and then.
    """

    stage: StageRecipe
    checkpoint: Checkpoint
    recipe: str
    seed: int
    report: Callable[[int, int, Mapping[str, float]], None]

    def run(
        self, network: AppealNetwork, step_loss: Callable[[int], StepLoss], *, stop_at: int | None = None
    ) -> Progress:
        """Train until the budget is used up; goes on from the checkpoint if there is one.

        Args:
            network: Changed in place.
            step_loss: Step number → its loss.
            stop_at: Save and leave at this step, as an interruption would.
        """
        optimiser = _optimiser(network, self.stage)
        progress = Progress(recipe=self.recipe)
        if self.checkpoint.exists:
            progress = self.checkpoint.load(network, optimiser, recipe=self.recipe)
        network.train()
        means: dict[str, list[float]] = defaultdict(list)
        began = time.monotonic() - progress.seconds
        while not progress.done and progress.step != stop_at:
            self._step(network, optimiser, step_loss, progress, means)
            progress.seconds = time.monotonic() - began
            progress.done = self._share(progress) >= 1.0
            self._note(progress, means)
            if progress.done or progress.step % self.stage.save_every == 0:
                self.checkpoint.save(network, optimiser, progress)
        return progress

    def _step(
        self,
        network: AppealNetwork,
        optimiser: torch.optim.Optimizer,
        step_loss: Callable[[int], StepLoss],
        progress: Progress,
        means: dict[str, list[float]],
    ) -> None:
        for group in optimiser.param_groups:
            group["lr"] = group["top"] * _height(self._share(progress), self.stage.warmup)
        torch.manual_seed(self.seed * 1_000_003 + progress.step)
        device = network.embedding.weight.device.type
        with torch.autocast(device, torch.bfloat16):
            found = step_loss(progress.step)
        optimiser.zero_grad()
        found.loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimiser.step()
        means[found.part].append(found.loss.item())
        progress.step += 1
        progress.tokens += found.tokens

    def _share(self, progress: Progress) -> float:
        """Return how much of the budget is used, 0 … 1 and more."""
        clock = progress.seconds / (60 * self.stage.minutes) if self.stage.minutes else 0.0
        return max(progress.step / self.stage.steps, clock)

    def _note(self, progress: Progress, means: dict[str, list[float]]) -> None:
        if progress.step % _POINT_EVERY and not progress.done:
            return
        losses = {part: sum(values) / len(values) for part, values in means.items()}
        progress.curve.append((progress.step, losses))
        means.clear()
        self.report(progress.step, self.stage.steps, losses)


def _height(share: float, warmup: float) -> float:
    """Return the learning rate's height: up in a straight line, and down to zero in another."""
    if share < warmup:
        return 0.02 + 0.98 * share / warmup
    return max(0.0, (1.0 - share) / (1.0 - warmup))


def _optimiser(network: AppealNetwork, stage: StageRecipe) -> torch.optim.Optimizer:
    embedding = [network.embedding.weight]
    plain = [p for p in network.parameters() if p.ndim < 2]
    dense = [p for p in network.parameters() if p.ndim >= 2 and p is not network.embedding.weight]
    return torch.optim.AdamW(
        [
            {"params": dense, "top": stage.rate, "weight_decay": _DECAY},
            {"params": plain, "top": stage.rate, "weight_decay": 0.0},
            {"params": embedding, "top": stage.embedding_rate, "weight_decay": 0.0},
        ],
        lr=stage.rate,
        betas=(0.9, 0.98),
        fused=True,
    )
