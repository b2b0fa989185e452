"""Encoders in production: which one is active, loading it, and asking for another one.

Vectors of different encoders never meet, so another encoder becomes active only after every stored appeal has a vector of it.
Until then the present one serves, and new appeals get vectors of both (see `triage.casework.reencoding`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, func

from models.encoder import OnnxEncoder
from models.encoder_folder import MANIFEST, pack_folder, read_manifest, unpack_files
from models.errors import EncoderError
from models.pairs import PairScorer
from triage.second_opinion import shipped_encoder_path
from triage.store import audit, encoders, jobs, queueing, schema
from triage.store.access import EVERYWHERE, SYSTEM, Actor
from triage.store.database import Database
from triage.store.encoders import ACTIVE, HASHED, LEAVING, ONNX, PREPARING, RETIRED, StoredEncoder
from triage.store.errors import StateConflict
from triage.store.jobs import Job
from triage.store.vectors import DenseEncoder, HashedProjection

KIND = "encoders.fill"
"""Kind of the job that encodes stored appeals."""
TASK = "triage.encode"
"""Name of the queue's task that works on it."""
_PRIORITY = -10
"""Below everything that somebody waits for."""

Announce = Callable[[Connection, UUID], None]
Stamp = tuple[tuple[str, str], ...]
"""Fingerprints and states of the encoders in use; a change is what processes look out for."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class InUse:
    """Encoders in memory.

    Attributes:
        active: Searches compare its vectors.
        others: New appeals get vectors of these as well.
        stamp: What the store said.
    """

    active: DenseEncoder
    others: tuple[DenseEncoder, ...]
    stamp: Stamp


def default_encoder(scorer: PairScorer) -> HashedProjection:
    """Return the encoder that comes with a bundle: the hashed projection, weighing with the bundle's frequencies."""
    return HashedProjection(scorer.frequencies)


def announce(connection: Connection, job_id: UUID) -> None:
    """Put the job into the queue; it is there exactly when the transaction is."""
    queueing.defer(connection, TASK, job_id, priority=_PRIORITY)


class EncoderLoader:
    """Turns encoders of the store into encoders in memory. Safe between threads: at worst one is loaded twice."""

    def __init__(self, database: Database, *, first: Path | None = None) -> None:
        """Store the places; nothing is opened yet.

        Args:
            database: The store.
            first: Folder of the encoder that an empty store begins with; None: the one that comes with the bundle.
        """
        self._database = database
        self._first = first
        self._loaded: dict[str, DenseEncoder] = {}

    def present(self, default: HashedProjection, *, follow: bool = True) -> InUse:
        """Load what the store says is in use.

        Args:
            default: What comes with the bundle. A store that names no encoder yet begins with it.
            follow: Whether the bundle is new to this process. Then ``default`` is asked for where a hashed projection of
                other frequencies is active: that one goes on serving, and stored appeals begin to be encoded. Asking
                again with every look would let two versions of the program, each with its own bundle, undo each other's
                choice for ever.

        Raises:
            EncoderError: The active encoder cannot be loaded.
        """
        with self._database.transaction(EVERYWHERE) as connection:
            stored = encoders.in_use(connection)
            if follow or not stored:
                settle(connection, default, first=self._first)
                stored = encoders.in_use(connection)
            kept = {one.fingerprint: self._load(connection, one, default) for one in stored}
        self._loaded = {fingerprint: encoder for fingerprint, encoder in kept.items() if encoder is not None}
        active = kept[stored[0].fingerprint]
        assert active is not None
        others = tuple(encoder for one in stored[1:] if (encoder := kept[one.fingerprint]) is not None)
        return InUse(active=active, others=others, stamp=_stamp(stored))

    def _load(self, connection: Connection, stored: StoredEncoder, default: HashedProjection) -> DenseEncoder | None:
        known = self._loaded.get(stored.fingerprint)
        if known is not None:
            return known
        if stored.fingerprint == default.fingerprint:
            return default
        try:
            return load(connection, stored)
        except EncoderError:
            if stored.state == ACTIVE:
                raise
            # Searches do without it; the job that needs it will say so.
            log.exception("encoder cannot be loaded", extra={"action": "encoder.load.failed"})
            return None


