"""``make readme``: put the output of ``make run`` (standard input), shortened, into the READMEs' block of output."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh.md")
HEAD = 4
"""Lines of the table before its first row: title, border, headers, border."""
EVERY = 4
"""One of so many rows is shown."""

_BLOCK = re.compile(r"(?<=```text\n).*?(?=\n```)", re.DOTALL)


def shortened(output: str) -> str:
    """Return the head of the table, some of its rows, and the summary without the names of the result files."""
    lines = [line.rstrip() for line in output.splitlines()]
    lines = lines[lines.index("研判结果") :]
    bottom = next(at for at, line in enumerate(lines) if line.startswith("└"))
    summary = [line for line in lines[bottom:] if line and not line.startswith("结果：")]
    return "\n".join([*lines[:HEAD], *lines[HEAD + 1 : bottom : EVERY], "…", *summary])


def main() -> None:
    """Rewrite both READMEs."""
    block = shortened(sys.stdin.read())
    for name in READMES:
        path = ROOT / name
        path.write_text(_BLOCK.sub(lambda _: block, path.read_text(encoding="utf-8"), count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
