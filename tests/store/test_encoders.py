"""Another encoder: stored appeals are encoded while the present one serves, then it takes over, and vectors never meet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import URL, func, select, text, update

from models.bundle import load_bundle, write_bundle
from models.errors import EncoderError
from models.pairs import TermFrequencies
from tests.encoders import write_encoder
from tests.store.filing import CLOCK, StandingClock, count, person, rows
from tests.store_fixtures import both_ways
from triage.base_model import base_bundle_path
from triage.casework import bundles, encoders, finding, privacy, reencoding
from triage.casework.bundle_watch import BundleLoader, BundleWatcher
from triage.casework.bundles import Shelf
from triage.casework.desk import Desk
from triage.casework.encoders import EncoderLoader
from triage.casework.intake import NewAppeal
from triage.casework.receive import receive, receive_many
from triage.service import Triage
from triage.store import encoders as stored_encoders
from triage.store import jobs, schema
from triage.store.access import EVERYWHERE, SYSTEM, Actor, Scope
from triage.store.database import Database
from triage.store.errors import StateConflict
from triage.store.jobs import Job
from triage.store.search import nearest
from triage.store.vectors import DenseEncoder, HashedProjection, Vectors
from triage.testing import PairCutter, fake_active, fake_desk

ADMIN = person("admin")
TEXTS = [f"松林大道第{n}号路灯坏了半个月一直没有人来修，晚上出行很不安全{n * 7}" for n in range(30)]
SMOKE = "柳溪路枫桥花园小区楼下烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡"
DEFAULT = HashedProjection()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("encoders")
    return [write_encoder(place / str(seed), seed=seed) for seed in range(2)]


@pytest.fixture
def desk(database: Database) -> Desk:
    """A desk whose store has taken over the encoder that its models came with."""
    found = fake_desk(database, clock=CLOCK)
    follow(found)
    return found


def follow(desk: Desk, loader: EncoderLoader | None = None) -> None:
    """What the watcher does with its look at the store."""
    found = (loader or EncoderLoader(desk.database)).present(DEFAULT)
    desk.current.replace(replace(desk.current(), encoder=found.active, others=found.others))


def ask_for(database: Database, folder: Path, *, actor: Actor = ADMIN) -> Job:
    with database.transaction(EVERYWHERE) as connection:
        stored = encoders.add_folder(connection, folder, actor=actor, at=CLOCK())
        job = encoders.use(connection, stored.fingerprint, actor=actor, at=CLOCK())
    assert job is not None
    return job


def finished(desk: Desk, job: Job) -> Job:
    """Work as the worker does, with looks at the store in between, until the job has ended."""
    for _ in range(10):
        found = reencoding.run(desk, job.id, followed=0.0, seconds=60)
        follow(desk)
        if found.finished_at is not None:
            return found
    raise AssertionError("the job does not end")


def made_by(database: Database) -> dict[str, int]:
    """Encoder → vectors of it."""
    found = schema.vectors.c.encoder
    with database.transaction(EVERYWHERE) as connection:
        return {row[0]: row[1] for row in connection.execute(select(found, func.count()).group_by(found))}


def slots(database: Database) -> dict[str, int]:
    """Encoder → where its vectors lie."""
    found = schema.vectors.c
    with database.transaction(EVERYWHERE) as connection:
        return {row[0]: row[1] for row in connection.execute(select(found.encoder, found.slot).distinct())}


def state_of(database: Database) -> dict[str, str]:
    with database.transaction(EVERYWHERE) as connection:
        return {one.name: one.state for one in stored_encoders.listed(connection)}


def near(desk: Desk, query: str, *, encoder: DenseEncoder | None = None, scope: Scope = EVERYWHERE) -> list[UUID]:
    used = encoder or desk.encoder
    with desk.database.transaction(scope) as connection:
        found = nearest(connection, used.encode([query])[0], encoder=used.fingerprint, exact_below=0)
    return [one.appeal_id for one in found]


def filled(desk: Desk, texts: Sequence[str] = TEXTS, *, title: str = "", district: str = "") -> list[UUID]:
    receipts = receive_many(desk, SYSTEM, [NewAppeal(content=words, title=title, district=district) for words in texts])
    return [receipt.appeal_id for receipt in receipts]  # type: ignore[union-attr]


def test_a_new_store_begins_with_the_encoder_of_its_bundle_and_needs_no_job(desk: Desk) -> None:
    assert state_of(desk.database) == {f"hashed-{DEFAULT.fingerprint[-8:]}": "active"}
    assert count(desk.database, "jobs") == 0
    filled(desk)
    assert made_by(desk.database) == {DEFAULT.fingerprint: len(TEXTS)}


@both_ways()
def test_another_encoder_takes_over_when_every_appeal_has_its_vector(database: Database, folders: list[Path]) -> None:
    desk = fake_desk(database, clock=CLOCK)
    follow(desk)
    ids = filled(desk)
    job = ask_for(database, folders[0])
    assert (job.kind, job.state) == ("encoders.fill", "queued")
    follow(desk)
    assert desk.encoder.fingerprint == DEFAULT.fingerprint
    (incoming,) = desk.current().others
    late = receive(desk, SYSTEM, NewAppeal(content=SMOKE)).appeal_id
    assert made_by(database) == {DEFAULT.fingerprint: 31, incoming.fingerprint: 1}
    assert near(desk, TEXTS[3])[0] == ids[3]
    done = finished(desk, job)
    assert (done.state, done.done, done.total) == ("done", 30, 30)
    assert desk.encoder.fingerprint == incoming.fingerprint
    assert desk.current().others == ()
    assert made_by(database) == {incoming.fingerprint: 31}
    assert near(desk, TEXTS[3])[0] == ids[3]
    assert near(desk, SMOKE)[0] == late
    assert sorted(state_of(database).values()) == ["active", "retired"]
    actions = [row["action"] for row in rows(database, "audit")]
    assert actions == ["encoder.use", "encoder.activate"]


def test_a_vector_of_the_job_is_that_of_arrival(desk: Desk, folders: list[Path]) -> None:
    (before,) = filled(desk, ["标题 " + SMOKE + "！！！！请交警核实处理"], title="油烟 扰民")
    job = ask_for(desk.database, folders[0])
    follow(desk)
    (after,) = filled(desk, ["标题 " + SMOKE + "！！！！请交警核实处理"], title="油烟 扰民")
    finished(desk, job)
    vectors = {row["appeal_id"]: row["vector"] for row in rows(desk.database, "vectors")}
    assert np.array_equal(np.asarray(vectors[before]), np.asarray(vectors[after]))


def test_while_it_is_prepared_nobody_searches_with_it(desk: Desk, folders: list[Path]) -> None:
    filled(desk)
    job = ask_for(desk.database, folders[0])
    follow(desk)
    reencoding.run(desk, job.id, seconds=0.0)
    old = finding.find(desk, SYSTEM, TEXTS[5])
    assert old[0].closeness == 1.0
    assert desk.encoder is not desk.current().others[0]
    (incoming,) = desk.current().others
    assert slots(desk.database) == {DEFAULT.fingerprint: 0}
    receive(desk, SYSTEM, NewAppeal(content=SMOKE))
    assert slots(desk.database) == {DEFAULT.fingerprint: 0, incoming.fingerprint: 1}


def test_each_search_walks_the_graph_of_its_own_encoder(desk: Desk, folders: list[Path]) -> None:
    filled(desk)
    finished(desk, ask_for(desk.database, folders[0]))
    with desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        one = "(SELECT vector FROM vectors LIMIT 1)"
        query = f"SELECT appeal_id FROM vectors v WHERE v.slot = {{}} ORDER BY vector <#> {one} LIMIT 5"
        plans = ["\n".join(connection.scalars(text("EXPLAIN " + query.format(slot)))) for slot in (0, 1)]
    assert "ix_vectors_vector_0" in plans[0]
    assert "ix_vectors_vector_1" in plans[1]


def test_a_search_finds_the_own_district_only_whichever_encoder_is_active(desk: Desk, folders: list[Path]) -> None:
    north, south = (filled(desk, TEXTS[:10], district=name) for name in ("北区", "南区"))
    for folder in (folders[0], folders[1]):
        finished(desk, ask_for(desk.database, folder))
        assert set(near(desk, TEXTS[0], scope=Scope(("北区",)))) == set(north)
        assert set(near(desk, TEXTS[0], scope=Scope(("南区",)))) == set(south)
        assert near(desk, TEXTS[0], scope=Scope(())) == []
        mine = Actor(name="user:1", role="dispatcher", scope=Scope(("北区",)))
        assert {found.appeal.id for found in finding.find(desk, mine, TEXTS[0])} <= set(north)


def test_an_erased_appeal_gets_no_vector_and_an_anonymised_one_that_of_its_masked_text(
    desk: Desk, folders: list[Path]
) -> None:
    gone = receive(desk, SYSTEM, NewAppeal(content=SMOKE, user="甲")).appeal_id
    old = receive(desk, SYSTEM, NewAppeal(content=f"{SMOKE}，联系电话13800138000", user="乙")).appeal_id
    privacy.erase(desk, ADMIN, "甲")
    with desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(text("SELECT retention_anonymise('-infinity', now() + interval '1 day', 100)"))
    finished(desk, ask_for(desk.database, folders[0]))
    assert [row["appeal_id"] for row in rows(desk.database, "vectors")] == [old]
    assert gone != old
    (masked,) = (row["content"] for row in rows(desk.database, "appeals", id=old))
    assert "13800138000" not in str(masked)
    assert near(desk, str(masked)) == [old]


class Interrupting:
    """An encoder in whose midst something happens."""

    def __init__(self, encoder: DenseEncoder, happen: Callable[[int], None]) -> None:
        self._encoder, self._happen, self._calls = encoder, happen, 0
        self.fingerprint, self.unrelated = encoder.fingerprint, encoder.unrelated

    def encode(self, texts: Sequence[str]) -> Vectors:
        self._calls += 1
        self._happen(self._calls)
        return self._encoder.encode(texts)

    encode_queries = encode


def interrupt(desk: Desk, happen: Callable[[int], None]) -> None:
    active = desk.current()
    desk.current.replace(replace(active, others=tuple(Interrupting(one, happen) for one in active.others)))


def test_an_appeal_that_is_erased_while_it_is_encoded_gets_no_vector(desk: Desk, folders: list[Path]) -> None:
    receive(desk, SYSTEM, NewAppeal(content=SMOKE, user="甲"))
    job = ask_for(desk.database, folders[0])
    follow(desk)

    def erase(call: int) -> None:
        if call == 1:
            privacy.erase(desk, ADMIN, "甲")

    interrupt(desk, erase)
    assert reencoding.run(desk, job.id, followed=0.0).finished_at is None
    assert count(desk.database, "vectors") == 0
    follow(desk)
    assert reencoding.run(desk, job.id, followed=0.0).state == "done"


def test_work_that_breaks_off_goes_on_where_it_was(
    desk: Desk, folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reencoding, "CHUNK", 8)
    filled(desk)
    job = ask_for(desk.database, folders[0])
    follow(desk)

    def die(call: int) -> None:
        if call == 3:
            raise KeyboardInterrupt

    interrupt(desk, die)
    with pytest.raises(KeyboardInterrupt):
        reencoding.run(desk, job.id)
    with desk.database.transaction(EVERYWHERE) as connection:
        assert jobs.get(connection, job.id).done == 16
    seen: list[int] = []
    follow(desk)
    interrupt(desk, seen.append)
    reencoding.run(desk, job.id)
    assert len(seen) == 2  # 14 appeals were left
    assert (finished(desk, job).done, made_by(desk.database)) == (30, {desk.encoder.fingerprint: 30})


WORKER = """
import os, sys, time
from dataclasses import replace
from pathlib import Path
from uuid import UUID
from triage.casework import reencoding
from triage.casework.encoders import EncoderLoader
from triage.store.database import Database
from triage.store.vectors import HashedProjection
from triage.testing import fake_desk
desk = fake_desk(Database(os.environ["WHERE"]))
found = EncoderLoader(desk.database).present(HashedProjection())
desk.current.replace(replace(desk.current(), encoder=found.active, others=found.others))
reencoding.CHUNK = 4
def slowly():
    print("chunk", flush=True)
    time.sleep(0.05)
    return True
