"""The command line itself: finding subcommands, missing extras, errors without tracebacks, a quick --help."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from triage.cli import GROUP, main
from triage.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("numpy", "scipy", "sklearn", "torch", "jieba", "opencc", "openpyxl", "rich")


def install(monkeypatch: pytest.MonkeyPatch, **commands: str) -> None:
    """Pretend that these commands are declared by installed distributions."""
    found = [EntryPoint(name, value, GROUP) for name, value in commands.items()]
    monkeypatch.setattr("triage.cli.entry_points", lambda group: found if group == GROUP else [])


def make_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str) -> None:
    (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    return int(caught.value.code or 0)


def test_help_lists_the_commands_in_chinese_and_english(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, run="triage.commands.run:run")
    assert status("--help") == 0
    shown = capsys.readouterr().out
    assert "run " in shown
    assert "研判一个诉求文件" in shown
    assert "Triage a file of appeals" in shown


def test_run_help_names_every_option_of_the_contract(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, run="triage.commands.run:run")
    assert status("run", "--help") == 0
    shown = capsys.readouterr().out
    for option in ("-o", "--units", "--bundle", "--precision", "--resume", "--rejects", "--instructions", "--column"):
        assert option in shown
    assert "keep|strip" in shown


def test_the_version_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    install(monkeypatch)
    assert status("--version") == 0
    assert "citizen-appeal-triage" in capsys.readouterr().out


def test_without_a_command_the_help_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, run="triage.commands.run:run")
    status()
    assert "--version" in "".join(capsys.readouterr())


def test_a_command_whose_extra_is_missing_stays_listed_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    make_module(tmp_path, monkeypatch, "needs_torch", "import torch\n")
    install(monkeypatch, learn="needs_torch:learn", run="triage.commands.run:run")
    assert status("--help") == 0
    shown = "".join(capsys.readouterr().out.split())
    assert "learn（不可用）缺少组件torch" in shown
    assert "citizen-appeal-triage[train]" in shown
    assert "研判一个诉求文件" in shown


def test_using_a_command_whose_extra_is_missing_says_what_to_install_and_exits_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    make_module(tmp_path, monkeypatch, "needs_torch", "import torch\n")
    install(monkeypatch, learn="needs_torch:learn")
    assert status("learn", "tickets.csv", "--label", "unit") == 1
    assert "pip install 'citizen-appeal-triage[train]'" in capsys.readouterr().err


def test_a_package_found_missing_while_a_command_runs_is_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    make_module(tmp_path, monkeypatch, "late", "def learn() -> None:\n    import sklearn\n")
    install(monkeypatch, learn="late:learn")
    assert status("learn") == 1
    assert "citizen-appeal-triage[train]" in capsys.readouterr().err


def test_a_missing_module_of_our_own_is_a_flaw_and_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_module(tmp_path, monkeypatch, "flawed", "def work() -> None:\n    import triage.absent\n")
    install(monkeypatch, work="flawed:work")
    with pytest.raises(ModuleNotFoundError, match=r"triage\.absent"):
        main(["work"])


def test_a_typer_application_can_be_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (
        "import typer\napp = typer.Typer()\n"
        "@app.command()\ndef verify() -> None:\n    print('verified')\n"
        "@app.command()\ndef promote() -> None:\n    print('promoted')\n"
    )
    make_module(tmp_path, monkeypatch, "family", source)
    install(monkeypatch, bundle="family:app")
    assert status("bundle", "promote") == 0
    assert capsys.readouterr().out == "promoted\n"


def test_an_error_of_ours_is_one_line_and_exit_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"from {InputError.__module__} import InputError\n\ndef work() -> None:\n    raise InputError('表\\x1b[31m坏了')\n"
    make_module(tmp_path, monkeypatch, "failing", source)
    install(monkeypatch, work="failing:work")
    assert status("work") == 2
    assert capsys.readouterr().err == "错误：表 [31m坏了\n"


def test_ctrl_c_exits_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_module(tmp_path, monkeypatch, "patient", "def work() -> None:\n    raise KeyboardInterrupt\n")
    install(monkeypatch, work="patient:work")
    assert status("work") == 130
    assert "Traceback" not in capsys.readouterr().err


def test_an_unknown_command_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, run="triage.commands.run:run")
    assert status("ruin") == 2
    assert "ruin" in capsys.readouterr().err


@pytest.mark.parametrize("mapping", ["content", "=某列", "content="])
def test_a_column_mapping_without_both_sides_is_a_usage_error(
    mapping: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, run="triage.commands.run:run")
    assert status("run", "in.csv", "-o", "out.csv", "--column", mapping) == 2
    assert "--column" in capsys.readouterr().err


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    declared = tmp_path / "declared-0.dist-info"
    declared.mkdir()
    (declared / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 0\n")
    (declared / "entry_points.txt").write_text(f"[{GROUP}]\nrun = triage.commands.run:run\n")
    program = (
        "import sys\nfrom triage.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    for arguments in (["--help"], ["run", "--help"]):
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        loaded = done.stdout.splitlines()[-1].split()
        assert "typer" in loaded
        assert [name for name in HEAVY if name in loaded] == []
