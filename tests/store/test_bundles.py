"""Bundles in production: hostile archives, evaluation, promotion without dropping a request, the way back, replicas."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from models.bundle import Bundle, load_bundle, write_bundle
from tests.store.filing import CLOCK, DISPATCHER, add_units, count, file_appeal, person, rows
from tests.store_fixtures import both_ways
from triage.appeal import Appeal
from triage.base_model import base_bundle_path
from triage.casework import archives, bundles, evaluation, privacy, review
from triage.casework.bundle_watch import BundleLoader, BundleWatcher
from triage.casework.bundles import Shelf
from triage.casework.desk import ActiveTriage, activate
from triage.decision import AUTO, REVIEW, Candidate, Decision, UnitDecision
from triage.errors import BundleError, InputError
from triage.reading import Reading
from triage.service import Context, Triage
from triage.store import schema
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.database import Database
from triage.store.errors import Conflict, NotFound, Refused, StateConflict
from triage.testing import FakeDecider, PairCutter, fake_active, fake_desk

ADMIN = person("admin")
WORDS = PairCutter()
APPEAL = Appeal(id="1", title="路灯不亮", content="小区门口路灯坏了一周，请维修。")


@pytest.fixture(scope="module")
def base() -> Bundle:
    return load_bundle(base_bundle_path())


@pytest.fixture(scope="module")
def shipped() -> Triage:
    return Triage.load(words=WORDS)


@pytest.fixture(scope="module")
def make(base: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write the shipped bundle under another name: another bundle to the store."""

    def write(name: str) -> Path:
        folder = tmp_path_factory.getbasetemp() / f"bundle-{name}"
        if not folder.exists():
            write_bundle(folder, replace(base.description, name=name), base.tensors)
        return folder

    return write


def deciding(active: ActiveTriage) -> str:
    """The bundle among everything that decides; the encoder is named behind it."""
    return active.bundle.partition(" ")[0]


def shelf_of(database: Database, cache: Path, active: ActiveTriage | None = None) -> Shelf:
    desk = fake_desk(database, active=active, clock=CLOCK)
    return Shelf(desk=desk, watcher=BundleWatcher(desk.current, BundleLoader(database, cache, words=WORDS)))


@pytest.fixture
def shelf(database: Database, tmp_path: Path, shipped: Triage) -> Shelf:
    return shelf_of(database, tmp_path / "cache", activate(shipped))


def zipped(folder: Path, *, inside: str = "") -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{inside}{path.name}")
    packed.seek(0)
    return packed


