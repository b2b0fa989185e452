"""The README is true: its commands run as written in a fresh copy, its options exist, its pictures and links are there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from triage.cli import app

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh.md")
DOCUMENTS = (*READMES, "docs/ARCHITECTURE.md", "docs/glossary.md", "CHANGELOG.md")
RECURSIVE = "make test"
"""The one command that is not run here: it would run this test."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)#]+)(?:#[^)]*)?\)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_INLINE = re.compile(r"`(triage [a-z][^`]*)`")
_LEFT_OUT = ("out", "runs", "build", "dist", "__pycache__")


@dataclass(frozen=True, slots=True)
class Done:
    """How one command of a README ended."""

    command: str
    status: int
    output: str


def blocks(document: str, language: str) -> list[str]:
    return [body for name, body in _FENCE.findall((ROOT / document).read_text(encoding="utf-8")) if name == language]


def commands(document: str) -> list[str]:
    lines = "\n".join(blocks(document, "sh")).replace("\\\n", " ").splitlines()
    return [line.split(" #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def triage_calls(document: str) -> list[str]:
    """Every use of the `triage` program that a document shows, in a block or in a sentence."""
    shown = "\n".join((*blocks(document, "sh"), *blocks(document, "")))
    # A line that is indented or follows a backslash continues the command above it.
    lines = re.sub(r"\\?\n[ \t]+", " ", shown).splitlines()
    calls = [re.search(r"(?:^|/)(triage (?:run|train|evaluate)\b.*)", line) for line in lines]
    inline = _INLINE.findall((ROOT / document).read_text(encoding="utf-8"))
    return [call[1] for call in calls if call] + inline


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project as a newcomer has it after `make test`, whose environment is that of this process."""
    copy = tmp_path_factory.mktemp("newcomer") / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", *_LEFT_OUT))
    (copy / ".venv-test").symlink_to(sys.prefix, target_is_directory=True)
    return copy


@pytest.fixture(scope="module")
def done(newcomer: Path) -> list[Done]:
    """What happened to each command, run in order."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV")}
    results = []
    for command in commands("README.md"):
        if command == RECURSIVE:
            continue
        ended = subprocess.run(command, shell=True, cwd=newcomer, env=kept, capture_output=True, text=True, check=False)
        results.append(Done(command, ended.returncode, ended.stdout + ended.stderr))
    return results


@pytest.mark.timeout(600)
def test_every_python_example_runs(done: list[Done], newcomer: Path) -> None:
    for example in blocks("README.md", "python"):
        ended = subprocess.run(
            [newcomer / ".venv-run" / "bin" / "python", "-c", example],
            cwd=newcomer,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout


@pytest.mark.timeout(600)
def test_every_command_of_the_readme_runs_as_written(done: list[Done]) -> None:
    assert [f"{one.command}\n{one.output[-2000:]}" for one in done if one.status != 0] == []


def test_the_sample_run_shows_what_the_readme_shows(done: list[Done]) -> None:
    (run,) = [one.output for one in done if one.command == "make run"]
    (shown,) = blocks("README.md", "text")
    told = [line.strip() for line in shown.splitlines() if line.strip() not in ("", "…")]
    steady = [line for line in told if not line.startswith(("用时", "登记用时"))]
    assert len(steady) > 10
    assert [line for line in steady if line not in run] == [], "the decisions have changed: run `make readme`"


def test_the_two_readmes_give_the_same_commands_and_output() -> None:
    assert commands("README.md") == commands("README.zh.md")
    assert blocks("README.md", "text") == blocks("README.zh.md", "text")
    assert blocks("README.md", "bash") == blocks("README.zh.md", "bash")


@pytest.mark.parametrize("document", READMES)
def test_a_readme_names_the_two_commands(document: str) -> None:
    assert {"make run", RECURSIVE} <= set(commands(document))


@pytest.mark.parametrize("document", [*READMES, "docs/ARCHITECTURE.md"])
def test_every_option_a_document_shows_exists(document: str) -> None:
    calls = triage_calls(document)
    assert calls
    for call in calls:
        subcommand = re.findall(r"triage (\w+)", call)[0]
        shown = CliRunner().invoke(app, [subcommand, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert shown.exit_code == 0, shown.output
        assert set(_OPTION.findall(call)) <= set(_OPTION.findall(shown.output)), call


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_to_a_file_of_the_project_leads_somewhere(document: str) -> None:
    links = _LINK.findall((ROOT / document).read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (ROOT / document).parent.joinpath(link).exists()]
    assert broken == []
