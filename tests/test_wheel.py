"""What an installation from the wheel contains: the serving part alone, in a clean environment.

The environment holds the wheel and the closure of its plain requirements, linked from the environment that runs the tests
and nothing else; so torch, scikit-learn and the test tools are as absent as on a user's machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
ABSENT = ("tests", "benchmarks", "torch", "sklearn", "transformers", "sentence_transformers", "pytest")
DECIDE = """
import json, sys
from triage import Appeal, Triage
triage = Triage.load()
decision = triage.decide(Appeal(id="1", content="小区门口烧烤摊每晚油烟扰民，多次投诉没有人管"))
print(json.dumps({"record": decision.to_record(), "loaded": sorted(sys.modules)}))
"""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, "PYTHONUTF8": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def closure(requirements: list[str] | None) -> dict[str, Distribution]:
    """The distributions that these requirements install, with the extras that they name themselves."""
    found: dict[str, Distribution] = {}
    met: set[tuple[str, frozenset[str]]] = set()
    waiting: list[tuple[str, frozenset[str]]] = [(line, frozenset()) for line in requirements or []]
    while waiting:
        line, extras = waiting.pop()
        requirement = Requirement(line)
        asked = (requirement.name, frozenset(requirement.extras))
        if asked in met or not _applies(requirement, extras):
            continue
        met.add(asked)
        found[requirement.name] = distribution(requirement.name)
        waiting += [(needed, asked[1]) for needed in found[requirement.name].requires or []]
    return found


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Whether a requirement counts for a distribution that was asked for with these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


def link(installed: Distribution, site: Path) -> None:
    tops = {file.parts[0] for file in installed.files or [] if file.parts[0] not in ("..", "__pycache__")}
    for top in tops:
        if not (site / top).exists():
            (site / top).symlink_to(Path(str(installed.locate_file(top))))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a clean environment that holds the wheel and its requirements."""
    home = tmp_path_factory.mktemp("clean")
    assert run(sys.executable, "-m", "venv", "--without-pip", home / "env", cwd=home).returncode == 0
    programs = home / "env" / "bin"
    installer = (sys.executable, "-m", "pip", "--python", programs / "python", "install", "--no-deps", "--no-index")
    installed = run(*installer, wheel, cwd=home)
    assert installed.returncode == 0, installed.stderr
    where = run(programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    site = Path(where.stdout.strip())
    (metadata,) = site.glob("citizen_appeal_triage-*.dist-info")
    for part in closure(Distribution.at(metadata).requires).values():
        link(part, site)
    return programs


def test_the_wheel_holds_the_packages_with_their_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"triage", "models", "training", "api"}
    expected = {
        *(f"triage/samples/{name}" for name in ("appeals.csv", "units.csv", "answers.jsonl")),
        *(f"triage/data/{name}" for name in ("deadlines.json", "admission.json", "holidays.json")),
        "training/configs/local.toml",
        "models/bundles/base/manifest.json",
        "triage/store/migrations/sql/access.sql",
    }
    assert expected <= set(names)
    assert any(name.startswith("models/bundles/base/") and name.endswith(".safetensors") for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_holds_every_data_file_of_the_tree(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tree = {
        str(file.relative_to(ROOT))
        for package in ("triage", "models", "training", "api")
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert tree <= names


@pytest.mark.parametrize("module", ABSENT)
def test_the_clean_environment_has_no(environment: Path, module: str) -> None:
    code = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is not None)"
    assert run(environment / "python", "-c", code, cwd=environment).returncode == 0


def test_the_base_bundle_loads_and_decides_with_the_serving_part_alone(environment: Path, tmp_path: Path) -> None:
    done = run(environment / "python", "-c", DECIDE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["record"]["function"]["candidates"][0]["probability"] > 0
    assert not set(ABSENT) & set(answer["loaded"])


def test_the_command_shows_its_help(environment: Path, tmp_path: Path) -> None:
    done = run(environment / "triage", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout


def test_a_command_of_the_training_part_says_what_to_install(environment: Path, tmp_path: Path) -> None:
    done = run(environment / "triage", "train", "tickets.csv", "--label", "unit", "-o", "bundle", cwd=tmp_path)
    assert done.returncode != 0
    assert "citizen-appeal-triage[train]" in done.stdout + done.stderr


def test_the_samples_are_found_after_installation(environment: Path, tmp_path: Path) -> None:
    code = "from triage.samples import sample_path; print(sample_path('appeals.csv').stat().st_size)"
    done = run(environment / "python", "-c", code, cwd=tmp_path)
    assert int(done.stdout) > 10_000
