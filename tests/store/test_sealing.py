"""What is sealed opens with its key, for its row, unchanged, and with nothing else."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.store.errors import StoreError
from triage.store.sealing import KEY_FILE, Seal, SealError, derived_key, key_in

SEAL = Seal(b"k" * 32)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_what_was_sealed_comes_back(plain: bytes, about: bytes) -> None:
    sealed = SEAL.close(plain, about=about)
    assert SEAL.open(sealed, about=about) == plain
    assert len(plain) < 8 or plain not in sealed


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert SEAL.close(b"geheim", about=b"1") != SEAL.close(b"geheim", about=b"1")


def test_another_key_another_row_or_a_changed_byte_opens_nothing() -> None:
    sealed = SEAL.close(b"geheim" * 20, about=b"row 1")
    for seal, about in ((Seal(b"o" * 32), b"row 1"), (SEAL, b"row 2"), (SEAL, b"")):
        with pytest.raises(SealError, match="请重新填写该接收方"):
            seal.open(sealed, about=about)
    for place in range(len(sealed)):
        broken = bytes([*sealed[:place], sealed[place] ^ 1, *sealed[place + 1 :]])
        with pytest.raises(SealError):
            SEAL.open(broken, about=b"row 1")
    for length in (0, 1, 48, len(sealed) - 1):
        with pytest.raises(SealError):
            SEAL.open(sealed[:length], about=b"row 1")


def test_a_short_key_is_refused_and_none_is_ever_shown() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        Seal(b"k" * 31)
    assert repr(SEAL) == "Seal(…)"


def test_a_folders_key_is_drawn_once_and_private(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(key_in, [tmp_path] * 32))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("content", ["", "not hex", "abcd"])
def test_a_damaged_key_file_is_named_with_the_remedy(tmp_path: Path, content: str) -> None:
    (tmp_path / KEY_FILE).write_text(content)
    with pytest.raises(StoreError, match=rf"{KEY_FILE} .*已损坏；请恢复该文件"):
        key_in(tmp_path)


def test_a_servers_key_follows_from_its_secret_and_does_not_give_it_away() -> None:
    assert derived_key(b"s" * 32) == derived_key(b"s" * 32) != derived_key(b"t" * 32)
    assert b"s" * 32 not in derived_key(b"s" * 32)