def load(connection: Connection, stored: StoredEncoder) -> DenseEncoder:
    """Load one encoder of the store.

    Raises:
        EncoderError: It cannot be used.
    """
    found: DenseEncoder
    if stored.kind == HASHED:
        found = HashedProjection.unpack(encoders.fetch(connection, stored))
    elif stored.fingerprint == shipped_fingerprint():
        found = OnnxEncoder.load(shipped_encoder_path())
    else:
        found = OnnxEncoder(unpack_files(encoders.fetch(connection, stored)))
    if found.fingerprint != stored.fingerprint:
        raise EncoderError(f"库中的编码器 {stored.name} 与其指纹不符，请重新启用")
    return found


def first_encoder() -> Path | None:
    """Return the folder of what an empty store begins with: the shipped encoder, where there is one."""
    folder = shipped_encoder_path()
    return folder if (folder / MANIFEST).is_file() else None


def shipped_fingerprint() -> str | None:
    """Return the fingerprint of the encoder that ships with the project; None where it is missing."""
    folder = shipped_encoder_path()
    return read_manifest(folder).fingerprint if (folder / MANIFEST).is_file() else None


def stamp(connection: Connection) -> Stamp:
    """Return what processes compare to see whether anything has changed."""
    return _stamp(encoders.in_use(connection))


def settle(connection: Connection, default: HashedProjection, *, first: Path | None = None) -> None:
    """Make ``default`` the first active encoder, or ask for it where an older one of its kind is active.

    Args:
        connection: A transaction that may read everything.
        default: Comes with the bundle.
        first: Folder of an encoder that goes before it where no appeal is stored yet.
    """
    stored = encoders.in_use(connection)
    if _is_settled(stored, default):
        return
    encoders.lock(connection)
    stored = encoders.in_use(connection)
    if _is_settled(stored, default):
        return
    now = datetime.now(UTC)
    if first is not None and not stored and not encoders.count_appeals(connection):
        added = add_folder(connection, first, actor=SYSTEM, at=now)
        slot = encoders.free_slot(connection, added.fingerprint)
        encoders.set_state(connection, added.fingerprint, ACTIVE, slot=slot, activated_at=func.now())
        return
    added = add_hashed(connection, default, actor=SYSTEM, at=now)
    if added.state == ACTIVE:
        for one in stored[1:]:
            if one.state == PREPARING:
                _give_up(connection, one, at=now)  # that of a bundle which was rolled back
        return
    if stored:
        _request(connection, added, actor=SYSTEM, at=now)
        return
    slot = encoders.free_slot(connection, added.fingerprint)
    encoders.set_state(connection, added.fingerprint, ACTIVE, slot=slot, activated_at=func.now())
    if encoders.has_strangers(connection) or encoders.lacking(connection, added.fingerprint, after=None, most=1):
        # A store of an older program: its vectors were made with frequencies that nobody has kept.
        encoders.set_state(connection, added.fingerprint, ACTIVE, job_id=_job(connection, SYSTEM, at=now).id)


def add_hashed(connection: Connection, encoder: HashedProjection, *, actor: Actor, at: datetime) -> StoredEncoder:
    """Store a hashed projection with its frequencies, so that it can serve on when the bundle has changed."""
    return encoders.add(
        connection,
        encoder.pack(),
        fingerprint=encoder.fingerprint,
        name=f"hashed-{encoder.fingerprint[-8:]}",
        kind=HASHED,
        manifest={},
        actor=actor.name,
        at=at,
    )


