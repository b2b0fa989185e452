"""Bundles in the database, in parts, so that every replica of the service finds them where the appeals are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from triage.errors import BundleError
from triage.store.errors import Conflict
from triage.store.schema import bundle_parts, bundles

PART = 4 << 20
"""Bytes of one part: small enough to hold in memory, large enough for few rows."""

_LOCK = func.pg_advisory_xact_lock(0x62756E646C6573)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBundle:
    """A bundle in the store.

    Attributes:
        id: Its row.
        name: Name and fingerprint, as decisions quote it.
        kind: ``base`` or ``local``.
        state: One of `triage.store.schema.BUNDLE_STATES`.
        metrics: The last evaluation; empty if there was none.
        sha256: Of the packed folder, hex.
        size: Bytes of the packed folder.
        uploaded_by: Who.
        uploaded_at: When.
        promoted_at: When it last became active; None if never.
        previous: What was active before it; None: the shipped bundle, or it was never active.
    """

    id: UUID
    name: str
    kind: str
    state: str
    metrics: Mapping[str, Any]
    sha256: str
    size: int
    uploaded_by: str
    uploaded_at: datetime
    promoted_at: datetime | None
    previous: UUID | None


_FIELDS = tuple(StoredBundle.__slots__)
_COLUMNS = tuple(bundles.c[field] for field in _FIELDS)


def add(
    connection: Connection,
    archive: Path,
    *,
    bundle_id: UUID,
    name: str,
    kind: str,
    manifest: Mapping[str, Any],
    actor: str,
    at: datetime,
) -> StoredBundle:
    """Store a packed, verified bundle.

    Raises:
        Conflict: The same bundle is stored already.
    """
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        while chunk := file.read(PART):
            digest.update(chunk)
    values = {"id": bundle_id, "name": name, "kind": kind, "manifest": dict(manifest), "sha256": digest.hexdigest()}
    values |= {"size": archive.stat().st_size, "uploaded_by": actor, "uploaded_at": at}
    try:
        row = connection.execute(insert(bundles).values(**values).returning(*_COLUMNS)).one()
    except IntegrityError as error:
        raise Conflict(f"模型 {name} 已经上传过，无需重复上传") from error
    with archive.open("rb") as file:
        number = 0
        while chunk := file.read(PART):
            connection.execute(insert(bundle_parts), [{"bundle_id": bundle_id, "part": number, "data": chunk}])
            number += 1
    return _bundle(row)


def fetch(connection: Connection, bundle: StoredBundle, archive: Path) -> None:
    """Write the packed bundle to a file and compare its hash.

    Raises:
        BundleError: The parts are not what was stored.
    """
    digest = hashlib.sha256()
    numbers = connection.execute(
        select(bundle_parts.c.part).where(bundle_parts.c.bundle_id == bundle.id).order_by(bundle_parts.c.part)
    ).scalars()
    with archive.open("wb") as file:
        for number in numbers.all():
            one = select(bundle_parts.c.data).where(
                bundle_parts.c.bundle_id == bundle.id, bundle_parts.c.part == number
            )
            data = connection.execute(one).scalar_one()
            digest.update(data)
            file.write(data)
    if digest.hexdigest() != bundle.sha256:
        raise BundleError(f"数据库中的模型 {bundle.name} 已损坏（sha256 不符），请重新上传")


def listed(connection: Connection) -> list[StoredBundle]:
    """Return all bundles, latest upload first."""
    return [_bundle(row) for row in connection.execute(select(*_COLUMNS).order_by(bundles.c.uploaded_at.desc()))]


def find(connection: Connection, wanted: UUID | str) -> StoredBundle | None:
    """Return the bundle of that id or name."""
    condition = bundles.c.id == wanted if isinstance(wanted, UUID) else bundles.c.name == wanted
    row = connection.execute(select(*_COLUMNS).where(condition)).one_or_none()
    return _bundle(row) if row else None


def active(connection: Connection) -> StoredBundle | None:
    """Return the active bundle; None: the shipped one."""
    row = connection.execute(select(*_COLUMNS).where(bundles.c.state == "active")).one_or_none()
    return _bundle(row) if row else None


def lock(connection: Connection) -> None:
    """Let one promotion after the other happen."""
    connection.execute(select(_LOCK))


def activate(
    connection: Connection, bundle_id: UUID | None, *, at: datetime, previous: UUID | None, keep_previous: bool = False
) -> None:
    """Make a bundle the active one and retire the present one; the caller holds `lock`.

    Args:
        connection: Inside a transaction.
        bundle_id: None: the shipped bundle, which has no row.
        at: When.
        previous: What was active before.
        keep_previous: Whether the bundle's own ``previous`` stays, as on the way back.
    """
    connection.execute(update(bundles).where(bundles.c.state == "active").values(state="retired"))
    if bundle_id is not None:
        values: dict[str, Any] = {"state": "active", "promoted_at": at}
        if not keep_previous:
            values["previous"] = previous
        connection.execute(update(bundles).where(bundles.c.id == bundle_id).values(**values))


def claimed_metrics(connection: Connection, bundle_id: UUID) -> Mapping[str, Any]:
    """Return the figures that a bundle brings along, as its manifest states them: by whoever made it."""
    statement = select(bundles.c.manifest["metrics"]).where(bundles.c.id == bundle_id)
    found = connection.execute(statement).scalar_one_or_none()
    return found if isinstance(found, dict) else {}


def set_metrics(connection: Connection, bundle_id: UUID, metrics: Mapping[str, Any]) -> None:
    """Keep the figures of an evaluation."""
    connection.execute(update(bundles).where(bundles.c.id == bundle_id).values(metrics=dict(metrics)))


def _bundle(row: Row[Any]) -> StoredBundle:
    return StoredBundle(**{field: getattr(row, field) for field in _FIELDS})
