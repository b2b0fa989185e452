"""Runs all stages in order; each leaves its result in the work folder, and an interrupted run goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from training.encoder.checkpoint import Checkpoint, Progress
from training.encoder.company import company_vectors, lay_end_to_end
from training.encoder.joint import JointSteps, make_columns
from training.encoder.loop import Loop
from training.encoder.masking import make_rows, masked_steps
from training.encoder.network import AppealNetwork
from training.encoder.recipe import EncoderRecipe, StageRecipe
from training.encoder.tasks import Tasks, make_tasks
from training.encoder.texts import Pool, read_pool
from training.encoder.vocabulary import BORDER, SPECIAL, ids_of, learn_vocabulary
from triage.errors import TrainingError

MASKING, JOINT = "masking", "joint"
"""Stages, and their folders."""

_TOKENIZER = "tokenizer.json"
_OWN_WEIGHT = 3.0
"""How much more an appeal counts in first embeddings than a line of news or law: three times as many of those exist."""

Say = Callable[[str], None]
Report = Callable[[str, int, int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """A network after its stages.

    Attributes:
        recipe: It was trained with.
        network: In evaluation mode.
        tokenizer: Its vocabulary.
        tasks: Classes of its heads.
        progress: Stage → how it went.
    """

    recipe: EncoderRecipe
    network: AppealNetwork
    tokenizer: Tokenizer
    tasks: Tasks
    progress: dict[str, Progress]


class EncoderRun:
    """One encoder in the making.

    Args:
        recipe: Settings.
        corpus: Folder of the corpora.
        work: Folder of tokenizer, checkpoints and curves.
        say: Receives one line per step of the way.
        report: Receives (stage, steps done, steps in all, mean losses).
    """

    def __init__(self, recipe: EncoderRecipe, corpus: Path, work: Path, *, say: Say, report: Report) -> None:
        self.recipe, self.work = recipe, work
        self._corpus, self._say, self._report = corpus, say, report
        self._pool: Pool | None = None

    @property
    def pool(self) -> Pool:
        """What training may see; read once."""
        if self._pool is None:
            self._say("reading the corpora")
            self._pool = read_pool(self._corpus, unit_share=self.recipe.joint.unit_share)
        return self._pool

    def train(self, *, resume: bool) -> Trained:
        """Run all stages.

        Raises:
            TrainingError: If the work folder holds a run and ``resume`` is false.
        """
        if not resume and (self.work / _TOKENIZER).exists():
            raise TrainingError(f"{self.work} holds a run already; add --resume or name another folder with --work")
        torch.set_num_threads(self.recipe.threads)
        tokenizer = self._vocabulary()
        tasks = make_tasks(self.pool)
        backbone = self._network(tokenizer, {})
        progress = {MASKING: self._masking(backbone, tokenizer)}
        network = self._network(tokenizer, tasks.classes)
        _adopt(network, backbone)
        progress[JOINT] = self._joint(network, tokenizer, tasks)
        network.eval()
        return Trained(self.recipe, network, tokenizer, tasks, progress)

    def load(self) -> Trained:
        """Return the network of the last checkpoint, whether or not its stage is done."""
        tokenizer = Tokenizer.from_file(str(self.work / _TOKENIZER))
        tasks = make_tasks(self.pool)
        backbone, network = self._network(tokenizer, {}), self._network(tokenizer, tasks.classes)
        progress = {MASKING: self._checkpoint(MASKING).load(backbone, None, recipe=self._fingerprint(MASKING))}
        _adopt(network, backbone)
        if self._checkpoint(JOINT).exists:
            progress[JOINT] = self._checkpoint(JOINT).load(network, None, recipe=self._fingerprint(JOINT))
        network.eval()
        return Trained(self.recipe, network, tokenizer, tasks, progress)

    def _vocabulary(self) -> Tokenizer:
        path = self.work / _TOKENIZER
        if not path.exists():
            self._say("learning the vocabulary")
            self.work.mkdir(parents=True, exist_ok=True)
            learn_vocabulary(self.pool.appeals, self.pool.background, self.recipe.vocabulary).save(str(path))
        return Tokenizer.from_file(str(path))

    def _network(self, tokenizer: Tokenizer, classes: Mapping[str, Sequence[str]]) -> AppealNetwork:
        torch.manual_seed(self.recipe.seed)
        heads = {name: len(names) for name, names in classes.items()}
        network = AppealNetwork(self.recipe.network, tokens=tokenizer.get_vocab_size(), heads=heads)
        return network.to(self.recipe.device)

    def _masking(self, network: AppealNetwork, tokenizer: Tokenizer) -> Progress:
        loop = self._loop(MASKING, self.recipe.masking.stage)
        if loop.checkpoint.exists:
            progress = loop.checkpoint.load(network, None, recipe=loop.recipe)
            if progress.done:
                return progress
        self._say("cutting all texts into tokens")
        border = SPECIAL.index(BORDER)
        appeals = lay_end_to_end(ids_of(tokenizer, self.pool.appeals), border=border)
        background = lay_end_to_end(ids_of(tokenizer, self.pool.background), border=border)
        if not loop.checkpoint.exists:
            self._say("first embeddings from the company that tokens keep")
            weights = np.repeat(np.array([_OWN_WEIGHT, 1.0], np.float32), [len(appeals), len(background)])
            vectors = company_vectors(
                np.concatenate([appeals, background]),
                weights,
                size=tokenizer.get_vocab_size(),
                width=self.recipe.network.width,
                special=len(SPECIAL),
                seed=self.recipe.seed,
            )
            _put_in(network, vectors)
        rows = make_rows(appeals, background, self.recipe.masking, seed=self.recipe.seed)
        self._say(f"language model over {rows.size:,} tokens")
        return loop.run(network, masked_steps(network, tokenizer, rows, self.recipe.masking, seed=self.recipe.seed))

    def _joint(self, network: AppealNetwork, tokenizer: Tokenizer, tasks: Tasks) -> Progress:
        loop = self._loop(JOINT, self.recipe.joint.stage)
        if loop.checkpoint.exists:
            progress = loop.checkpoint.load(network, None, recipe=loop.recipe)
            if progress.done:
                return progress
        self._say("tasks and contrast")
        columns = make_columns(self.pool.pairs, self.pool.tickets, tokenizer, seed=self.recipe.seed)
        return loop.run(network, JointSteps(network, tokenizer, tasks, columns, self.recipe))

    def _loop(self, name: str, stage: StageRecipe) -> Loop:
        return Loop(
            stage=stage,
            checkpoint=self._checkpoint(name),
            recipe=self._fingerprint(name),
            seed=self.recipe.seed,
            report=lambda done, total, losses: self._report(name, done, total, losses),
        )

    def _checkpoint(self, stage: str) -> Checkpoint:
        return Checkpoint(self.work / stage)

    def _fingerprint(self, stage: str) -> str:
        """Return a hash of every setting that the stage and those before it depend on."""
        settings = asdict(self.recipe)
        parts = ["seed", "vocabulary", "network", MASKING, *([JOINT] if stage == JOINT else [])]
        text = json.dumps({part: settings[part] for part in parts}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _adopt(network: AppealNetwork, backbone: AppealNetwork) -> None:
    """Take over everything but the heads, which the language model does not have: their classes may still change."""
    weights = network.state_dict() | backbone.state_dict()
    network.load_state_dict(weights)


def _put_in(network: AppealNetwork, vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    """Start the embeddings of all tokens that keep company from its factors."""
    found = torch.from_numpy(vectors).to(network.embedding.weight.device)
    known = found.abs().sum(dim=1) > 0
    with torch.no_grad():
        network.embedding.weight[known] = found[known] * 0.5
