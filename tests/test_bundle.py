from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from models.bundle import FORMAT_VERSION, MANIFEST, Description, load_bundle, verify_bundle, write_bundle
from models.errors import BundleError

DESCRIPTION = Description(
    name="测试",
    kind="local",
    created="2026-11-22",
    components={"text": "char_linear.v1"},
    classes={"unit": ["甲", "乙"]},
    settings={"orders": [1, 3]},
    normaliser_version="1",
    training_data_fingerprint="0" * 64,
    metrics={"n": 3},
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    weights = np.arange(6, dtype=np.float32).reshape(3, 2)
    write_bundle(folder, DESCRIPTION, {"text": {"weights": weights}}, documents={"model_card.md": "# 卡"})
    return folder


def test_what_is_written_is_what_is_loaded(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    assert loaded.description == DESCRIPTION
    assert loaded.tensors["text"]["weights"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert loaded.version == f"测试+{loaded.fingerprint}"


@pytest.mark.parametrize("name", ["text.safetensors", "model_card.md"])
def test_a_flipped_byte_is_refused_and_the_file_is_named(bundle: Path, name: str) -> None:
    data = bytearray((bundle / name).read_bytes())
    data[-1] ^= 1
    (bundle / name).write_bytes(bytes(data))
    with pytest.raises(BundleError, match=f"{name} was changed or damaged"):
        load_bundle(bundle)


def test_a_missing_file_is_refused(bundle: Path) -> None:
    (bundle / "text.safetensors").unlink()
    with pytest.raises(BundleError, match=r"text.safetensors is missing; copy the whole folder again"):
        load_bundle(bundle)


def test_a_truncated_file_is_refused(bundle: Path) -> None:
    data = (bundle / "text.safetensors").read_bytes()
    (bundle / "text.safetensors").write_bytes(data[:-4])
    with pytest.raises(BundleError, match="wrong size"):
        verify_bundle(bundle)


def test_an_unknown_format_version_is_refused_with_both_versions(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    manifest["format_version"] = FORMAT_VERSION + 1
    (bundle / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match=f"format version {FORMAT_VERSION + 1}, this program reads {FORMAT_VERSION}"):
        verify_bundle(bundle)


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest.json is missing"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format_version": 1}'])
def test_a_broken_manifest_is_refused(bundle: Path, text: str) -> None:
    (bundle / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(BundleError):
        verify_bundle(bundle)


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd", "a/b.json", "model.pkl"])
def test_a_manifest_cannot_name_files_outside_or_of_other_kinds(bundle: Path, name: str) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    (bundle / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match="not an allowed file name"):
        verify_bundle(bundle)


def test_a_link_in_the_place_of_a_file_is_refused(bundle: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere"
    (bundle / "text.safetensors").rename(real)
    (bundle / "text.safetensors").symlink_to(real)
    with pytest.raises(BundleError, match="not an allowed file name"):
        verify_bundle(bundle)


def test_an_existing_bundle_is_replaced_as_a_whole(bundle: Path) -> None:
    write_bundle(bundle, DESCRIPTION, {"other": {"x": np.zeros(1, np.float32)}})
    assert sorted(path.name for path in bundle.iterdir()) == [MANIFEST, "other.safetensors"]
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_a_folder_with_other_things_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "照片.jpg").write_bytes(b"x")
    with pytest.raises(BundleError, match="choose another folder"):
        write_bundle(tmp_path, DESCRIPTION, {})
    assert (tmp_path / "照片.jpg").exists()


def test_a_failed_write_leaves_the_old_bundle(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BundleError, match="No space left on device"):
        write_bundle(bundle, DESCRIPTION, {"other": {"x": np.zeros(1, np.float32)}})
    assert "text" in load_bundle(bundle).tensors
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]
