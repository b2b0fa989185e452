"""Finished work of a run that is not over: on disk chunk by chunk, so that an interrupted run loses nothing.

A folder ``.<output>.partial`` beside the output, open to its owner only, holds

``header.json``
    What the run was about; a run that differs in any point is not continued.
``decisions.jsonl``, ``signatures.jsonl``, ``arrays.bin``, ``failed.jsonl``
    What came out of the rows, appended chunk by chunk.
``journal``
    One line per finished chunk: rows so far and the size of each of those files. It is written last, so whatever a killed
    run left behind the last line's sizes is cut off.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from triage.errors import InputError
from triage.events import Signature
from triage.io.atomic import output_error
from triage.io.rows import Reject
from triage.pipeline.deciding import Finished
from triage.pipeline.packing import unpack

DECISIONS, SIGNATURES, ARRAYS, FAILED = "decisions.jsonl", "signatures.jsonl", "arrays.bin", "failed.jsonl"
_FILES = (DECISIONS, SIGNATURES, ARRAYS, FAILED)
_HEADER, _JOURNAL = "header.json", "journal"


def partial_folder(output: Path) -> Path:
    """Return where unfinished work for an output lies, symbolic links followed as `AtomicFile` follows them."""
    target = output.resolve()
    return target.with_name(f".{target.name}.partial")


class Partial:
    """The folder of one run. The caller holds the lock of the output, so nobody else is in it.

    Attributes:
        rows: Rows of the input that are finished: decided or failed.
    """

    def __init__(self, folder: Path) -> None:
        """Store the place; `open_partial` makes or continues it."""
        self.folder = folder
        self.rows = 0
        self._handles: dict[str, BinaryIO] = {}

    def start(self, identity: Mapping[str, str]) -> None:
        """Begin anew; what an earlier run left is dropped.

        Raises:
            OutputError: The folder cannot be made.
        """
        try:
            if self.folder.exists():
                shutil.rmtree(self.folder)
            self.folder.mkdir(mode=0o700)
            self._open()
            text = json.dumps(dict(identity), ensure_ascii=False, indent=1)
            fresh = self.folder / f"{_HEADER}.new"
            fresh.write_text(text, encoding="utf-8", errors="surrogatepass")
            fresh.replace(self.folder / _HEADER)
        except OSError as error:
            raise output_error(self.folder, error) from error

    def resume(self, identity: Mapping[str, str]) -> bool:
        """Continue what an interrupted run left; False when there is nothing to continue.

        Raises:
            InputError: The run there was about other input, models or choices.
            OutputError: The folder cannot be used.
        """
        try:
            found = json.loads((self.folder / _HEADER).read_text(encoding="utf-8", errors="surrogatepass"))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise output_error(self.folder, error) from error
        except ValueError:
            return False
        if not isinstance(found, dict):
            return False
        differing = [name for name in {**identity, **found} if found.get(name) != identity.get(name)]
        if differing:
            what = "、".join(differing)
            raise InputError(
                f"无法续跑：与上次中断的任务相比，{what}已改变；请恢复原样后再续跑，或去掉 --resume 从头开始"
            )
        try:
            self._cut()
            self._open()
        except OSError as error:
            raise output_error(self.folder, error) from error
        return True

    def append(self, finished: Finished, failed: Sequence[Reject]) -> None:
        """Keep one chunk for good.

        Args:
            finished: What a worker made of the rows.
            failed: The rows among them that no decision could be made for.

        Raises:
            OutputError: The disk is full.
        """
        lines = b"".join(_line(asdict(reject)) for reject in failed)
        parts = (finished.decisions, finished.signatures.lines, finished.signatures.arrays, lines)
        try:
            for name, data in zip(_FILES, parts, strict=True):
                self._handles[name].write(data)
                self._handles[name].flush()
            sizes = " ".join(str(self._handles[name].tell()) for name in _FILES)
            self._handles[_JOURNAL].write(f"{self.rows + finished.rows} {sizes}\n".encode())
            self._handles[_JOURNAL].flush()
        except OSError as error:
            raise output_error(self.folder, error) from error
        self.rows += finished.rows

    def decisions(self) -> Iterator[dict[str, Any]]:
        """Yield what was kept of each decided row, in input order."""
        with (self.folder / DECISIONS).open("rb") as lines:
            for line in lines:
                yield json.loads(line.decode("utf-8", "surrogatepass"))

    def signatures(self) -> list[Signature]:
        """Return the signatures of the decided rows, in input order."""
        path = self.folder / ARRAYS
        size = path.stat().st_size
        arrays = np.memmap(path, dtype=np.uint8, mode="r") if size else np.empty(0, dtype=np.uint8)
        with (self.folder / SIGNATURES).open("rb") as lines:
            return list(unpack(lines, np.asarray(arrays)))

    def failures(self) -> Iterator[Reject]:
        """Yield the rows that no decision could be made for, in input order."""
        with (self.folder / FAILED).open("rb") as lines:
            for line in lines:
                fields = json.loads(line.decode("utf-8", "surrogatepass"))
                yield Reject(**{**fields, "header": tuple(fields["header"]), "cells": tuple(fields["cells"])})

    def close(self) -> None:
        """Close the files and leave them for ``--resume``; without any finished row the folder goes."""
        if self.rows:
            self._close()
        else:
            self.remove()

    def remove(self) -> None:
        """Remove the folder, unless this run never opened it: then it is another run's."""
        if self._handles:
            self._close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _close(self) -> None:
        for handle in self._handles.values():
            with suppress(OSError):  # a full disk refuses the buffered rest again; the journal does not count it
                handle.close()
        self._handles.clear()

    def _open(self) -> None:
        for name in (*_FILES, _JOURNAL):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._handles[name] = os.fdopen(os.open(self.folder / name, flags, 0o600), "ab")

    def _cut(self) -> None:
        """Cut every file back to the last finished chunk."""
        real = [_size(self.folder / name) for name in _FILES]
        end, sizes = 0, [0] * len(_FILES)
        with (self.folder / _JOURNAL).open("rb") as lines:
            for line in lines:
                numbers = [int(part) for part in line.split() if part.isdigit()]
                whole = line.endswith(b"\n") and len(numbers) == len(_FILES) + 1
                if not whole or any(size > there for size, there in zip(numbers[1:], real, strict=True)):
                    break
                end, self.rows, sizes = end + len(line), numbers[0], numbers[1:]
        for name, size in zip((*_FILES, _JOURNAL), (*sizes, end), strict=True):
            if (self.folder / name).exists():
                os.truncate(self.folder / name, size)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
