"""The encoder's model card: what it is, what it learned from, how well it does, and its loss curves."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from training.encoder.figures import BOTH, ENCODER, NGRAMS
from training.encoder.run import JOINT, MASKING, Trained
from training.encoder.tasks import SHIPPED

CURVES = "loss.png"
CARD = "README.md"

_SMOOTHED = 8
"""Points of a curve that are averaged for the eye."""

_ROWS = (
    ("letters", "function_top1", "lead function, top-1"),
    ("letters", "function_top3", "lead function, top-3"),
    ("letters", "category_top1", "second-level category, top-1"),
    ("letters", "type_top1", "type"),
    ("letters", "risk_average_precision", "risk ≥ 3, average precision"),
    ("letters", "risk_recall_at_review", "risk ≥ 3, recall when 12 % are reviewed"),
    ("letters", "risk_kappa", "risk, quadratic kappa"),
    ("letters", "factors_micro_f1", "risk factors, micro-F1"),
    ("calls", "type_top1", "hotline: type"),
    ("calls", "risk_average_precision", "hotline: risk ≥ 3, average precision"),
    ("calls", "risk_kappa", "hotline: risk, quadratic kappa"),
    ("calls", "emergency_average_precision", "hotline: emergency, average precision"),
    ("units", "top1", "routed tickets (dev): unit, top-1"),
    ("units", "top3", "routed tickets (dev): unit, top-3"),
    ("units", "macro_f1", "routed tickets (dev): unit, macro-F1"),
    ("units", "coverage95", "routed tickets (dev): share at 95 % precision"),
    ("petitions", "macro_f1", "petitions (dev): topic, macro-F1"),
)


def draw_curves(trained: Trained) -> bytes:
    """Return the loss curves of both stages as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 3.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, stage in zip(figure.subplots(1, 2), (MASKING, JOINT), strict=True):
        curve = trained.progress[stage].curve if stage in trained.progress else []
        for part in sorted({name for _, losses in curve for name in losses}):
            points = [(step, losses[part]) for step, losses in curve if part in losses]
            smooth = _smoothed([loss for _, loss in points])
            axes.plot([step for step, _ in points], smooth, label=part, linewidth=1.2)
        axes.set_title({MASKING: "language model", JOINT: "tasks and contrast"}[stage])
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        if curve:
            axes.legend(fontsize=7)
    target = io.BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()


def figures_table(metrics: Mapping[str, Any]) -> str:
    """Return the table of all figures that the metrics hold, one line per figure."""
    lines = ["| figure | n | encoder alone | n-grams alone | both |", "| --- | --- | --- | --- | --- |"]
    for part, key, title in _ROWS:
        ways = metrics.get(part, {})
        if all(key in ways.get(way, {}) for way in (ENCODER, NGRAMS, BOTH)):
            values = " | ".join(f"{ways[way][key]:.3f}" for way in (ENCODER, NGRAMS, BOTH))
            lines.append(f"| {title} | {ways[ENCODER]['n']:,} | {values} |")
    return "\n".join(lines)


def encoder_card(trained: Trained, metrics: Mapping[str, Any], *, size: int) -> str:
    """Return the model card in Markdown.

    Args:
        trained: Network, recipe and curves.
        metrics: Figures of the evaluation.
        size: Bytes of the model file.
    """
    recipe, shape = trained.recipe, trained.recipe.network
    stages = "\n".join(
        f"- {stage}: {progress.step:,} steps, {progress.tokens / 1e6:.1f} million tokens, {progress.seconds / 60:.0f} minutes"
        for stage, progress in trained.progress.items()
    )
    return _CARD.format(
        name=recipe.name,
        version=recipe.version,
        date=metrics.get("date", ""),
        pieces=f"{trained.tokenizer.get_vocab_size():,}",
        width=shape.width,
        blocks=" ".join(shape.blocks),
        views=shape.views,
        head=shape.head_tokens,
        tail=shape.tail_tokens,
        most=shape.max_tokens,
        megabytes=f"{size / 2**20:.1f}",
        heads=", ".join(f"`{head}` ({len(trained.tasks.classes[head])})" for head in SHIPPED),
        stages=stages,
        table=figures_table(metrics),
        parity=_parity(metrics.get("parity", {})),
        speed=_speed(metrics.get("speed", {})),
        curves=CURVES,
    )


