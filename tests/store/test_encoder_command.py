"""``triage encoder list`` and ``use``, on a database as a city's own server has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sqlalchemy import URL
from typer.testing import CliRunner, Result

from tests.encoders import write_encoder
from tests.store.filing import CLOCK, count, rows
from triage import second_opinion
from triage.casework import encoders as production
from triage.casework.encoders import EncoderLoader
from triage.casework.intake import NewAppeal
from triage.casework.receive import receive_many
from triage.commands import encoder as commands
from triage.errors import TriageError
from triage.store.access import SYSTEM
from triage.store.database import Database
from triage.store.vectors import HashedProjection
from triage.testing import fake_desk

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: URL, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a subcommand on a store that holds three appeals and serves with the hashed projection."""
    EncoderLoader(database).present(HashedProjection())
    desk = fake_desk(database, clock=CLOCK)
    receive_many(desk, SYSTEM, [NewAppeal(content=f"第{n}号路灯不亮，请维修") for n in range(3)])
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("TRIAGE_SECRET", "7c1e0f5a93b84d26a0c9e1f2537d8b64")
    monkeypatch.delenv("TRIAGE_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "250")
    (tmp_path / "data").mkdir()
    runner = CliRunner()

    def call(*arguments: str) -> Result:
        return runner.invoke(commands.encoder, [*arguments, "--data", str(tmp_path / "data")])

    return call


def test_another_encoder_is_registered_for_the_service(run: Run, database: Database, tmp_path: Path) -> None:
    done = run("use", str(write_encoder(tmp_path / "letters")))
    assert "已登记：服务将在后台重算 3 件诉求的向量" in done.output, done.output
    listed = run("list").output
    assert "正在重算" in listed
    assert "0 / 3" in listed
    assert "使用中" in listed
    again = run("use", "letters-0-1")
    assert "正在切换到编码器 letters-0-1" in str(again.exception)
    (active,) = (row for row in rows(database, "encoders") if row["state"] == "active")
    assert "已取消正在进行的更换" in run("use", str(active["name"])).output
    assert count(database, "jobs", state="failed") == 1


def test_with_now_the_command_does_the_work_itself(
    run: Run, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.casework.reencoding.FOLLOWED", 0.0)
    monkeypatch.setattr("triage.casework.bundle_watch.default_encoder", lambda _: HashedProjection())
    done = run("use", str(write_encoder(tmp_path / "letters")), "--now")
    assert "已启用新编码器，共重算 3 件" in done.output, done.output
    (made,) = {str(row["encoder"]) for row in rows(database, "vectors")}
    assert made.startswith("onnx.v1-256-")
    assert count(database, "vectors") == 3


def test_a_model_of_strangers_without_the_training_part_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def absent(_: EntryPoint) -> object:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(EntryPoint, "load", absent)
    done = run("use", "BAAI/bge-small-zh-v1.5")
    assert isinstance(done.exception, TriageError)
    assert "导出其他模型需要训练组件，请安装后重试：pip install 'citizen-appeal-triage[train]'" in str(done.exception)
    assert "再把编码器文件夹复制过来" in str(done.exception)


def test_a_model_of_the_hub_is_exported_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "data" / "encoders" / "bge"
    write_encoder(place, source={"model": "BAAI/bge-small-zh-v1.5"})
    monkeypatch.setattr(EntryPoint, "load", lambda _: 1 // 0)
    assert "已登记" in run("use", "BAAI/bge-small-zh-v1.5").output


def test_a_store_without_a_choice_begins_with_what_its_models_bring(
    database_url: URL, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("TRIAGE_SECRET", "7c1e0f5a93b84d26a0c9e1f2537d8b64")
    monkeypatch.setattr("triage.casework.bundle_watch.first_encoder", lambda: None)
    folder, runner = write_encoder(tmp_path / "letters"), CliRunner()
    assert "使用中：随模型自带的字串投影" in runner.invoke(commands.encoder, ["list", "--data", str(tmp_path)]).output
    done = runner.invoke(commands.encoder, ["use", str(folder), "--data", str(tmp_path)])
    assert "重算 0 件" in done.output, done.output
    states = {str(row["kind"]): row["state"] for row in rows(database, "encoders")}
    assert states == {"hashed": "active", "onnx": "preparing"}


def test_an_empty_store_begins_with_the_shipped_encoder(database: Database) -> None:
    folder = second_opinion.shipped_encoder_path()
    found = EncoderLoader(database, first=folder).present(HashedProjection())
    assert found.active.fingerprint == production.shipped_fingerprint()
    (stored,) = rows(database, "encoders")
    assert (stored["kind"], stored["state"]) == ("onnx", "active")


def test_a_store_with_appeals_keeps_the_encoder_of_its_bundle(run: Run, database: Database) -> None:
    found = EncoderLoader(database, first=second_opinion.shipped_encoder_path()).present(HashedProjection())
    assert found.active.fingerprint == HashedProjection().fingerprint


def test_the_shipped_encoder_is_used_by_its_name(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_encoder(tmp_path / "letters")
    monkeypatch.setattr(production, "shipped_encoder_path", lambda: folder)
    monkeypatch.setattr(second_opinion, "shipped_encoder_path", lambda: folder)
    assert "启用请运行 triage encoder use shipped" in run("list").output
    assert "已登记" in run("use", "shipped").output
    assert "未入库" not in run("list").output


def test_the_help_loads_neither_a_runtime_nor_a_tokenizer() -> None:
    code = (
        "import sys\nfrom triage.cli import main\n"
        "try:\n    main(['encoder', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'onnxruntime', 'tokenizers', 'torch', 'sqlalchemy', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert "更换编码器" in done.stdout
