"""What a run is about; an interrupted run is continued only where all of it is unchanged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from triage.errors import InputError
from triage.pipeline.options import BatchOptions
from triage.rules.book import FILES, PRESET, rules_folder

DISTRIBUTION = "citizen-appeal-triage"
_SAMPLE = 1 << 20
_LAYOUT = "1"
"""Changes with the files of a partial folder."""


def run_identity(options: BatchOptions, *, models: str) -> dict[str, str]:
    """Return Chinese name → fingerprint.

    Args:
        options: The run.
        models: Version of the loaded models.

    Raises:
        InputError: The input cannot be read.
    """
    return {
        "输入文件": file_fingerprint(options.source),
        "模型": models,
        "列对应关系": json.dumps(dict(sorted(options.columns.items())), ensure_ascii=False),
        "程序版本": f"{program_version()}/{_LAYOUT}",
        **options.choices,
    }


def file_fingerprint(path: Path) -> str:
    """Return size, time of change and the hash of the first MB: a 2 GB input is not read twice for this.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        facts = path.stat()
        with path.open("rb") as file:
            start = hashlib.sha256(file.read(_SAMPLE)).hexdigest()
    except OSError as error:
        raise InputError(f"{path} 读取失败（{error.strerror}）；请检查路径和权限") from error
    return f"{facts.st_size} {facts.st_mtime_ns} {start}"


def optional_fingerprint(path: Path | None) -> str:
    """Return the hash of a small file, empty without one; a file that is absent is reported by whoever loads it."""
    if path is None or not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rules_choices(environment: Mapping[str, str]) -> dict[str, str]:
    """Return Chinese name → fingerprint of the city's own rules; nothing where the shipped ones hold.

    Raises:
        InputError: The folder that the environment names cannot be used.
    """
    folder = rules_folder(environment)
    found = hashlib.sha256(environment.get(PRESET, "").strip().encode())
    for name in FILES:
        found.update(optional_fingerprint(folder / name if folder else None).encode() + b"\0")
    return {"规则": found.hexdigest()} if folder or environment.get(PRESET, "").strip() else {}


def program_version() -> str:
    """Return the version of the installed distribution; ``0`` for a copy of the source that is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0"
