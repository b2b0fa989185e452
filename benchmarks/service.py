"""How fast the service answers: typing-time hints, lists, and posts from one and from sixteen clients.

``python -m benchmarks.service --posts 1600`` starts ``triage serve`` on an empty folder and measures over HTTP.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.kill import Server
from triage.io.readers import read_rows
from triage.samples import sample_path

CLIENTS = 16
HINTS = 300


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=__doc__)
    parser.add_argument("--posts", type=int, default=1_600)
    parser.add_argument("--port", type=int, default=8_766)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as folder:
        server = Server(Path(folder), chosen.port)
        figures: dict[str, Any] = {"start_s": round(server.start(), 2)}
        try:
            figures |= _measure(server, chosen.posts, _texts())
            assert server.process is not None
            status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
            figures["rss_mib"] = int(status.split("VmRSS:")[1].split()[0]) // 1024
        finally:
            server.stop()
    print(json.dumps(figures))


def _texts() -> list[tuple[str, str]]:
    return [(row.appeal.title, row.appeal.content) for row in read_rows(sample_path("appeals.csv"))]


def _measure(server: Server, posts: int, texts: list[tuple[str, str]]) -> dict[str, Any]:
    def body(number: int) -> dict[str, str]:
        title, content = texts[number % len(texts)]
        return {"title": title, "content": f"{content}（第{number}件）", "channel": "热线"}

    with httpx.Client(base_url=server.url, headers=server.headers, timeout=60) as client:
        begun = time.perf_counter()
        for number in range(posts):
            client.post("/v1/appeals", json=body(number)).raise_for_status()
        alone = posts / (time.perf_counter() - begun)
        hints = _times(lambda number: client.post("/v1/triage", json=body(number)).raise_for_status())
        lists = _times(lambda _number: client.get("/v1/appeals").raise_for_status())
    times: list[float] = []
    begun = time.perf_counter()
    share = posts // CLIENTS
    threads = [
        threading.Thread(
            target=_post_share, args=(server, body, range((k + 1) * 10**6, (k + 1) * 10**6 + share), times)
        )
        for k in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "posts_per_s_1_client": round(alone, 1),
        "hint_ms_p50_p95": hints,
        "list_ms_p50_p95": lists,
        "posts_per_s_16_clients": round(len(times) / (time.perf_counter() - begun), 1),
        "post_ms_p50_p95_16_clients": _percentiles(times),
        "n": posts,
    }


def _post_share(server: Server, body: Callable[[int], dict[str, str]], numbers: range, times: list[float]) -> None:
    with httpx.Client(base_url=server.url, headers=server.headers, timeout=60) as client:
        for number in numbers:
            begun = time.perf_counter()
            client.post("/v1/appeals", json=body(number)).raise_for_status()
            times.append((time.perf_counter() - begun) * 1000)


def _times(call: Callable[[int], object]) -> list[float]:
    times = []
    for number in range(HINTS):
        begun = time.perf_counter()
        call(number)
        times.append((time.perf_counter() - begun) * 1000)
    return _percentiles(times)


def _percentiles(times: list[float]) -> list[float]:
    return [round(float(np.percentile(times, share)), 1) for share in (50, 95)]


if __name__ == "__main__":
    main()
