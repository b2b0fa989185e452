"""The audit: who did what when, as a chain of hashes in which nothing can be changed without being seen.

Each row's hash covers the hash before it and the row itself (``migrations/sql/audit.sql``), so `verify` finds a row that
was changed, removed or inserted. The chain alone cannot show that its *end* was cut off, or that somebody with full
power over the database wrote all of it anew. Against that `seal` keeps the head (number and hash of the last row),
signed with the service's secret, in a file outside the database.

What the seal shows: any change at or before the sealed row. What it cannot show: rows added after the last seal and
cut off again before the next one, and an intruder who holds the secret, or who puts an older seal file back together with
an older state of the database. Whoever must rule that out copies the seal file to another machine.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, text

from triage.io.atomic import AtomicFile
from triage.store.errors import StoreError

SEAL_FILE = "audit.head"
_BATCH = 5_000
_START = bytes(32)
_APPEND = text("SELECT audit_append(:actor, :action, :subject, CAST(:detail AS jsonb))")
# The detail is read as the database writes it: jsonb has one text form, which the hash was taken of.
_ROWS = text(
    "SELECT id, at, actor, action, subject, detail::text AS detail, previous, hash FROM audit "
    "WHERE id > :after ORDER BY id LIMIT :batch"
)
_HEAD = text("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")
_ONE = text("SELECT id, hash FROM audit WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: number of the last row (0: none yet) and its hash, 32 bytes."""

    count: int
    hash: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditReport:
    """What `verify` found.

    Attributes:
        rows: Rows that were read.
        broken: Number of the first row that does not fit; None if all fit.
        problem: What is wrong, in Chinese; empty if nothing is.
        sealed: Rows covered by the seal; 0 without a seal.
    """

    rows: int
    broken: int | None
    problem: str
    sealed: int

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problem


def append(
    connection: Connection, *, actor: str, action: str, subject: str = "", detail: Mapping[str, Any] | None = None
) -> int:
    """Add a row and return its number; it is there exactly when the transaction is.

    Appends wait for each other until the transaction ends, so this comes last in it.

    Args:
        connection: Inside a transaction.
        actor: As in `triage.store.access.Actor.name`.
        action: What was done, e.g. ``appeal.unmask``.
        subject: Id or name of what it was done to; never a person's name or a text.
        detail: Numbers, ids and reasons given by officials; never texts of appeals.
    """
    facts = json.dumps(dict(detail or {}), ensure_ascii=False)
    values = {"actor": actor, "action": action, "subject": subject, "detail": facts}
    return int(connection.execute(_APPEND, values).scalar_one())


def verify(connection: Connection, *, secret: bytes, seal: Path | None = None) -> AuditReport:
    """Compute the chain again and name the first row that does not fit.

    Args:
        connection: May read the table.
        secret: The service's secret, for the seal.
        seal: The seal file; None or a missing file: the chain is checked without it.
    """
    sealed = _read_seal(seal, secret=secret) if seal else None
    if isinstance(sealed, str):
        return AuditReport(rows=0, broken=None, problem=sealed, sealed=0)
    head, broken, problem = Head(0, _START), None, ""
    covered = sealed.count if sealed else 0
    for row in _rows(connection):
        problem = _problem(row, head) or _against_seal(row, sealed)
        if problem:
            broken = head.count + 1 if row.id > head.count + 1 else int(row.id)
            break
        head = Head(row.id, row.hash)
    else:
        if sealed and head.count < sealed.count:
            broken = head.count + 1
            problem = f"审计记录只到第{head.count}条，封存时已有{sealed.count}条：末尾被截去"
    return AuditReport(rows=head.count, broken=broken, problem=problem, sealed=covered)


def seal(connection: Connection, path: Path, *, secret: bytes) -> Head:
    """Sign the present head into a file; the former seal must still hold, else it is kept and an error raised.

    Raises:
        StoreError: If the sealed row is gone or differs; `verify` says more.
    """
    former = _read_seal(path, secret=secret)
    if isinstance(former, str):
        raise StoreError(former)
    if former is not None and former.count:
        row = connection.execute(_ONE, {"id": former.count}).one_or_none()
        if row is None or not hmac.compare_digest(row.hash, former.hash):
            raise StoreError(f"审计记录第{former.count}条与封存不符，请运行 triage audit verify 查明")
    last = connection.execute(_HEAD).one_or_none()
    head = Head(last.id, last.hash) if last else Head(0, _START)
    body = {"count": head.count, "hash": head.hash.hex(), "sealed_at": datetime.now(UTC).isoformat(timespec="seconds")}
    file = AtomicFile(path, mode=0o600)
    file.open().write(json.dumps({**body, "signature": _signature(body, secret)}, indent=1).encode() + b"\n")
    file.commit()
    return head


def _rows(connection: Connection) -> Iterator[Row[Any]]:
    after = 0
    while batch := connection.execute(_ROWS, {"after": after, "batch": _BATCH}).all():
        yield from batch
        after = batch[-1].id


def _problem(row: Row[Any], head: Head) -> str:
    """Say what does not fit between a row and the one before it; empty if it fits."""
    if row.id != head.count + 1:
        return f"第{head.count + 1}条缺失"
    if row.previous != head.hash:
        return f"第{row.id}条与前一条不衔接"
    if row.hash != hashlib.sha256(head.hash + _canonical(row)).digest():
        return f"第{row.id}条内容被改动"
    return ""


def _against_seal(row: Row[Any], sealed: Head | None) -> str:
    if sealed is not None and row.id == sealed.count and row.hash != sealed.hash:
        return f"第{row.id}条与封存不符：封存之前的记录被整体改写"
    return ""


def _canonical(row: Row[Any]) -> bytes:
    moment = row.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    fields = (str(row.id), moment, row.actor, row.action, row.subject, row.detail)
    return b",".join(b"%d:%s" % (len(data), data) for data in (field.encode() for field in fields))


def _read_seal(path: Path, *, secret: bytes) -> Head | str | None:
    """Return the sealed head, what is wrong with the file, or None where there is none."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        signature = str(body.pop("signature"))
        if not hmac.compare_digest(signature, _signature(body, secret)):
            return f"封存文件 {path.name} 的签名不符：文件被改动，或 TRIAGE_SECRET 不是封存时的那一个"
        return Head(int(body["count"]), bytes.fromhex(body["hash"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return f"封存文件 {path.name} 无法读取，请从备份恢复该文件"


def _signature(body: Mapping[str, Any], secret: bytes) -> str:
    signed = json.dumps(body, sort_keys=True).encode()
    return hmac.new(secret, b"audit-head\0" + signed, hashlib.sha256).hexdigest()
