"""Themes beside BERTopic on one week of appeals: time, memory, appeals without a topic, stability, and the top ten.

``python -m benchmarks.topics FILE --start 2018-05-14`` with the extra ``bench-topics``. Both get the same masked texts, and what
the program knows of them anyway: BERTopic the vectors of the base bundle's word space, so that nothing is downloaded, and
our words as its tokens; the themes the category that the base bundle decides. Each runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from triage.appeal import Appeal
from triage.dense_view import DenseView
from triage.document import read_document
from triage.events import WordCutter
from triage.io.readers import read_rows
from triage.service import Triage
from triage.trends import KeywordReader, Span, TrendRow, themes
from triage.trends.rows import CHINA

RUNS = 5
KEPT = 0.9
TOP = 10
OURS, THEIRS = "themes", "bertopic"
NONE = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """One appeal, masked, with its category; what both are given."""

    id: str
    at: str
    title: str
    content: str
    l1: str
    l2: str
    person: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouped:
    """Topics of one run: for each appeal its topic or `NONE`, and the topics' words and sizes, largest first."""

    labels: Sequence[int]
    top: Sequence[tuple[str, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What one contender's process found.

    Attributes:
        seconds: Processor time of the first run; BERTopic compiles its parts in it.
        again: Median of the four runs after it.
        peak_mib: Peak memory of the process.
        base_mib: Its memory before the first run, texts and libraries loaded.
        topics: Topics of the first run.
        without: Share of appeals without one.
        same: Agreement of five runs on the same appeals, adjusted Rand index and normalised mutual information.
        drawn: The same of five runs on nine tenths of them.
        top: The largest topics of the first run.
    """

    seconds: float
    again: float
    peak_mib: float
    base_mib: float
    topics: int
    without: float
    same: tuple[float, float]
    drawn: tuple[float, float]
    top: Sequence[tuple[str, int]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run both and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.topics", description=__doc__)
    parser.add_argument("file", type=Path, help="appeals: csv, xlsx or jsonl")
    parser.add_argument("--start", type=date.fromisoformat, required=True, help="first day of the week")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--only", choices=(OURS, THEIRS), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.only:
        print(json.dumps(asdict(_measure(chosen.only, chosen.file))))
        return
    span = Span(start=chosen.start, end=chosen.start + timedelta(days=chosen.days - 1))
    with tempfile.TemporaryDirectory() as folder:
        texts, vectors = _prepare(chosen.file, span)
        prepared = Path(folder) / "week.json"
        prepared.write_text(json.dumps([asdict(text) for text in texts]), encoding="utf-8")
        np.save(prepared.with_suffix(".npy"), vectors)
        found = {name: _in_a_process(name, prepared, span) for name in (OURS, THEIRS)}
    _print(found, span, len(texts))


def _prepare(path: Path, span: Span) -> tuple[list[Text], np.ndarray]:
    triage = Triage.load()
    rows = [row for row in read_rows(path) if row.appeal.created_at]
    appeals = [row.appeal for row in rows if row.appeal.created_at and span.contains(_day(row.appeal.created_at))]
    documents = [read_document(appeal) for appeal in appeals]
    categories = [decision.categories for decision in triage.decide_batch(appeals)]
    texts = [
        _text(appeal, document.title.text, document.content.text, *(known[0].l1, known[0].l2) if known else ("", ""))
        for appeal, document, known in zip(appeals, documents, categories, strict=True)
    ]
    space = triage.base.meaning.space
    return texts, DenseView(space).read(documents)[:, : space.vectors.shape[1]]


def _text(appeal: Appeal, title: str, content: str, l1: str, l2: str) -> Text:
    at = appeal.created_at.isoformat() if appeal.created_at else ""
    return Text(id=appeal.id, at=at, title=title, content=content, l1=l1, l2=l2, person=appeal.user)


def _day(moment: datetime) -> date:
    return moment.astimezone(CHINA).date()


def _in_a_process(name: str, prepared: Path, span: Span) -> Measured:
    command = [sys.executable, "-m", "benchmarks.topics", str(prepared), "--start", str(span.start), "--only", name]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-1500:]}\n需要安装：pip install 'citizen-appeal-triage[bench-topics]'")
    figures = json.loads(done.stdout.splitlines()[-1])
    return Measured(**{**figures, "same": tuple(figures["same"]), "drawn": tuple(figures["drawn"])})


def _measure(name: str, prepared: Path) -> Measured:
    texts = [Text(**one) for one in json.loads(prepared.read_text(encoding="utf-8"))]
    vectors = np.load(prepared.with_suffix(".npy"))
    run = _themes() if name == OURS else _bertopic()
    base = _peak()
    same, seconds = [], []
    for seed in range(RUNS):
        start = time.process_time()
        same.append(run(texts, vectors, seed))
        seconds.append(time.process_time() - start)
    first = same[0]
    return Measured(
        seconds=seconds[0],
        again=float(np.median(seconds[1:])),
        peak_mib=_peak(),
        base_mib=base,
        topics=len(set(first.labels) - {NONE}),
        without=float(np.mean(np.array(first.labels) == NONE)),
        same=_agreement([(np.arange(len(texts)), np.array(one.labels)) for one in same]),
        drawn=_agreement(_drawn(run, texts, vectors)),
        top=first.top,
    )


Run = Callable[[Sequence[Text], np.ndarray, int], Grouped]


def _drawn(run: Run, texts: Sequence[Text], vectors: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Run on nine tenths of the appeals, drawn anew each time."""
    found = []
    for seed in range(RUNS):
        kept = np.sort(np.random.default_rng(seed).permutation(len(texts))[: int(KEPT * len(texts))])
        labels = run([texts[index] for index in kept], vectors[kept], seed).labels
        found.append((kept, np.array(labels)))
    return found


def _themes() -> Run:
    reader = KeywordReader(WordCutter())
    reader.keywords("停车", "")

    def run(texts: Sequence[Text], _vectors: np.ndarray, seed: int) -> Grouped:
        order = np.random.default_rng(seed).permutation(len(texts))
        rows = [_row(texts[index], reader) for index in order]
        days = [row.day for row in rows]
        told = themes(rows, span=Span(start=min(days), end=max(days)), most=10_000)
        topic = {id_: number for number, item in enumerate(told.items) for id_ in item.ids}
        return Grouped(
            labels=[topic.get(text.id, NONE) for text in texts],
            top=[("、".join(item.keywords[:4]), item.count) for item in told.items[:TOP]],
        )

    return run


def _row(text: Text, reader: KeywordReader) -> TrendRow:
    return TrendRow(
        id=text.id,
        received_at=datetime.fromisoformat(text.at),
        l1=text.l1,
        l2=text.l2,
        keywords=reader.keywords(text.title, text.content),
        appellant=text.person or None,
    )


def _bertopic() -> Run:
    from bertopic import BERTopic  # noqa: PLC0415 - of an extra
    from hdbscan import HDBSCAN  # noqa: PLC0415
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415
    from umap import UMAP  # noqa: PLC0415

    reader = KeywordReader(WordCutter())
    reader.keywords("停车", "")

    def run(texts: Sequence[Text], vectors: np.ndarray, seed: int) -> Grouped:
        model = BERTopic(
            language="multilingual",
            embedding_model=None,
            umap_model=UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed),
            hdbscan_model=HDBSCAN(min_cluster_size=10, metric="euclidean", prediction_data=False),
            vectorizer_model=CountVectorizer(analyzer=str.split),
            calculate_probabilities=False,
        )
        words = [" ".join(reader.keywords(text.title, text.content)) or "无" for text in texts]
        labels, _ = model.fit_transform(words, embeddings=vectors)
        sizes = Counter(label for label in labels if label != NONE)
        largest = sizes.most_common(TOP)
        top = [("、".join(word for word, _ in model.get_topic(label)[:4]), count) for label, count in largest]
        return Grouped(labels=[int(label) for label in labels], top=top)

    return run


def _agreement(runs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Return the mean adjusted Rand index and normalised mutual information of all pairs of runs.

    Compared are the appeals that both runs saw; those without a topic count as a group of their own each, so that leaving
    most out does not look like agreement.
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score  # noqa: PLC0415 - of an extra

    scores = []
    for (left, one), (right, other) in combinations(runs, 2):
        both, at, where = np.intersect1d(left, right, return_indices=True)
        alone = -1 - np.arange(len(both))
        mine, yours = one[at], other[where]
        mine, yours = np.where(mine == NONE, alone, mine), np.where(yours == NONE, alone, yours)
        scores.append((adjusted_rand_score(mine, yours), normalized_mutual_info_score(mine, yours)))
    rand, information = np.mean(scores, axis=0)
    return float(rand), float(information)


def _peak() -> float:
    """Return the most memory this process has had, MiB; ru_maxrss would tell that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _print(found: dict[str, Measured], span: Span, count: int) -> None:
    table = Table(title=f"{span.start} - {span.end}, {count:,} appeals", title_justify="left")
    table.add_column("")
    for name in found:
        table.add_column(name)
    rows: dict[str, Callable[[Measured], str]] = {
        "processor time: first run, a later one": lambda one: f"{one.seconds:.2f} s, {one.again:.2f} s",
        "peak memory (before the run)": lambda one: f"{one.peak_mib:.0f} MiB ({one.base_mib:.0f})",
        "topics": lambda one: str(one.topics),
        "appeals without a topic": lambda one: f"{one.without:.1%}",
        "five runs, same appeals: ARI, NMI": lambda one: "{:.3f}, {:.3f}".format(*one.same),
        "five runs, nine tenths drawn: ARI, NMI": lambda one: "{:.3f}, {:.3f}".format(*one.drawn),
    }
    for title, shown in rows.items():
        table.add_row(title, *(shown(one) for one in found.values()))
    for rank in range(TOP):
        cells = (one.top[rank] if rank < len(one.top) else ("", 0) for one in found.values())
        table.add_row(f"{rank + 1}.", *(f"{words} ({size})" if size else "" for words, size in cells))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