def add_folder(connection: Connection, folder: Path, *, actor: Actor, at: datetime) -> StoredEncoder:
    """Verify and try the encoder of a folder and store it, so that every process finds it where the appeals are.

    Raises:
        EncoderError: Anything is wrong with it, or its vectors have another length than those of the store.
    """
    packed = pack_folder(folder)
    encoder = OnnxEncoder(unpack_files(packed))
    manifest = encoder.manifest
    if encoder.dimensions != schema.DIMENSIONS:
        raise EncoderError(
            f"编码器 {manifest.name} 的向量为 {encoder.dimensions} 维，本系统存 {schema.DIMENSIONS} 维；"
            "请从原模型重新导出（导出时会降维）"
        )
    record = {name: value for name, value in manifest.to_record().items() if name != "outputs"}
    return encoders.add(
        connection,
        packed,
        fingerprint=encoder.fingerprint,
        name=f"{manifest.name}-{manifest.version}",
        kind=ONNX,
        manifest=record,
        actor=actor.name,
        at=at,
    )


def use(connection: Connection, fingerprint: str, *, actor: Actor, at: datetime) -> Job | None:
    """Ask for an encoder: stored appeals are encoded with it, then it becomes the active one.

    Whatever else was being prepared is given up. Asking for the active one gives up what is being prepared, and no job is
    needed.

    Raises:
        StoreError: There is no such encoder.
        StateConflict: It is active or being prepared already.
    """
    encoders.lock(connection)
    stored = encoders.get(connection, fingerprint)
    preparing = [one for one in encoders.in_use(connection) if one.state == PREPARING]
    if stored.state == PREPARING:
        raise StateConflict(f"正在切换到编码器 {stored.name}，进度见 triage encoder list")
    if stored.state == ACTIVE:
        if not preparing:
            raise StateConflict(f"编码器 {stored.name} 已在使用")
        _give_up(connection, preparing[0], at=at)
        audit.append(connection, actor=actor.name, action="encoder.use", subject=stored.name, detail={})
        return None
    return _request(connection, stored, actor=actor, at=at)


def activate(connection: Connection, job: Job, stored: StoredEncoder) -> None:
    """Make an encoder the active one; the caller has seen that every stored appeal has a vector of it."""
    former = encoders.in_use(connection)[0]
    encoders.set_state(connection, former.fingerprint, LEAVING)
    encoders.set_state(connection, stored.fingerprint, ACTIVE, activated_at=func.now())
    detail = {"former": former.name, "job": str(job.id)}
    audit.append(connection, actor=job.created_by, action="encoder.activate", subject=stored.name, detail=detail)
    log.info("encoder active", extra={"action": "encoder.activate", "job": str(job.id)})


def _request(connection: Connection, stored: StoredEncoder, *, actor: Actor, at: datetime) -> Job:
    present = encoders.in_use(connection)
    active = present[0]
    for one in present[1:]:
        if one.state == PREPARING:
            _give_up(connection, one, at=at)
        elif one.fingerprint != stored.fingerprint:
            encoders.set_state(connection, one.fingerprint, RETIRED)
    assert active.slot is not None
    job = _job(connection, actor, at=at)
    encoders.set_state(connection, stored.fingerprint, PREPARING, slot=1 - active.slot, job_id=job.id, reached=None)
    detail = {"former": active.name, "job": str(job.id)}
    audit.append(connection, actor=actor.name, action="encoder.use", subject=stored.name, detail=detail)
    return job


def _job(connection: Connection, actor: Actor, *, at: datetime) -> Job:
    job = jobs.create(connection, kind=KIND, inputs=(), actor=actor, at=at)
    encoders.set_total(connection, job.id, encoders.count_appeals(connection))
    announce(connection, job.id)
    return jobs.get(connection, job.id)


def _give_up(connection: Connection, stored: StoredEncoder, *, at: datetime) -> None:
    encoders.set_state(connection, stored.fingerprint, RETIRED)
    if stored.job_id is not None:
        jobs.finish(connection, stored.job_id, at=at, error="已改用其他编码器")


def _is_settled(stored: tuple[StoredEncoder, ...], default: HashedProjection) -> bool:
    """Tell whether what is active or about to be needs no change: a person's choice never does, a bundle's own goes with it."""
    if not stored:
        return False
    target = next((one for one in stored if one.state == PREPARING), stored[0])
    return target.kind == ONNX or target.fingerprint == default.fingerprint


def _stamp(stored: tuple[StoredEncoder, ...]) -> Stamp:
    return tuple((one.fingerprint, one.state) for one in stored)
