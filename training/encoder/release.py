"""Makes the shipped encoder of a finished run: export, figures of both precisions, speed, model card."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.bundle import load_bundle
from models.encoder import OnnxEncoder
from models.fusion import FILE as FUSION
from models.fusion import Fusion
from training.baselines import FastTextBaseline, fasttext_available
from training.encoder.card import CARD, CURVES, draw_curves, encoder_card, figures_table
from training.encoder.evaluate import ClassTask, Yardstick, measure_speed, parity, rounded, worst_loss
from training.encoder.fusing import fit_fusion
from training.encoder.reading import Reader, network_reader, onnx_reader
from training.encoder.rivals import ngram_rival
from training.encoder.run import EncoderRun, Trained
from training.encoder.shipping import export, write_folder
from training.encoder.texts import DEV_TICKETS, Pool
from triage.base_model import base_bundle_path, base_model_from
from triage.document import read_document
from triage.io.readers import read_rows

_CALIBRATION_TEXTS = 256
_PARITY_TEXTS = 1000
_SPEED_THREADS = 2
_MESSAGES = "messages2019/messages.csv"

Say = Callable[[str], None]


def yardstick(trained: Trained, pool: Pool, corpus: Path, work: Path, *, say: Say) -> Yardstick:
    """Read everything that an encoder is judged by."""
    taught = frozenset(ticket.example.document.text for ticket in pool.tickets if ticket.example.unit)
    say("n-gram models to compare with")
    tasks = (ClassTask.tickets(corpus), ClassTask.petitions(corpus))
    rival = ngram_rival(corpus, work, say=say)
    return Yardstick(work, rival, tasks, trained.tasks.classes, taught)


def release(run: EncoderRun, corpus: Path, folder: Path, *, say: Say) -> str:
    """Export the last checkpoint, judge it in both precisions and write its folder.

    Args:
        run: The finished run.
        corpus: Folder of the corpora.
        folder: Of the encoder.
        say: Receives a line on what is being done.

    Returns:
        The table of figures.
    """
    trained = run.load()
    appeals = run.pool.appeals
    say("exporting")
    exported = export(trained, appeals[:: max(1, len(appeals) // _CALIBRATION_TEXTS)])
    judge = yardstick(trained, run.pool, corpus, run.work, say=say)
    full, small = network_reader(trained), onnx_reader(trained, exported.small)
    say("figures in float32")
    full_figures = rounded(judge.judge(full))
    say("figures in int8")
    figures = rounded(judge.judge(small))
    tickets = _texts(corpus / DEV_TICKETS)
    loss = {"worst_loss_points": worst_loss(full_figures, figures)}
    figures["parity"] = rounded(loss | parity(full, small, tickets[:_PARITY_TEXTS]))
    figures["float32"] = full_figures
    figures["speed"] = rounded(_speed(trained, exported.small, judge, tickets, _texts(corpus / _MESSAGES)))
    fusion = _fusion(judge, small, trained, exported.small)
    documents = {
        FUSION: fusion.to_json().encode(),
        CARD: encoder_card(trained, figures, size=len(exported.small)).encode(),
        CURVES: draw_curves(trained),
    }
    unrelated = _unrelated(small, tickets[:_PARITY_TEXTS])
    write_folder(folder, trained, exported.small, metrics=figures, documents=documents, unrelated=unrelated)
    return figures_table(figures)


def _fusion(judge: Yardstick, small: Reader, trained: Trained, model: bytes) -> Fusion:
    """Fit the mix with the base bundle that ships; on all texts that neither has seen, since no figure is taken here."""
    base = base_model_from(load_bundle(base_bundle_path()))
    with tempfile.TemporaryDirectory() as folder:
        manifest = write_folder(Path(folder), trained, model, metrics={}, documents={})
    return fit_fusion(judge.views(small), judge.rival.labels, base=base.heads_fingerprint, encoder=manifest.fingerprint)


def _unrelated(reader: Reader, texts: Sequence[str]) -> float:
    """Return the cosine that two tickets have on average: nearly all pairs are about unrelated matters."""
    vectors = reader(texts).vectors
    near = vectors @ vectors.T
    return round(float(np.median(near[np.triu_indices(len(near), k=1)]).clip(0.0, 0.9)), 4) if len(texts) > 1 else 0.0


def _speed(
    trained: Trained, model: bytes, judge: Yardstick, tickets: Sequence[str], messages: Sequence[str]
) -> dict[str, Any]:
    """Measure what is served, by the reader that serves it."""
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), trained, model, metrics={}, documents={})
        encoder = OnnxEncoder.load(Path(folder), threads=_SPEED_THREADS)
    full = network_reader(trained)
    torch.set_num_threads(_SPEED_THREADS)
    return {
        "tickets": measure_speed(encoder.encode, tickets[:1000]),
        "messages": measure_speed(encoder.encode, messages[:500]),
        "tickets in float32 through torch": measure_speed(full, tickets[:1000]),
        **_fasttext_speed(judge, tickets[:1000]),
        "one ticket at a time, milliseconds": _one_by_one(encoder, tickets[:500]),
    }


def _one_by_one(encoder: OnnxEncoder, texts: Sequence[str]) -> dict[str, float]:
    taken = []
    for text in texts:
        began = time.perf_counter()
        encoder.encode([text])
        taken.append(1000 * (time.perf_counter() - began))
    half, most = np.quantile(taken, [0.5, 0.95])
    return {"n": len(texts), "p50": float(half), "p95": float(most)}


def _fasttext_speed(judge: Yardstick, texts: Sequence[str]) -> dict[str, Any]:
    """Measure fastText naming the units of the same tickets; nothing where it is not installed."""
    if not fasttext_available():
        return {}
    train = judge.tasks[0].train
    return {"tickets by fastText": measure_speed(FastTextBaseline(train.texts[:8000], train.labels[:8000]).rank, texts)}


def _texts(path: Path) -> list[str]:
    return [read_document(row.appeal).text for row in read_rows(path)]
