"""The arrows between the packages: models ← triage ← {training, api}; serving needs neither torch nor scikit-learn."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "models": {"models"},
    "triage": {"triage", "models"},
    "training": {"training", "triage", "models"},
    "api": {"api", "triage", "models"},
}
OURS = {*MAY_IMPORT, "tests", "benchmarks"}
SERVING = ("models", "triage")


@dataclass(frozen=True, slots=True)
class Import:
    """One import, wherever it stands in the file: at the top, inside a function, or by name (`import_module`)."""

    file: Path
    line: int
    module: str

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def imports_of(package: Path) -> Iterator[Import]:
    for file in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for module in _modules(node, package.name):
                yield Import(file.relative_to(package.parent), node.lineno, module)  # type: ignore[attr-defined]


def _modules(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or package] if not node.level else [package]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
            return [node.args[0].value]
    return []


def broken_arrows(root: Path) -> list[str]:
    return [
        f"{found.file}:{found.line} imports {found.module}; {package} may import {', '.join(sorted(allowed))} only"
        for package, allowed in MAY_IMPORT.items()
        for found in imports_of(root / package)
        if found.top in OURS - allowed
    ]


def distribution_name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0]).lower()


def test_no_import_goes_against_the_arrows() -> None:
    assert broken_arrows(ROOT) == []


def test_the_packages_are_really_read() -> None:
    read = {
        found.file.parts[0]: found
        for package in ("models", "triage", "training")
        for found in imports_of(ROOT / package)
    }
    assert set(read) == {"models", "triage", "training"}


@pytest.mark.parametrize(
    ("file", "source", "culprit"),
    [
        ("models/linear.py", "from triage.appeal import Appeal\n", "triage.appeal"),
        ("triage/service.py", "def run():\n    import training.local\n", "training.local"),
        ("triage/cli.py", "from importlib import import_module\nimport_module('api.app')\n", "api.app"),
        ("training/local.py", "if True:\n    from api import app\n", "api"),
        ("api/app.py", "from training import local\n", "training"),
        ("triage/text/cases.py", "from tests.cases import masking\n", "tests.cases"),
    ],
)
def test_a_forbidden_import_is_found_wherever_it_hides(tmp_path: Path, file: str, source: str, culprit: str) -> None:
    bad = tmp_path / file
    bad.parent.mkdir(parents=True)
    bad.write_text(source)
    (message,) = broken_arrows(tmp_path)
    assert message.startswith(f"{file}:")
    assert f"imports {culprit};" in message


def test_the_serving_part_imports_only_what_it_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {distribution_name(requirement) for requirement in project["dependencies"]}
    provides = packages_distributions()
    foreign = {
        f"{found.file}:{found.line} imports {found.module}"
        for package in SERVING
        for found in imports_of(ROOT / package)
        if found.top not in sys.stdlib_module_names | OURS | {"__future__"}
        and declared.isdisjoint(distribution_name(name) for name in provides.get(found.top, [found.top]))
    }
    assert foreign == set()