reencoding.run(desk, UUID(sys.argv[1]), go_on=slowly)
"""


def test_a_worker_killed_with_signal_9_loses_nothing_and_doubles_nothing(
    desk: Desk, database_url: URL, folders: list[Path]
) -> None:
    filled(desk)
    job = ask_for(desk.database, folders[0])
    where = {**os.environ, "WHERE": database_url.render_as_string(hide_password=False)}
    for chunks in (2, 3):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(job.id)], env=where, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(chunks + 1):
            assert process.stdout.readline() == "chunk\n"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with desk.database.transaction(EVERYWHERE) as connection:
        part = jobs.get(connection, job.id)
    assert 4 <= part.done < 30
    assert part.finished_at is None
    done = finished(desk, job)
    assert (done.state, done.done, done.failed) == ("done", 30, 0)
    assert made_by(desk.database) == {desk.encoder.fingerprint: 30}


def test_two_workers_at_once_do_no_harm(desk: Desk, folders: list[Path]) -> None:
    filled(desk)
    job = ask_for(desk.database, folders[0])
    other = fake_desk(desk.database, clock=CLOCK)
    follow(desk)
    follow(other)

    def cut_in(call: int) -> None:
        if call == 1:
            reencoding.run(other, job.id)

    interrupt(desk, cut_in)
    reencoding.run(desk, job.id)
    done = finished(desk, job)
    assert (done.done, done.total) == (30, 30)
    assert made_by(desk.database) == {desk.encoder.fingerprint: 30}


def test_an_appeal_that_a_slow_process_received_is_encoded_after_the_switch(desk: Desk, folders: list[Path]) -> None:
    filled(desk)
    slow = fake_desk(desk.database, clock=CLOCK)
    slow.current.replace(desk.current())
    job = ask_for(desk.database, folders[0])
    follow(desk)
    reencoding.run(desk, job.id)  # switched; the slow process has not looked yet
    assert "leaving" in state_of(desk.database).values()
    late = receive(slow, SYSTEM, NewAppeal(content=SMOKE)).appeal_id
    follow(desk)
    assert late not in near(desk, SMOKE)
    assert late in near(slow, SMOKE)
    mine = receive(desk, SYSTEM, NewAppeal(content=SMOKE + "！")).appeal_id
    assert mine in near(slow, SMOKE)  # whoever has switched writes for those who have not
    assert reencoding.run(desk, job.id, followed=3600.0).finished_at is None
    assert set(near(slow, SMOKE)) >= {late, mine}
    finished(desk, job)
    assert set(near(desk, SMOKE)[:2]) == {late, mine}


def test_a_later_choice_replaces_an_earlier_one_and_the_active_one_can_be_kept(desk: Desk, folders: list[Path]) -> None:
    filled(desk)
    first = ask_for(desk.database, folders[0])
    follow(desk)
    reencoding.run(desk, first.id, seconds=0.0)
    second = ask_for(desk.database, folders[1])
    follow(desk)
    assert reencoding.run(desk, first.id).error == "已改用其他编码器"
    with pytest.raises(StateConflict, match="正在切换到编码器 letters-1-1"):
        ask_for(desk.database, folders[1])
    with desk.database.transaction(EVERYWHERE) as connection:
        assert encoders.use(connection, DEFAULT.fingerprint, actor=ADMIN, at=CLOCK()) is None
    assert reencoding.run(desk, second.id).state == "failed"
    follow(desk)
    assert desk.encoder.fingerprint == DEFAULT.fingerprint
    with pytest.raises(StateConflict, match="已在使用"), desk.database.transaction(EVERYWHERE) as connection:
        encoders.use(connection, DEFAULT.fingerprint, actor=ADMIN, at=CLOCK())
    finished(desk, ask_for(desk.database, folders[0]))
    assert made_by(desk.database) == {desk.encoder.fingerprint: 30}


def test_a_store_of_an_older_program_is_encoded_anew(database: Database) -> None:
    desk = fake_desk(database, active=replace(fake_active(), encoder=HashedProjection(seed=7)), clock=CLOCK)
    ids = filled(desk)
    follow(desk)
    assert desk.encoder.fingerprint == DEFAULT.fingerprint
    (job,) = rows(database, "jobs")
    with database.transaction(EVERYWHERE) as connection:
        done = finished(desk, jobs.get(connection, UUID(str(job["id"]))))
    assert (done.state, done.done) == ("done", 30)
    assert made_by(database) == {DEFAULT.fingerprint: 30}
    assert near(desk, TEXTS[7])[0] == ids[7]
    assert slots(database) == {DEFAULT.fingerprint: 1}


def test_an_encoder_that_cannot_be_loaded_leaves_the_present_one(desk: Desk, folders: list[Path]) -> None:
    filled(desk)
    job = ask_for(desk.database, folders[0])
    parts = schema.encoders.encoder_parts
    with desk.database.transaction(EVERYWHERE) as connection:
        mine = parts.c.fingerprint.like("onnx%")
        connection.execute(update(parts).where(mine, parts.c.part == 0).values(data=b"x"))
    follow(desk)
    assert desk.current().others == ()
    assert reencoding.run(desk, job.id).finished_at is None  # perhaps the next look brings it
    later = fake_desk(desk.database, clock=StandingClock(CLOCK() + timedelta(hours=1)))
    assert "未能载入，原因见服务日志；现用的编码器不变" in reencoding.run(later, job.id).error
    follow(desk)
    assert desk.encoder.fingerprint == DEFAULT.fingerprint
    assert made_by(desk.database) == {DEFAULT.fingerprint: 30}


def test_an_encoder_of_another_length_is_refused(database: Database, tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "long", dimensions=384)
    with pytest.raises(EncoderError, match="向量为 384 维，本系统存 256 维"):
        ask_for(database, folder)
    assert count(database, "encoders") == 0


def test_an_encoder_that_was_exchanged_in_the_store_is_not_believed(desk: Desk, folders: list[Path]) -> None:
    ask_for(desk.database, folders[0])
    with desk.database.transaction(EVERYWHERE) as connection:
        one = next(found for found in stored_encoders.in_use(connection) if found.state == "preparing")
        wrong = replace(one, fingerprint=DEFAULT.fingerprint, kind="onnx")
        with pytest.raises(EncoderError, match="sha256 不符"):
            encoders.load(connection, wrong)


def test_the_job_waits_in_the_queue_below_what_people_wait_for(desk: Desk, folders: list[Path]) -> None:
    job = ask_for(desk.database, folders[0])
    with desk.database.transaction(EVERYWHERE) as connection:
        queued = connection.execute(text("SELECT task_name, args, priority, lock FROM procrastinate_jobs")).one()
    assert (queued.task_name, queued.args) == ("triage.encode", {"job": str(job.id)})
    assert queued.priority < 0
    assert queued.lock == str(job.id)


def test_vectors_are_forgotten_in_the_scope_of_the_whole_city_only_and_never_those_in_use(
    desk: Desk, database: Database
) -> None:
    filled(desk)
    with database.transaction(EVERYWHERE) as connection:
        assert stored_encoders.forget(connection, after=None, batch=100)[0] == 0
    with pytest.raises(Exception, match="42501"), database.transaction(Scope(("北区",))) as connection:
        stored_encoders.forget(connection, after=None, batch=100)
    assert count(database, "vectors") == 30


def test_a_hashed_projection_comes_back_from_the_store_as_it_was() -> None:
    counted = TermFrequencies.count([np.array([1, 2, 3], dtype=np.uint32)] * 9)
    encoder = HashedProjection(counted, seed=3)
    again = HashedProjection.unpack(encoder.pack())
    assert again.fingerprint == encoder.fingerprint
    assert np.array_equal(again.encode([SMOKE]), encoder.encode([SMOKE]))
    with pytest.raises(EncoderError, match="已损坏"):
        HashedProjection.unpack(b"something else")


@pytest.fixture(scope="module")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped bundle with other frequencies, as training on other appeals would count them."""
    base = load_bundle(base_bundle_path())
    pairs = {**base.tensors["pairs"]}
    pairs["documents"] = pairs["documents"] + np.int32(1)
    folder = tmp_path_factory.mktemp("retrained") / "bundle"
    write_bundle(folder, replace(base.description, name="retrained"), {**base.tensors, "pairs": pairs})
    return folder


