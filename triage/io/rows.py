"""What the readers hand out: rows, rejects and the limits they keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from triage.appeal import Appeal


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much one input may ask of the machine.

    Attributes:
        cell_chars: Longest cell, in characters; a longer one rejects its row.
        record_bytes: Longest row of a text file, in bytes; a longer one is skipped unread and rejected.
        columns: Most columns of a table.
        xlsx_uncompressed: Most bytes a workbook may unpack to.
        xlsx_ratio: Highest compression ratio of a workbook part larger than 1 MiB; real sheets stay below
            100.
        xlsx_entries: Most parts of a workbook.
    """

    cell_chars: int = 100_000
    record_bytes: int = 16 * 2**20
    columns: int = 1_000
    xlsx_uncompressed: int = 2**30
    xlsx_ratio: int = 200
    xlsx_entries: int = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Reject:
    """One row that was not read.

    Attributes:
        number: Row of the file as a person sees it (the header of a table is row 1; in jsonl the line).
        field: The source column at fault; empty where the whole row is.
        reason: Chinese sentence naming row, field and remedy; never the text of the appeal.
        id: The row's id where it could be read.
        header: Source columns that `cells` belong to.
        cells: The row as it was read, for the rejects file; contains citizens' text.
    """

    number: int
    field: str
    reason: str
    id: str = ""
    header: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    cells: tuple[str, ...] = dataclasses.field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One row of any table, not yet understood as an appeal.

    Attributes:
        number: Row of the file as a person sees it.
        line: Physical line at which the row starts; differs from ``number`` after cells with line breaks.
        fields: Every column of the row as text, by source header; lists and objects of jsonl stay JSON.
        values: The decoded object of a jsonl line; None for tables.
        warnings: What was repaired while reading, as countable Chinese phrases without row numbers.
    """

    number: int
    line: int
    fields: Mapping[str, str] = dataclasses.field(repr=False)
    values: Mapping[str, object] | None = dataclasses.field(default=None, repr=False)
    warnings: tuple[str, ...] = ()

    def place(self) -> str:
        """Return ``第 5 行``, with the physical line where that differs."""
        return place(self.number, self.line)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One appeal and the row it came from.

    Attributes:
        number: Row of the file as a person sees it (see `Reject.number`).
        line: Physical line at which the row starts.
        appeal: What a decision may read.
        fields: Every column of the row as text, by source header: gold labels, notes, replies.
        sources: Canonical name → source header, shared by the rows of a file.
        values: The decoded object of a jsonl line; None for tables.
        warnings: What was repaired or not understood, as countable Chinese phrases without row numbers.
    """

    number: int
    line: int
    appeal: Appeal = dataclasses.field(repr=False)
    fields: Mapping[str, str] = dataclasses.field(repr=False)
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    values: Mapping[str, object] | None = dataclasses.field(default=None, repr=False)
    warnings: tuple[str, ...] = ()

    def value(self, name: str) -> object:
        """Return a column by source header or else by canonical name; ``value("unit")`` reads 承办单位.

        Returns:
            The decoded JSON value in jsonl, the text of the cell in a table; None where the row has no such
            column.
        """
        source = name if name in self.fields else self.sources.get(name, name)
        if self.values is not None:
            return self.values.get(source)
        return self.fields.get(source)

    def text(self, name: str) -> str:
        """Return a column as text, by source header or canonical name; empty where the row lacks it."""
        source = name if name in self.fields else self.sources.get(name, name)
        return self.fields.get(source, "")


def place(number: int, line: int) -> str:
    """Return ``第 5 行``; ``第 5 行（文件第 12 行起）`` where cells with line breaks make the two differ."""
    return f"第 {number} 行" if line == number else f"第 {number} 行（文件第 {line} 行起）"
