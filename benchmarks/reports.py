"""How long a report takes over many stored appeals: ``python -m benchmarks.reports [--rows 1000000] [--data DIR]``.

The store is filled with invented rows by the database itself: appeals of 400 days with decisions, terms, words, labels and
answers, 30 % of them in events with others. Then a day, a week, a month and a quarter are reported on, each after one round to
warm the caches, and a week of one district.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine, text

from triage.casework.reports import make
from triage.events import WordCutter
from triage.reports import codec
from triage.reports.material import Request
from triage.reports.period import Kind, Period, of
from triage.store.access import SYSTEM
from triage.store.database import Database
from triage.store.opening import open_store
from triage.store.settings import StoreSettings

LAST = date(2026, 9, 13)
"""Sunday of the week that is reported on; the rows end a fortnight later."""
DAYS = 400

_FILL = """
SELECT setseed(0.42);
CREATE TEMP TABLE made AS
SELECT g, ('2026-09-28 00:00+08'::timestamptz - make_interval(days => :days)) + make_interval(secs => :days * 86400.0 * g / :rows)
    AS at,
  CASE WHEN random() < 0.7 THEN g ELSE greatest(1, g - 1 - floor(random() * 3000)::int) END AS event,
  (ARRAY['东区','西区','南区','北区','高新区','湖滨县'])[1 + floor(6 * random() ^ 1.5)::int] AS district,
  '第' || (1 + floor(9 * random()))::text || '街道' AS street,
  1 + floor(8 * random() ^ 1.5)::int AS l1, 1 + floor(6 * random())::int AS l2,
  (ARRAY[0,0,0,0,0,1,1,1,2,2,3,0,0,0,1,1,2,0,0,4])[1 + floor(20 * random())::int] AS risk, random() AS dice,
  1 + floor(120 * random() ^ 2)::int AS unit
FROM generate_series(1, :rows) AS g;
INSERT INTO events (id, title, size, district, risk_level, first_at, last_at, created_at)
SELECT md5('e' || event)::uuid, '第' || event || '号小区噪声扰民', count(*), min(district), max(risk), min(at), max(at),
  min(at)
FROM made GROUP BY event;
UPDATE events SET frequent_since = first_at::date, frequent_last = last_at::date WHERE size >= 4;
INSERT INTO appeals (id, reference, channel, received_at, created_at, content_raw, title, content, district, unit, case_state,
  delivery_state, risk_level, risk_score, l1, l2, type, event_id, appellant)
SELECT md5('a' || g)::uuid, 'B' || g, (ARRAY['热线','网站','微信'])[1 + g % 3], at, at, repeat('夜间施工噪声很大请处理', 12),
  '夜间施工噪声扰民', repeat('夜间施工噪声很大请处理', 12), district,
  CASE WHEN dice < 0.8 THEN '第' || unit || '局' ELSE '' END,
  CASE WHEN at > '2026-08-01' AND dice > 0.7 THEN 'assigned' ELSE 'closed' END, 'dispatched', risk, 0.1, '一级' || l1,
  '二级' || l1 || l2, (ARRAY['投诉','求助','咨询'])[1 + g % 3], md5('e' || event)::uuid, sha256(int4send(g / 2))
FROM made;
INSERT INTO decisions (appeal_id, version, record, bundle, actor, at)
SELECT md5('a' || g)::uuid, 1, json_build_object('unit', json_build_object('candidates', json_build_array(json_build_object(
  'name', '第' || unit || '局', 'probability', 0.8)), 'decision', CASE WHEN dice < 0.5 THEN 'auto' ELSE 'review' END),
  'risk', json_build_object('factors', json_build_array(json_build_object('name', '群体性', 'probability', 0.9))),
  'area', json_build_object('name', district), 'explanation', repeat('理由', 300)), 'b', 'system', at
FROM made;
INSERT INTO appeal_facets (appeal_id, district, received_at, street, l2, words)
SELECT md5('a' || g)::uuid, district, at, street, '二级' || l1 || l2, (
  SELECT array_agg(DISTINCT '词' || floor(4000 * random() ^ 3)::int) FROM generate_series(1, 10) WHERE g > 0)