def _parity(parity: Mapping[str, Any]) -> str:
    if not parity:
        return "not measured"
    return (
        f"largest loss over all figures {parity['worst_loss_points']:.2f} points; mean cosine of vectors "
        f"{parity['mean_cosine']:.4f}, smallest {parity['least_cosine']:.4f} (n = {parity['n']:,})"
    )


def _speed(speed: Mapping[str, Any]) -> str:
    said = []
    for name, values in speed.items():
        if isinstance(values, Mapping) and "per_second" in values:
            said.append(f"{name} ({values['characters']:.0f} characters on average) {values['per_second']:.0f}/s")
        elif isinstance(values, Mapping):
            said.append(f"{name}: p50 {values['p50']:.1f}, p95 {values['p95']:.1f}")
    return "; ".join(said)


def _smoothed(values: list[float]) -> list[float]:
    return [
        sum(values[max(0, at - _SMOOTHED + 1) : at + 1]) / len(values[max(0, at - _SMOOTHED + 1) : at + 1])
        for at in range(len(values))
    ]


_CARD = """# {name} {version}

A small encoder of Chinese citizen appeals (hotline tickets, message boards, petitions): text in, a vector of length 1 and the
logits of several heads out. Trained from random weights on this project's corpora; no other model went into it.

| | |
| --- | --- |
| Vocabulary | {pieces} pieces: dictionary words that appeals use, characters, single digits; unigram model |
| Network | embeddings of {width} (int8, one scale per row), blocks {blocks} (gated dilated convolutions) |
| Pooling | {views} learned views, mean and maximum, to {width} |
| Longest text | {most} tokens: of a longer one the first {head} and the last {tail} |
| Heads | {heads} |
| File | ONNX, int8 weights, fixed scales of activations (batch and single text agree), {megabytes} MB |
| Figures of | {date} |

## Use

Texts are read as the project's `Document.text`: normalised, personal data masked, call-takers' instructions and courtesies
removed, title and content with a line end between them. `function` is for letters, `call_function` for tickets; `risk` holds
logits of "level at least 1 … 4". Logits are not calibrated: mix and calibrate them on texts that the encoder has not seen.

## What it learned from

1. First embeddings: co-occurrence of tokens within five places, factorised (PPMI and truncated SVD).
2. Language model: hidden tokens of all appeals and of news, laws, reviews.
3. Together: contrast (title and text, message and official reply, tickets of one unit with the same kind elsewhere as negative,
   messages about one event, general sentence pairs) and all heads, end to end.

{stages}

![loss curves]({curves})

**Labels were made by a large language model** that read every message under a written guide; two independent passes agree on
90.5 % of lead functions, 92.5 % of second-level categories, risk ≥ 3 with kappa 0.77. What the heads say is what that model
would say, with its leanings. Units and categories of tickets are those of one city, 2017-12 to 2018-04.

**Kept out of every stage, the vocabulary included:** one fixed fold of the annotated letters and tickets (one group in five,
by hash), all dev texts, whatever shares thirty Chinese characters in a row with a held-out letter, and the replies to them.
Units were learned from the earliest 60 % of the tickets only.

**Personal data.** Texts were masked first. Pieces of several characters are dictionary words that enough texts use; what the
dictionary calls a person's name is left out, numbers are single digits.

## Figures

On texts that neither model has seen. The n-gram models are those of the base bundle, fitted without the fixed fold (units and
petitions: character 1-3-grams with a linear SVM, beside a linear head on frozen vectors). Weights of the mix come from the other
half of the fold, or from the latest training texts.

{table}

int8 against float32: {parity}.

Speed on two cores (the first two int8, as served): {speed}.

## Limits

- Two CPU hours are little: alone, the encoder is weaker than the n-gram models on most heads. It is worth its place in a mix.
- One annotated message board and one city's hotline: names of places and units elsewhere are unknown words to it.
- Not to be used as the only ground of a decision about a person.
"""