def tarred(entries: dict[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in entries.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    packed.seek(0)
    return packed


def special(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


def zip_of(name: str, data: bytes, *, mode: int = 0) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr, info.compress_type = mode << 16, zipfile.ZIP_DEFLATED
        archive.writestr(info, data)
    packed.seek(0)
    return packed


def many_in_a_zip(count: int) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(count):
            archive.writestr(f"f{number}.json", b"{}")
    packed.seek(0)
    return packed


def claimed_zip64() -> io.BytesIO:
    """A zip whose end points to a second, larger list of files."""
    whole = zip_of("manifest.json", b"{}").getvalue()
    return io.BytesIO(whole[:-22] + b"PK\x06\x07" + bytes(16) + whole[-22:])


def long_header(kind: bytes) -> io.BytesIO:
    """An extended header of 16 MB in some 20 kB."""
    info = tarfile.TarInfo("header")
    info.type, info.size = kind, 16 << 20
    return io.BytesIO(gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes((16 << 20) + 1024)))


def sparse(pax: dict[str, str] | None = None) -> io.BytesIO:
    """A tar with a sparse file, of the old kind or of the one that is told in a header."""
    info, stream = tarfile.TarInfo("manifest.json"), io.BytesIO()
    info.type, info.pax_headers = tarfile.REGTYPE if pax else tarfile.GNUTYPE_SPARSE, pax or {}
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT) as packed:
        packed.addfile(info)
    stream.seek(0)
    return stream


@both_ways()
def test_an_uploaded_bundle_is_stored_in_parts_and_comes_back_whole(
    database: Database, tmp_path: Path, make: Callable[[str], Path], shipped: Triage
) -> None:
    shelf = shelf_of(database, tmp_path / "cache", activate(shipped))
    stored = bundles.upload(shelf, ADMIN, zipped(make("city-a"), inside="city-a/"))
    assert (stored.kind, stored.state, stored.uploaded_by) == ("base", "uploaded", ADMIN.name)
    assert stored.name.startswith("city-a+")
    assert count(database, "bundle_parts") == -(-stored.size // (4 << 20))
    loaded = shelf.loader.load(stored)
    assert deciding(loaded) == stored.name
    assert [row["action"] for row in rows(database, "audit")] == ["bundle.upload"]
    with pytest.raises(Conflict, match="已经上传过，无需重复上传"):
        bundles.upload_folder(shelf, ADMIN, make("city-a"))


@pytest.mark.parametrize(
    ("archive", "problem"),
    [
        (io.BytesIO, "模型压缩包是空的"),
        (lambda: io.BytesIO(b"not an archive" * 100), "无法识别的压缩格式，请上传 zip、tar 或 tar.gz"),
        (lambda: tarred({"../evil.json": b"{}"}), "越出文件夹或嵌套过深的路径"),
        (lambda: tarred({"/etc/evil.json": b"{}"}), "越出文件夹或嵌套过深的路径"),
        (lambda: tarred({"a/b/c.json": b"{}"}), "越出文件夹或嵌套过深的路径"),
        (lambda: zip_of("..\\evil.json", b"{}"), "越出文件夹或嵌套过深的路径"),
        (lambda: zip_of("C:/evil.json", b"{}"), "越出文件夹或嵌套过深的路径"),
        (lambda: tarred({"x": special("link.json", tarfile.SYMTYPE)}), "链接或特殊文件"),
        (lambda: tarred({"x": special("link.json", tarfile.LNKTYPE)}), "链接或特殊文件"),
        (lambda: tarred({"x": special("pipe.json", tarfile.FIFOTYPE)}), "链接或特殊文件"),
        (lambda: zip_of("link.json", b"/etc/passwd", mode=0o120777), "链接或特殊文件"),
        (lambda: tarred({"run.sh": b"rm"}), "不属于模型的文件"),
        (lambda: tarred({".hidden.json": b"{}"}), "不属于模型的文件"),
        (lambda: tarred({"model.pkl": b"x"}), "不属于模型的文件"),
        (lambda: tarred({f"f{n}.json": b"{}" for n in range(65)}), "文件多于 64 个"),
        (lambda: many_in_a_zip(129), "文件多于 64 个或为 zip64 格式"),
        (lambda: many_in_a_zip(70), "文件多于 64 个"),
        (claimed_zip64, "zip64 格式"),
        (lambda: long_header(tarfile.XHDTYPE), "文件头过长，已拒绝"),
        (lambda: long_header(tarfile.XGLTYPE), "文件头过长，已拒绝"),
        (lambda: long_header(tarfile.GNUTYPE_LONGNAME), "文件头过长，已拒绝"),
        (sparse, "稀疏文件，已拒绝"),
        (lambda: sparse({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}), "稀疏文件，已拒绝"),
        (lambda: tarred({"a.json": b"{}", "b/a.json": b"{}"}), "重名文件"),
        (lambda: zip_of("bomb.json", bytes(50_000_000)), "疑似压缩炸弹，已拒绝"),
        (lambda: tarred({"bomb.json": bytes(50_000_000)}), "疑似压缩炸弹，已拒绝"),
        (lambda: tarred({"other.json": b"{}"}), "没有 manifest.json"),
        (lambda: tarred({"manifest.json": b"{}"}), "format version"),
        (lambda: io.BytesIO(tarred({"manifest.json": bytes(range(256)) * 99}).getvalue()[:-60]), "已损坏或加密"),
    ],
)
def test_a_hostile_archive_is_refused_and_nothing_of_it_stays(
    shelf: Shelf, tmp_path: Path, archive: Callable[[], io.BytesIO], problem: str
) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(BundleError, match=problem):
        bundles.upload(shelf, ADMIN, archive())
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
    assert count(shelf.desk.database, "bundles") == 0


def test_an_endless_stream_is_cut_off(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_PACKED", 3 << 20)

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    with pytest.raises(BundleError, match="模型压缩包超过 3 MB"):
        bundles.upload(shelf, ADMIN, Endless())  # type: ignore[arg-type]


def test_a_bundle_with_a_flipped_byte_is_refused(shelf: Shelf, make: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for path in make("city-a").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    weights = bytearray((folder / "ranker.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "ranker.safetensors").write_bytes(weights)
    with pytest.raises(BundleError, match="sha256 differs"):
        bundles.upload(shelf, ADMIN, zipped(folder))


def test_a_well_formed_bundle_that_cannot_decide_is_refused(shelf: Shelf, base: Bundle, tmp_path: Path) -> None:
    tensors = {**base.tensors, "text": {}}
    write_bundle(tmp_path / "hollow", replace(base.description, name="hollow"), tensors)
    with pytest.raises(BundleError, match="train the bundle again"):
        bundles.upload_folder(shelf, ADMIN, tmp_path / "hollow")


def test_promotion_and_the_way_back(shelf: Shelf, make: Callable[[str], Path]) -> None:
    first, second = (bundles.upload_folder(shelf, ADMIN, make(name)) for name in ("city-a", "city-b"))
    start = shelf.desk.current().bundle
    assert bundles.promote(shelf, ADMIN, first.id).former == start
    assert deciding(shelf.desk.current()) == first.name
    bundles.promote(shelf, ADMIN, second.id)
    assert deciding(shelf.desk.current()) == second.name
    assert states(shelf) == {first.name: "retired", second.name: "active"}
    assert bundles.roll_back(shelf, ADMIN, reason="准确率下降").active.startswith(first.name)
    assert states(shelf) == {first.name: "active", second.name: "retired"}
    assert bundles.roll_back(shelf, ADMIN).active == start  # the shipped one
    assert shelf.desk.current().bundle == start
    with pytest.raises(InputError, match="请写明理由"):
        bundles.roll_back(shelf, ADMIN, reason="a\x00b")
    with pytest.raises(StateConflict, match="现用的是自带模型，没有可回退的模型"):
        bundles.roll_back(shelf, ADMIN)
    audited = [(row["action"], row["subject"]) for row in rows(shelf.desk.database, "audit")][2:]
    assert audited == [
        ("bundle.promote", first.name),
        ("bundle.promote", second.name),
        ("bundle.roll_back", first.name),
        ("bundle.roll_back", "shipped"),
    ]


def states(shelf: Shelf) -> dict[str, str]:
    return {bundle.name: bundle.state for bundle in bundles.listed(shelf, ADMIN)}


def test_the_active_bundle_is_not_promoted_again(shelf: Shelf, make: Callable[[str], Path]) -> None:
    stored = bundles.upload_folder(shelf, ADMIN, make("city-a"))
    bundles.promote(shelf, ADMIN, stored.id)
    with pytest.raises(StateConflict, match="已在使用，无需再次启用"):
        bundles.promote(shelf, ADMIN, stored.id)
    with pytest.raises(NotFound, match="没有模型"):
        bundles.promote(shelf, ADMIN, uuid4())
    assert bundles.find(shelf, ADMIN, stored.name).id == bundles.find(shelf, ADMIN, str(stored.id)).id == stored.id


def test_requests_go_on_while_bundles_are_swapped(shelf: Shelf, make: Callable[[str], Path]) -> None:
    first, second = (bundles.upload_folder(shelf, ADMIN, make(name)) for name in ("city-a", "city-b"))
    known = {deciding(shelf.desk.current()), first.name, second.name}
    stop, failures, named = threading.Event(), list[BaseException](), set[str]()

    def work() -> None:
        try:
            while not stop.is_set():
                active = shelf.desk.current()
                (decision,) = active.triage.decide_readings(active.triage.read([APPEAL]))
                assert decision.bundle == active.bundle
                named.add(decision.bundle.partition(" ")[0])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    bundles.promote(shelf, ADMIN, first.id)
    bundles.promote(shelf, ADMIN, second.id)
    bundles.roll_back(shelf, ADMIN)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert named <= known
    assert len(named) >= 2


def test_a_replica_follows_with_its_next_look(shelf: Shelf, make: Callable[[str], Path], tmp_path: Path) -> None:
    replica = shelf_of(shelf.desk.database, tmp_path / "replica")
    stored = bundles.upload_folder(shelf, ADMIN, make("city-a"))
    assert replica.watcher.poll()  # the first look loads what is active
    assert not replica.watcher.poll()
    bundles.promote(shelf, ADMIN, stored.id)
    assert replica.watcher.poll()
    assert deciding(replica.desk.current()) == stored.name
    assert not replica.watcher.poll()
    bundles.roll_back(shelf, ADMIN)
    assert replica.watcher.poll()
    assert replica.desk.current().bundle == shelf.desk.current().bundle
    assert deciding(replica.desk.current()) != stored.name


def test_a_new_list_of_units_is_followed_without_loading_the_models_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.watcher.poll()
    models = shelf.desk.current().triage
    assert isinstance(models, Triage)
    add_units(shelf.desk.database, "龙华区城管局", "市交警支队")
    monkeypatch.setattr(BundleLoader, "present", lambda _self: 1 // 0)
    assert shelf.watcher.poll()
    renewed = shelf.desk.current().triage
    assert isinstance(renewed, Triage)
    assert renewed.base is models.base
    assert renewed.directory is not None
    assert renewed.directory.get("市交警支队") is not None
    assert not shelf.watcher.poll()


def test_a_start_loads_what_was_promoted(shelf: Shelf, make: Callable[[str], Path]) -> None:
    stored = bundles.upload_folder(shelf, ADMIN, make("city-a"))
    bundles.promote(shelf, ADMIN, stored.id)
    loaded = shelf.loader.present()
    assert deciding(loaded.active) == stored.name
    assert loaded.generation.bundle == stored.id


def test_a_damaged_cache_is_fetched_anew(shelf: Shelf, make: Callable[[str], Path]) -> None:
    stored = bundles.upload_folder(shelf, ADMIN, make("city-a"))
    shelf.loader.load(stored)
    folder = shelf.loader.cache / stored.sha256
    assert folder.stat().st_mode & 0o077 == 0 or shelf.loader.cache.stat().st_mode & 0o077 == 0
    (folder / "ranker.safetensors").write_bytes(b"damaged")
    assert deciding(shelf.loader.load(stored)) == stored.name


def test_another_bundle_put_into_the_cache_is_not_believed(shelf: Shelf, make: Callable[[str], Path]) -> None:
    stored = bundles.upload_folder(shelf, ADMIN, make("city-a"))
    shelf.loader.cache.mkdir(exist_ok=True)
    planted = shelf.loader.cache / stored.sha256
    planted.mkdir()
    for path in make("city-b").iterdir():
        (planted / path.name).write_bytes(path.read_bytes())
    with pytest.raises(BundleError, match=r"缓存中的模型不是 city-a\+"):
        shelf.loader.load(stored)
    assert deciding(shelf.loader.load(stored)) == stored.name


def test_a_bundle_that_is_damaged_in_the_store_leaves_the_present_one_active(
    shelf: Shelf, make: Callable[[str], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replica = shelf_of(shelf.desk.database, tmp_path / "replica")
    replica.watcher.poll()
    before = replica.desk.current()
    stored = bundles.upload_folder(shelf, ADMIN, make("city-a"))
    bundles.promote(shelf, ADMIN, stored.id)
    with shelf.desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.bundle_parts).where(schema.bundle_parts.c.part == 0).values(data=b"x"))
    assert not replica.watcher.poll()
    assert replica.desk.current() is before
    assert not replica.watcher.poll()
    assert caplog.text.count("bundle cannot be loaded") == 1
    with pytest.raises(BundleError, match="已损坏（sha256 不符），请重新上传"):
        replica.loader.load(stored)


class Guesser(FakeDecider):
    """Proposes fixed units; the real unit stands in the text of the tests' appeals."""

    def __init__(self, names: Sequence[str], *, auto: bool = False) -> None:
        super().__init__("guesser")
        self._unit = UnitDecision(tuple(Candidate(n, 0.5) for n in names), AUTO if auto else REVIEW, "")

    def decide_readings(
        self, readings: Sequence[Reading], *, contexts: Sequence[Context] | None = None
    ) -> list[Decision]:
        return [replace(decision, unit=self._unit) for decision in super().decide_readings(readings, contexts=contexts)]


def guessing(*names: str, auto: bool = False) -> ActiveTriage:
    return replace(fake_active("guesser"), triage=Guesser(names, auto=auto))


def confirmed(database: Database, total: int, unit: str = "市供水公司") -> None:
    desk = fake_desk(database, clock=CLOCK)
    for _ in range(total):
        review.confirm(desk, DISPATCHER, file_appeal(database), unit=unit)


def test_bundles_are_compared_on_what_people_confirmed(database: Database) -> None:
    add_units(database)
    confirmed(database, 30)
    confirmed(database, 10, unit="市交警支队")
    desk = fake_desk(database, clock=CLOCK)
    found = evaluation.compare(
        desk, guessing("市供水公司", "x", "市交警支队"), guessing("市交警支队", "市供水公司", auto=True)
    )
    assert found.n == 40
    assert found.judged
    assert found.candidate is not None
    assert found.active is not None
    assert (found.candidate.top1, found.candidate.top3, found.candidate.auto) == (0.75, 1.0, 0.0)
    assert (found.active.top1, found.active.auto, found.active.auto_precision) == (0.25, 1.0, 0.25)
    assert found.candidate.units == {"市供水公司": (30, 1.0), "市交警支队": (10, 0.0)}
    assert found.worse == ("市交警支队的 10 件中首选正确的减少 10 件",)  # a better average is not paid for by one unit
    assert json.dumps(found.to_record(), ensure_ascii=False)


def test_returned_and_erased_appeals_are_no_labels(database: Database) -> None:
    add_units(database)
    desk = fake_desk(database, clock=CLOCK)
    who = desk.appellant_hash("某人")
    returned, erased, kept = (file_appeal(database, appellant=who if n == 1 else None) for n in range(3))
    for appeal in (returned, erased, kept):
        review.confirm(desk, DISPATCHER, appeal)
    review.send_back(desk, DISPATCHER, returned, reason="不属职责")
    privacy.erase(desk, ADMIN, "某人")
    assert evaluation.compare(desk, guessing("x"), guessing("x")).n == 1


def test_a_worse_bundle_is_promoted_only_by_force_and_with_a_reason(
    database: Database, tmp_path: Path, make: Callable[[str], Path]
) -> None:
    add_units(database)
    confirmed(database, 30)
    shelf = shelf_of(database, tmp_path / "cache", guessing("市供水公司"))  # always right
    stored = bundles.upload_folder(shelf, ADMIN, make("city-a"))
    with pytest.raises(
        StateConflict,
        match=r"在最近 30 件人工确认的诉求上不如现用模型：首选准确率由 100\.0% 降为 .*确需启用请加 --force 并写明理由",
    ):
        bundles.promote(shelf, ADMIN, stored.id)
    assert shelf.desk.current().bundle == "guesser"
    with pytest.raises(InputError, match="请写明理由"):
        bundles.promote(shelf, ADMIN, stored.id, force=True)
    bundles.promote(shelf, ADMIN, stored.id, force=True, reason="旧模型的单位已撤并")
    assert deciding(shelf.desk.current()) == stored.name
    detail: Any = rows(database, "audit", action="bundle.promote")[0]["detail"]
    assert (detail["forced"], detail["n"], detail["reason"]) == (True, 30, "旧模型的单位已撤并")
    metrics: Any = bundles.find(shelf, ADMIN, stored.name).metrics
    assert (metrics["n"], metrics["judged"]) == (30, True)


def test_with_too_few_confirmed_decisions_nothing_is_concluded(
    database: Database, tmp_path: Path, make: Callable[[str], Path]
) -> None:
    add_units(database)
    confirmed(database, 5)
    shelf = shelf_of(database, tmp_path / "cache", guessing("市供水公司"))
    stored = bundles.upload_folder(shelf, ADMIN, make("city-a"))
    comparison = bundles.promote(shelf, ADMIN, stored.id).comparison
    assert comparison is not None
    assert (comparison.n, comparison.judged, comparison.worse) == (5, False, ())


def test_another_promotion_during_the_evaluation_is_noticed(
    shelf: Shelf, make: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (bundles.upload_folder(shelf, ADMIN, make(name)) for name in ("city-a", "city-b"))
    real = evaluation.compare

    def meanwhile(*arguments: Any, **options: Any) -> evaluation.Comparison:
        monkeypatch.setattr(evaluation, "compare", real)
        bundles.promote(shelf, ADMIN, second.id)
        return real(*arguments, **options)

    monkeypatch.setattr(evaluation, "compare", meanwhile)
    with pytest.raises(StateConflict, match="评测期间另有模型启用，请重新评测后再启用"):
        bundles.promote(shelf, ADMIN, first.id)
    assert deciding(shelf.desk.current()) == second.name


def test_bundles_are_changed_by_administrators_and_seen_by_few(shelf: Shelf) -> None:
    steps: list[Callable[[Any], object]] = [
        lambda actor: bundles.upload(shelf, actor, io.BytesIO(b"x")),
        lambda actor: bundles.promote(shelf, actor, uuid4()),
        lambda actor: bundles.evaluate(shelf, actor, uuid4()),
        lambda actor: bundles.roll_back(shelf, actor),
    ]
    for role in ("intake", "dispatcher", "officer", "analyst"):
        for step in steps:
            with pytest.raises(Refused, match=f"角色 {role} 无权上传、启用、回退模型"):
                step(person(role))
    for step in steps:
        with pytest.raises(Refused, match="上传、启用、回退模型涉及全市"):
            step(person("admin", "龙华区"))
    with pytest.raises(Refused, match="查看模型涉及全市"):  # its figures name units of every district
        bundles.listed(shelf, person("officer", "龙华区"))
    with pytest.raises(Refused, match="角色 dispatcher 无权查看模型"):
        bundles.listed(shelf, DISPATCHER)
    assert bundles.listed(shelf, SYSTEM) == bundles.listed(shelf, person("analyst")) == []
