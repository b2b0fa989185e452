"""The bundle: a folder with everything a trained model needs, checked before anything of it is used.

manifest.json says what the folder holds (format version, components with versions, classes, normaliser version,
encoder fingerprint, training-data fingerprint, metrics with n and date, sha256 and size per file); the numbers lie in
safetensors files beside it. Nothing in a bundle is executed, so a bundle from a stranger can be wrong but not hostile.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from models.errors import BundleError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
MAX_FILE_BYTES = 1 << 30
_FILE_NAME = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*\.(?:safetensors|json|md|onnx|png)")
_REQUIRED = {
    "format_version": int,
    "name": str,
    "kind": str,
    "created": str,
    "components": dict,
    "classes": dict,
    "settings": dict,
    "normaliser_version": str,
    "training_data_fingerprint": str,
    "metrics": dict,
    "files": dict,
}

Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What a bundle says about itself, apart from its files.

    Attributes:
        name: Readable name, part of every decision's ``versions``.
        kind: ``base`` or ``local``.
        created: ISO date of training.
        components: Component → version, e.g. ``{"char_linear": "char_linear.v1"}``.
        classes: Head → class names in column order.
        settings: Numbers and names a component needs (temperatures, thresholds, n-gram orders).
        normaliser_version: Version of the text normalisation the model was trained on.
        encoder_fingerprint: sha256 of the encoder, None for bundles without one.
        training_data_fingerprint: sha256 over the training texts and labels.
        metrics: Figures with n and date.
    """

    name: str
    kind: str
    created: str
    components: Mapping[str, str]
    classes: Mapping[str, list[str]]
    settings: Mapping[str, Any]
    normaliser_version: str
    training_data_fingerprint: str
    metrics: Mapping[str, Any]
    encoder_fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle in memory.

    Attributes:
        description: The manifest without its file list.
        fingerprint: First 12 hex digits of the manifest's sha256; names this very bundle in every decision.
        tensors: File stem → tensors of that safetensors file.
    """

    description: Description
    fingerprint: str
    tensors: Mapping[str, Tensors]

    @property
    def version(self) -> str:
        """Name and fingerprint, e.g. ``base-2026.11+1f0c…``."""
        return f"{self.description.name}+{self.fingerprint}"


def write_bundle(
    folder: Path,
    description: Description,
    tensors: Mapping[str, Tensors],
    *,
    documents: Mapping[str, str] | None = None,
) -> None:
    """Write a bundle beside its final place and rename it there, so that no reader ever sees half of one.

    Args:
        folder: Where the bundle shall be; an existing bundle there is replaced, any other folder is refused.
        description: Goes into the manifest.
        tensors: File stem → tensors.
        documents: Further files by name (model card, metrics), text.

    Raises:
        BundleError: If the place holds something else or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder} is not empty and holds no bundle; choose another folder")
    payload = {f"{stem}.safetensors": save(_contiguous(part)) for stem, part in tensors.items()}
    payload |= {name: text.encode() for name, text in (documents or {}).items()}
    manifest = {
        "format_version": FORMAT_VERSION,
        **{field: getattr(description, field) for field in Description.__slots__},
        "files": {name: {"sha256": _sha256(data), "bytes": len(data)} for name, data in sorted(payload.items())},
    }
    payload[MANIFEST] = (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    try:
        _place(folder, payload)
    except OSError as error:
        raise BundleError(f"bundle {folder} cannot be written: {error.strerror}") from error


def _place(folder: Path, payload: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        fresh.chmod(0o755)
        for name, data in payload.items():
            with (fresh / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        if folder.exists():
            # A folder cannot be renamed over a full one; the old bundle steps aside first.
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
            folder.rename(old / folder.name)
            fresh.rename(folder)
            shutil.rmtree(old)
        else:
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def verify_bundle(folder: Path) -> dict[str, Any]:
    """Check format version, file list, sizes and hashes; return the manifest.

    Raises:
        BundleError: Names the first thing that is wrong and what to do.
    """
    return _verified(folder)[0]


def load_bundle(folder: Path) -> Bundle:
    """Verify a bundle and load its tensors.

    Raises:
        BundleError: If anything in it is missing, damaged or of an unknown version.
    """
    manifest, payload = _verified(folder)
    tensors: dict[str, Tensors] = {}
    for name, data in payload.items():
        if name.endswith(".safetensors"):
            try:
                tensors[name.removesuffix(".safetensors")] = load(data)
            except SafetensorError as error:
                raise BundleError(f"bundle {folder}: {name} is not a safetensors file") from error
    fields: dict[str, Any] = {field: manifest.get(field) for field in Description.__slots__}
    fingerprint = _sha256(json.dumps(manifest, sort_keys=True).encode())[:12]
    return Bundle(Description(**fields), fingerprint, tensors)


def _verified(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read each file once, so that what was checked is what is used."""
    manifest = _manifest(folder)
    payload: dict[str, bytes] = {}
    for name, facts in manifest["files"].items():
        path = folder / name
        if not _FILE_NAME.fullmatch(name) or path.is_symlink():
            raise BundleError(f"bundle {folder}: {name!r} is not an allowed file name; fetch the bundle again")
        if not path.is_file():
            raise BundleError(f"bundle {folder}: {name} is missing; copy the whole folder again")
        if path.stat().st_size > MAX_FILE_BYTES or path.stat().st_size != facts["bytes"]:
            raise BundleError(f"bundle {folder}: {name} has the wrong size; copy the whole folder again")
        data = path.read_bytes()
        if _sha256(data) != facts["sha256"]:
            raise BundleError(f"bundle {folder}: {name} was changed or damaged (sha256 differs); copy it again")
        payload[name] = data
    return manifest, payload


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"{folder} is not a bundle: {MANIFEST} is missing")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise BundleError(f"bundle {folder}: {MANIFEST} is not readable JSON; copy the whole folder again") from error
    if not isinstance(manifest, dict) or manifest.get("format_version") != FORMAT_VERSION:
        found = manifest.get("format_version") if isinstance(manifest, dict) else None
        raise BundleError(
            f"bundle {folder} has format version {found!r}, this program reads {FORMAT_VERSION}; "
            "train it again or install the matching program version"
        )
    for key, kind in _REQUIRED.items():
        if not isinstance(manifest.get(key), kind):
            raise BundleError(f"bundle {folder}: {MANIFEST} lacks a valid {key!r}; copy the whole folder again")
    for name, facts in manifest["files"].items():
        if not isinstance(facts, dict) or not {"sha256", "bytes"} <= facts.keys():
            raise BundleError(f"bundle {folder}: {MANIFEST} lacks size or sha256 of {name!r}")
    return manifest


def _contiguous(tensors: Tensors) -> dict[str, NDArray[Any]]:
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