FROM made;
INSERT INTO terms (appeal_id, step, state, unit, started_at, due_at, ended_at)
SELECT md5('a' || g)::uuid, 'finish', CASE WHEN at > '2026-08-01' AND dice > 0.7 THEN 'open' ELSE 'met' END,
  '第' || unit || '局', at,
  at + interval '10 days', CASE WHEN at > '2026-08-01' AND dice > 0.7 THEN NULL ELSE at + make_interval(days => 4 + g % 8) END
FROM made;
INSERT INTO feedback (appeal_id, decision_version, kind, unit_from, unit_to, actor, at)
SELECT md5('a' || g)::uuid, 1, 'confirm', '', '第' || unit || '局', 'user:1', at + interval '1 hour' FROM made WHERE dice < 0.8;
INSERT INTO feedback (appeal_id, decision_version, kind, unit_from, unit_to, actor, at)
SELECT md5('a' || g)::uuid, 1, 'return', '第' || unit || '局', '', 'user:1', at + interval '9 hours'
FROM made WHERE dice < 0.05;
INSERT INTO answers (id, appeal_id, unit, kind, reached, responded, solved, satisfaction, actor, at)
SELECT md5('s' || g)::uuid, md5('a' || g)::uuid, '第' || unit || '局', 'call_back', true, true, dice < 0.15, 'satisfied',
  'user:1', at + interval '12 days' FROM made WHERE dice < 0.2;
INSERT INTO escalations (event_id, appeal_id, district, level_from, level_to, ground, mark, reason, at)
SELECT md5('e' || event)::uuid, md5('a' || g)::uuid, district, 2, risk, 'risk', risk, '风险等级', at
FROM made WHERE risk >= 3;
INSERT INTO alerts (id, event_id, appeal_id, district, level, reason, at)
SELECT md5('w' || g)::uuid, md5('e' || event)::uuid, md5('a' || g)::uuid, district, risk, '风险等级', at
FROM made WHERE risk >= 3
ON CONFLICT DO NOTHING;
"""


def fill(url: URL, rows: int) -> None:
    """Fill an empty store; the owner's connection, since the service may not write what it did not receive."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for part in _FILL.split(";\n"):
            if part.strip():
                connection.execute(text(part), {"rows": rows, "days": DAYS} if ":rows" in part else {})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
    engine.dispose()


def measure(database: Database, period: Period, *, area: str = "") -> str:
    """Report twice on a period and return the second time in words."""
    request = Request(period=period, made_at=period.until + timedelta(hours=8), area=area)
    words = WordCutter()
    words.cut("热身")
    times = []
    for _ in range(2):
        start = time.perf_counter()
        report = make(database, SYSTEM, request, words=words)
        times.append(time.perf_counter() - start)
    size = len(codec.dumps(report))
    tickets = report.overview.total.count
    return (
        f"{period.code} {area or '全市'}: {tickets:,} 件, {times[0]:.2f} s, 再次 {times[1]:.2f} s, {size / 1e6:.1f} MB"
    )


def main() -> None:
    """Fill a store unless it holds rows already, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=None, help="kept afterwards; default: a temporary folder")
    options = parser.parse_args()
    with ExitStack() as stack:
        data = options.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-bench-")))
        store = stack.enter_context(open_store(StoreSettings(data=data)))
        with store.database.engine.connect() as connection:
            connection.execute(text("SELECT set_config('triage.districts', '*', true)"))
            filled = connection.scalar(text("SELECT count(*) FROM appeals"))
        if not filled and store.owner_url is not None:
            start = time.perf_counter()
            fill(store.owner_url, options.rows)
            print(f"filled {options.rows:,} in {time.perf_counter() - start:.0f} s")
        for kind in (Kind.DAY, Kind.WEEK, Kind.MONTH, Kind.QUARTER):
            print(measure(store.database, of(kind, LAST)))
        print(measure(store.database, of(Kind.WEEK, LAST), area="东区"))


if __name__ == "__main__":
    main()
