"""``python -m benchmarks.store``: receiving, hints and similar-appeal search on an embedded store in a temporary folder."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
from pgvector import HalfVector
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from benchmarks.corpus import Ticket, source, tickets
from benchmarks.measure import latency
from triage.casework.desk import Desk, load_active, open_desk
from triage.casework.intake import NewAppeal
from triage.casework.receive import Receipt, receive, receive_many
from triage.casework.typing import hint
from triage.store import schema
from triage.store.access import EVERYWHERE, SYSTEM, Scope
from triage.store.database import Database
from triage.store.ids import new_id
from triage.store.opening import open_store
from triage.store.search import nearest
from triage.store.settings import StoreSettings
from triage.store.vectors import Vectors

DISTRICTS = 12
_ROWS = 1_000
_ASKED = 100

Row = tuple[str, int, str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmarks and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    parser.add_argument("--appeals", type=int, default=2_000, help="appeals received")
    parser.add_argument("--vectors", type=int, default=20_000, help="vectors that are searched")
    chosen = parser.parse_args(arguments)
    table = Table(title=f"{date.today().isoformat()}, {source()}", title_justify="left")  # noqa: DTZ011
    for heading in ("work", "n", "figure"):
        table.add_column(heading)
    with tempfile.TemporaryDirectory(prefix="triage-") as folder:
        start = time.perf_counter()
        with open_store(StoreSettings(data=Path(folder) / "data")) as store:
            table.add_row("new embedded store, ready", "1", f"{time.perf_counter() - start:.1f} s")
            desk = open_desk(store.database, load_active(), secret=store.secret)
            for work, n, figure in [*_receiving(desk, chosen.appeals), *_searching(desk, chosen.vectors)]:
                table.add_row(work, f"{n:,}", figure)
    Console().print(table)


def _receiving(desk: Desk, count: int) -> list[Row]:
    some = [_new(ticket, number) for number, ticket in enumerate(tickets(count))]
    part = len(some) // 4
    receive(desk, SYSTEM, NewAppeal(content="预热"))
    rows = []
    times = []
    for new in some[:part]:
        start = time.perf_counter()
        receive(desk, SYSTEM, new)
        times.append(time.perf_counter() - start)
    p50, p95 = np.percentile(times, [50, 95]) * 1000
    rows.append(("receive, one client", part, f"{part / sum(times):.0f}/s, p50 {p50:.1f} ms, p95 {p95:.1f} ms"))
    start = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda new: receive(desk, SYSTEM, new), some[part : 2 * part]))
    rows.append(("receive, four threads", part, f"{part / (time.perf_counter() - start):.0f}/s"))
    start = time.perf_counter()
    found = receive_many(desk, SYSTEM, some[2 * part :])
    stored = sum(isinstance(answer, Receipt) for answer in found)
    rows.append(("receive_many", stored, f"{stored / (time.perf_counter() - start):.0f}/s"))
    figures = latency(lambda i: hint(desk, SYSTEM, some[i % len(some)]), n=300)
    rows.append(("hint while typing", figures.n, f"p50 {figures.p50:.1f} ms, p95 {figures.p95:.1f} ms"))
    return rows


def _searching(desk: Desk, count: int) -> list[Row]:
    texts = [ticket.content for ticket in tickets(count + _ASKED)]
    points = desk.encoder.encode(texts)
    stored, asked = points[:-_ASKED], points[-_ASKED:]
    start = time.perf_counter()
    ids = _store(desk.database, stored)
    seconds = time.perf_counter() - start
    rows = [("vector stored with its row", count, f"{seconds / count * 1000:.1f} ms")]
    for scope, filtered in ((EVERYWHERE, "whole city"), (Scope(("区0",)), "one district of twelve")):
        mine = np.arange(count) if scope.everywhere else np.arange(0, count, DISTRICTS)
        recall = np.mean(
            [_recall(desk.database, vector, stored[mine], [ids[i] for i in mine], scope) for vector in asked]
        )

        def search(i: int, scope: Scope = scope) -> None:
            with desk.database.transaction(scope) as connection:
                nearest(connection, asked[i % _ASKED], encoder="benchmark")

        figures = latency(search, n=200)
        told = f"recall@10 {recall:.3f}, p50 {figures.p50:.1f} ms, p95 {figures.p95:.1f} ms"
        rows.append((f"nearest ten, {filtered}", len(mine), told))
    return rows


def _recall(database: Database, vector: Vectors, stored: Vectors, ids: Sequence[UUID], scope: Scope) -> float:
    """Return the share of the ten best cosines that the search reaches; ties between copies count as found."""
    rounded = stored.astype(np.float16).astype(np.float32)
    scores = rounded @ vector.astype(np.float16).astype(np.float32)
    least = np.sort(scores)[-10] - 1e-3
    by_id = dict(zip(ids, scores, strict=True))
    with database.transaction(scope) as connection:
        found = nearest(connection, vector, encoder="benchmark")
    return float(sum(by_id[one.appeal_id] >= least for one in found)) / 10


def _store(database: Database, points: Vectors) -> list[UUID]:
    """Store vectors with bare rows of appeals, in twelve districts."""
    now = datetime.now(UTC)
    ids = [new_id(now) for _ in points]
    event = new_id(now)
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.events), {"id": event})
    for at in range(0, len(ids), _ROWS):
        part = range(at, min(at + _ROWS, len(ids)))
        rows = [{"id": ids[i], "content": "", "event_id": event, "district": f"区{i % DISTRICTS}"} for i in part]
        vectors = [
            {
                "appeal_id": ids[i],
                "encoder": "benchmark",
                "district": f"区{i % DISTRICTS}",
                "received_at": now,
                "vector": HalfVector(points[i]),
            }
            for i in part
        ]
        with database.transaction(EVERYWHERE) as connection:
            connection.execute(insert(schema.appeals), rows)
            connection.execute(insert(schema.vectors), vectors)
    return ids


def _new(ticket: Ticket, number: int) -> NewAppeal:
    return NewAppeal(content=ticket.content, channel="benchmark", reference=str(number))


if __name__ == "__main__":
    main()
