"""What the commands that work on a store share. Light to import: the store is loaded when a command runs."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from triage.store.opening import Store

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="数据目录，默认取环境变量 TRIAGE_DATA / Data folder; default: TRIAGE_DATA.",
        show_default=False,
    ),
]


def group(text: str) -> typer.Typer:
    """Return an empty group of subcommands.

    Args:
        text: Its help, Chinese first.
    """
    return typer.Typer(
        help=text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


@contextmanager
def opened(data: Path | None) -> Iterator[Store]:
    """Open the store, beside a running service if there is one; one that is made is announced, it may be a slip."""
    from triage.store.embedded.folder import holds_store
    from triage.store.opening import open_store
    from triage.store.settings import StoreSettings

    settings = StoreSettings.read(os.environ, data=data)
    made = settings.url is None and settings.data is not None and not holds_store(settings.data)
    with open_store(settings, join=True, pool_size=2) as store:
        if made:
            typer.echo(f"新建了数据目录 {settings.data}；如非本意，请核对 --data", err=True)
        yield store


def typed_password() -> str:
    """Ask for a password twice at a terminal; elsewhere read one line of standard input.

    Never an argument: those are seen by everybody on the machine and kept in the shell's history.
    """
    if sys.stdin.isatty():
        return str(typer.prompt("口令 / Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def table(*headers: str) -> Table:
    """Return an empty table."""
    from rich.table import Table

    found = Table(header_style="bold")
    for header in headers:
        found.add_column(header, overflow="fold")
    return found


def show(rows: Table) -> None:
    """Print a table."""
    from triage.commands.terminal import make_screen

    make_screen().print(rows)


def cells(*values: object) -> list[str]:
    """Return what a row shows: nothing for None, moments to the minute, all of it harmless to a terminal."""
    from datetime import datetime

    from rich.markup import escape

    from triage.commands.terminal import printable
    from triage.rules.deadlines import CHINA

    def shown(value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, datetime):
            return value.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
        if isinstance(value, tuple):
            return "、".join(map(str, value))
        return str(value)

    return [escape(printable(shown(value))) for value in values]
