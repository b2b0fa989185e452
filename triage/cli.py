"""The ``triage`` command: finds its subcommands through entry points, turns errors into one line.

Nothing heavy is imported here, and of the subcommands only the one that is used (all of them for ``--help``).
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from models.errors import TriageError
from triage.commands.terminal import printable

GROUP = "triage.commands"
DISTRIBUTION = "citizen-appeal-triage"

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it (128 + SIGINT)."""

_EXTRA = {
    "sklearn": "train",
    "torch": "train",
    "transformers": "train",
    "sentence_transformers": "train",
    "fasttext": "bench",
}
"""Optional package → extra that brings it."""


class CommandGroup(TyperGroup):
    """Subcommands by entry point; one that cannot be imported is listed with what to install."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the subcommands."""
        return sorted(_found())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a subcommand; None when there is none of this name."""
        entry = _found().get(cmd_name)
        if entry is None:
            return None
        try:
            target = entry.load()
        except ModuleNotFoundError as error:
            return _unavailable(cmd_name, _missing(error, entry))
        if isinstance(target, typer.Typer):
            return _named(typer.main.get_command(target), cmd_name)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        single.command(cmd_name)(target)
        return _named(typer.main.get_command(single), cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """Run a subcommand; its errors become one line and an exit status."""
        try:
            return super().invoke(ctx)
        except TriageError as error:
            typer.echo(f"错误：{printable(str(error))}", err=True)
            raise typer.Exit(2) from error
        except ModuleNotFoundError as error:
            if error.name not in _EXTRA:
                raise
            typer.echo(_missing(error), err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            typer.echo("已中断", err=True)
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(
    cls=CommandGroup,
    name="triage",
    help="诉求智能分拨：派单、风险预警、并单 / Triage of citizen appeals: routing, risk, duplicates.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"{DISTRIBUTION} {version(DISTRIBUTION)}")
        except PackageNotFoundError:
            typer.echo(f"{DISTRIBUTION}（未安装的源代码 / source, not installed）")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="显示版本 / Show the version."),
    ] = False,
) -> None:
    """Take the options of ``triage`` itself."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process.

    Args:
        arguments: What follows ``triage``; None: the process's own.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a GBK terminal has no emoji; one must not end the run
    try:
        app(arguments, prog_name="triage")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader (``| head``) is gone; the interpreter must not try to flush to it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _found() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _named(command: Any, name: str) -> Any:
    command.name = name
    return command


def _missing(error: ModuleNotFoundError, entry: EntryPoint | None = None) -> str:
    package = (error.name or "").partition(".")[0]
    extra = _EXTRA.get(package) or (entry.module.partition(".")[0] if entry else "")
    extra = {"training": "train"}.get(extra, extra)
    return f"缺少组件 {package}；请安装 / please install: pip install '{DISTRIBUTION}[{extra}]'"


def _unavailable(name: str, reason: str) -> TyperCommand:
    def refuse() -> None:
        typer.echo(f"命令 {name} 不可用：{reason}", err=True)
        raise typer.Exit(1)

    return TyperCommand(
        name,
        callback=refuse,
        help=reason,
        short_help=f"（不可用）{reason}",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