@pytest.fixture(scope="module")
def words() -> PairCutter:
    return PairCutter()


@pytest.fixture
def shelf(database: Database, tmp_path: Path, words: PairCutter, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setattr("triage.casework.bundle_watch.first_encoder", lambda: None)
    loader = BundleLoader(database, tmp_path / "cache", words=words)
    loaded = loader.present()
    desk = fake_desk(database, active=loaded.active, clock=CLOCK)
    return Shelf(desk=desk, watcher=BundleWatcher(desk.current, loader, loaded.generation))


def test_a_promoted_bundle_of_other_frequencies_brings_its_encoder_with_it(shelf: Shelf, retrained: Path) -> None:
    desk = shelf.desk
    ids = filled(desk, TEXTS[:5])
    before = desk.encoder.fingerprint
    bundles.promote(shelf, ADMIN, bundles.upload_folder(shelf, ADMIN, retrained).id)
    assert desk.current().bundle.startswith("retrained")
    assert isinstance(desk.current().triage, Triage)
    assert desk.encoder.fingerprint == before  # it serves on
    shelf.watcher.poll()
    (incoming,) = desk.current().others
    assert near(desk, TEXTS[2])[0] == ids[2]
    (job,) = rows(desk.database, "jobs", kind="encoders.fill")
    for _ in range(3):
        last = reencoding.run(desk, UUID(str(job["id"])), followed=0.0)
        shelf.watcher.poll()
    assert last.state == "done"
    assert desk.encoder.fingerprint == incoming.fingerprint
    assert made_by(desk.database) == {incoming.fingerprint: 5}
    assert near(desk, TEXTS[2])[0] == ids[2]
    assert not shelf.watcher.poll()


def test_a_bundle_that_is_rolled_back_takes_its_encoder_back(shelf: Shelf, retrained: Path) -> None:
    before = shelf.desk.encoder.fingerprint
    bundles.promote(shelf, ADMIN, bundles.upload_folder(shelf, ADMIN, retrained).id)
    assert "preparing" in state_of(shelf.desk.database).values()
    bundles.roll_back(shelf, ADMIN)
    assert sorted(state_of(shelf.desk.database).values()) == ["active", "retired"]
    assert shelf.desk.encoder.fingerprint == before
    assert [row["error"] for row in rows(shelf.desk.database, "jobs")] == ["已改用其他编码器"]


def test_two_programs_with_bundles_of_their_own_do_not_undo_each_others_choice(database: Database) -> None:
    first, second = HashedProjection(seed=1), HashedProjection(seed=2)
    older, newer = EncoderLoader(database), EncoderLoader(database)
    older.present(first)
    newer.present(second)
    for _ in range(3):
        stamps = {older.present(first, follow=False).stamp, newer.present(second, follow=False).stamp}
        assert stamps == {((first.fingerprint, "active"), (second.fingerprint, "preparing"))}
    assert count(database, "jobs") == 1


def test_a_start_after_the_switch_loads_what_is_active(shelf: Shelf, folders: list[Path]) -> None:
    job = ask_for(shelf.desk.database, folders[0])
    shelf.watcher.poll()
    for _ in range(3):
        reencoding.run(shelf.desk, job.id, followed=0.0)
        shelf.watcher.poll()
    loaded = shelf.loader.present()
    assert loaded.active.encoder.fingerprint == shelf.desk.encoder.fingerprint
    assert loaded.active.encoder.fingerprint.startswith("onnx.v1-256-")
    assert count(shelf.desk.database, "jobs") == 1  # the bundle's own encoder is not asked for again
