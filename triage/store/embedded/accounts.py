"""As whom PostgreSQL runs. It refuses root, so a service that runs as root lends it an unprivileged account."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from triage.store.errors import StoreError

CANDIDATES = ("postgres", "nobody")
"""System users that may be lent, the more private one first."""

_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_CAPABILITIES = (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE)
_TRY = 'cd "$1" && exec "$2" --version'


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An unprivileged user that PostgreSQL runs as.

    Attributes:
        user: User id.
        group: Group id.
        capability: Number of the capability that lets it pass closed folders above the data folder, such as a home of
            mode 0700; None where it can pass without. The alternative would be to open those folders to everyone.
    """

    user: int
    group: int
    capability: int | None = None

    @property
    def ids(self) -> tuple[int, int]:
        """User and group id."""
        return self.user, self.group


def choose_account(folder: Path, program: Path) -> Account | None:
    """Return whom PostgreSQL runs as; None: as the service itself, which is not root.

    For root that is the folder's owner, so that root can look after a service user's folder without spoiling it. Where root
    owns the folder too, it is a system user: the folder gets that user's group and mode 0710, which lets the user pass and
    neither list nor write. Nothing above the folder is changed.

    Args:
        folder: The data folder.
        program: The program ``postgres``.

    Raises:
        StoreError: If there is no such user, or it cannot reach both.
    """
    if os.geteuid() != 0:
        _named(os.geteuid())
        return None
    owner = folder.stat().st_uid
    entry = _named(owner) if owner else _system_user()
    if not owner:
        os.chown(folder, 0, entry.pw_gid)
        folder.chmod(0o710)
    if _reaches(entry, folder, program):
        return Account(user=entry.pw_uid, group=entry.pw_gid)
    capability = passing_capability()
    if capability is not None:
        return Account(user=entry.pw_uid, group=entry.pw_gid, capability=capability)
    raise StoreError(
        f"以 root 运行时，数据库须换用系统用户 {entry.pw_name}，而它进不了 {folder} 或 {program.parent}；"
        "请用普通用户启动，或把数据目录和安装目录放到该用户可进入的位置（如 /var/lib/triage、/opt）"
    )


def _named(user: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(user)
    except KeyError as error:
        raise StoreError(
            f"用户号 {user} 在系统中没有名字，PostgreSQL 因此拒绝运行；请在 /etc/passwd 中为它加一行"
        ) from error


def _system_user() -> pwd.struct_passwd:
    for name in CANDIDATES:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StoreError(f"以 root 运行时，数据库须换用系统用户 {' 或 '.join(CANDIDATES)}，但都不存在；请用普通用户启动")


def _reaches(entry: pwd.struct_passwd, folder: Path, program: Path) -> bool:
    tried = subprocess.run(  # noqa: S603 - a fixed command; both paths are arguments, not code
        ["/bin/sh", "-c", _TRY, "sh", str(folder), str(program)],
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


def passing_capability() -> int | None:
    """Return the least capability held that lets a process pass closed folders; containers often withhold the lesser one."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
            return next((capability for capability in _CAPABILITIES if held >> capability & 1), None)
    return None
