"""Bundles in production: upload, evaluate, promote, roll back. A stranger's file is checked before it is believed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from models.bundle import verify_bundle
from triage.casework import archives, evaluation
from triage.casework.bundle_watch import BundleLoader, BundleWatcher, tried
from triage.casework.desk import ActiveTriage, Desk
from triage.casework.evaluation import Comparison
from triage.casework.intake import storable
from triage.casework.review import checked_reason, optional_reason
from triage.casework.rights import require
from triage.errors import BundleError
from triage.events import WordCutter
from triage.service import Triage
from triage.store import audit, bundles
from triage.store.access import EVERYWHERE, Actor
from triage.store.bundles import StoredBundle
from triage.store.errors import NotFound, StateConflict
from triage.store.ids import new_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """What the use cases of bundles work with.

    Attributes:
        desk: The desk; its active models are those that are replaced.
        watcher: Swaps them.
    """

    desk: Desk
    watcher: BundleWatcher

    @property
    def loader(self) -> BundleLoader:
        """Return what loads bundles."""
        return self.watcher.loader


@dataclass(frozen=True, kw_only=True, slots=True)
class Promotion:
    """A bundle that became active.

    Attributes:
        active: Its name, as decisions quote it.
        former: What was active before.
        comparison: How both did; None on the way back.
    """

    active: str
    former: str
    comparison: Comparison | None


def upload(shelf: Shelf, actor: Actor, archive: BinaryIO) -> StoredBundle:
    """Store a bundle for later promotion.

    Args:
        shelf: The shelf.
        actor: Administrator.
        archive: zip, tar or tar.gz of a bundle folder.

    Raises:
        Refused: The actor may not.
        BundleError: It is no bundle, is damaged, too large or of another version; nothing is stored.
        Conflict: It is stored already.
    """
    require(actor, "bundle.change")
    with _scratch(shelf) as scratch:
        folder, received, packed = scratch / "bundle", scratch / "received", scratch / "packed.tar"
        folder.mkdir()
        archives.receive(archive, received)
        archives.unpack(received, folder)
        try:
            return _store(shelf, actor, folder, packed)
        except BundleError as error:
            # Where the server unpacked it is of no use to whoever uploaded it.
            raise BundleError(str(error).replace(str(folder), "（上传的模型）")) from None


def upload_folder(shelf: Shelf, actor: Actor, folder: Path) -> StoredBundle:
    """Store a bundle that lies in a folder of this machine; see `upload`."""
    require(actor, "bundle.change")
    with _scratch(shelf) as scratch:
        return _store(shelf, actor, folder, scratch / "packed.tar")


def try_out(folder: Path, *, words: WordCutter | None = None) -> ActiveTriage:
    """Verify every file of a bundle, load it and let it decide an invented appeal.

    Args:
        folder: The bundle.
        words: Word cutter to share; None: one of its own.

    Raises:
        BundleError: Anything is wrong with it.
    """
    verify_bundle(folder)
    return tried(Triage.load(folder, words=words))


def evaluate(shelf: Shelf, actor: Actor, bundle_id: UUID) -> Comparison:
    """Compare a bundle with the active one on recent confirmed decisions and keep the figures.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such bundle.
        BundleError: It cannot be loaded.
    """
    require(actor, "bundle.change")
    stored = _existing(shelf, bundle_id)
    return _evaluated(shelf, stored, shelf.loader.load(stored))


def promote(shelf: Shelf, actor: Actor, bundle_id: UUID, *, force: bool = False, reason: str = "") -> Promotion:
    """Make a bundle the active one, here at once and in other processes with their next look at the store.

    It is loaded and compared aside, while requests go on; then only a reference changes.

    Args:
        shelf: The shelf.
        actor: Administrator.
        bundle_id: The bundle.
        force: Even if it is worse than the active one.
        reason: Why; needed with ``force``.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such bundle.
        BundleError: It cannot be loaded.
        StateConflict: It is active already, is worse, or another one was promoted meanwhile.
        InputError: ``force`` without a reason.
    """
    require(actor, "bundle.change")
    why = checked_reason(reason) if force else optional_reason(reason)
    stored = _existing(shelf, bundle_id)
    before = _active(shelf)
    if before is not None and before.id == stored.id:
        raise StateConflict(f"模型 {stored.name} 已在使用，无需再次启用")
    fresh, former = shelf.loader.load(stored), shelf.desk.current().bundle
    comparison = _evaluated(shelf, stored, fresh)
    if comparison.worse and not force:
        raise StateConflict(
            f"模型 {stored.name} 在最近 {comparison.n} 件人工确认的诉求上不如现用模型：{'；'.join(comparison.worse)}"
            f"（允许 {evaluation.BOUND:.0%}）；确需启用请加 --force 并写明理由"
        )
    previous = before.id if before else None
    detail = {"former": former, "n": comparison.n, "worse": list(comparison.worse), "forced": force, "reason": why}
    with shelf.desk.database.transaction(EVERYWHERE) as connection:
        bundles.lock(connection)
        now = bundles.active(connection)
        if (now.id if now else None) != previous:
            raise StateConflict("评测期间另有模型启用，请重新评测后再启用")
        bundles.activate(connection, stored.id, at=shelf.desk.clock(), previous=previous)
        audit.append(connection, actor=actor.name, action="bundle.promote", subject=stored.name, detail=detail)
    shelf.watcher.poll((stored.id, fresh))
    return Promotion(active=stored.name, former=former, comparison=comparison)


def roll_back(shelf: Shelf, actor: Actor, *, reason: str = "") -> Promotion:
    """Make active again what was active before the present bundle; the shipped bundle if there was none.

    Raises:
        Refused: The actor may not.
        StateConflict: The shipped bundle is active, there is nothing before it; or another one was promoted meanwhile.
        BundleError: The former bundle cannot be loaded.
    """
    require(actor, "bundle.change")
    why = optional_reason(reason)
    present = _active(shelf)
    if present is None:
        raise StateConflict("现用的是自带模型，没有可回退的模型")
    target = _existing(shelf, present.previous) if present.previous else None
    ready = (target.id, shelf.loader.load(target)) if target else None
    with shelf.desk.database.transaction(EVERYWHERE) as connection:
        bundles.lock(connection)
        now = bundles.active(connection)
        if now is None or now.id != present.id:
            raise StateConflict("其间另有模型启用，请重新查看后再回退")
        goal = target.id if target else None
        bundles.activate(connection, goal, at=shelf.desk.clock(), previous=None, keep_previous=True)
        name = target.name if target else "shipped"
        detail = {"former": present.name, "reason": why}
        audit.append(connection, actor=actor.name, action="bundle.roll_back", subject=name, detail=detail)
    shelf.watcher.poll(ready)
    return Promotion(active=shelf.desk.current().bundle, former=present.name, comparison=None)


def listed(shelf: Shelf, actor: Actor) -> list[StoredBundle]:
    """Return all bundles of the store, latest upload first."""
    require(actor, "bundle.read")
    with shelf.desk.database.transaction(EVERYWHERE) as connection:
        return bundles.listed(connection)


def find(shelf: Shelf, actor: Actor, wanted: str) -> StoredBundle:
    """Return the bundle of that id or name.

    Raises:
        NotFound: There is none.
    """
    require(actor, "bundle.read")
    try:
        return _existing(shelf, UUID(wanted))
    except ValueError:
        return _existing(shelf, storable(wanted))


def _existing(shelf: Shelf, wanted: UUID | str) -> StoredBundle:
    with shelf.desk.database.transaction(EVERYWHERE) as connection:
        found = bundles.find(connection, wanted)
    if found is None:
        raise NotFound(f"没有模型 {str(wanted)[:80]}；用 triage bundle list 查看")
    return found


def _active(shelf: Shelf) -> StoredBundle | None:
    with shelf.desk.database.transaction(EVERYWHERE) as connection:
        return bundles.active(connection)


def _evaluated(shelf: Shelf, stored: StoredBundle, candidate: ActiveTriage) -> Comparison:
    present = shelf.desk.current()
    comparison = evaluation.compare(shelf.desk, candidate, present)
    with shelf.desk.database.transaction(EVERYWHERE) as connection:
        if not comparison.judged:
            claimed = bundles.claimed_metrics(connection, stored.id)
            comparison = evaluation.rehearsal_of(claimed, against=present.bundle) or comparison
        at = shelf.desk.clock().isoformat(timespec="seconds")
        bundles.set_metrics(connection, stored.id, {"at": at, **comparison.to_record()})
    return comparison


def _store(shelf: Shelf, actor: Actor, folder: Path, packed: Path) -> StoredBundle:
    manifest = verify_bundle(folder)
    active = try_out(folder, words=shelf.loader.words)
    triage = active.triage
    assert isinstance(triage, Triage)
    name, kind = (triage.local.version, "local") if triage.local else (triage.base.version, "base")
    archives.pack(folder, [*manifest["files"], "manifest.json"], packed)
    with shelf.desk.database.transaction(EVERYWHERE) as connection:
        now = shelf.desk.clock()
        stored = bundles.add(
            connection, packed, bundle_id=new_id(now), name=name, kind=kind, manifest=manifest, actor=actor.name, at=now
        )
        detail = {"sha256": stored.sha256, "size": stored.size}
        audit.append(connection, actor=actor.name, action="bundle.upload", subject=name, detail=detail)
    return stored


@contextmanager
def _scratch(shelf: Shelf) -> Iterator[Path]:
    cache = shelf.loader.cache
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".upload.", dir=cache) as scratch:
        yield Path(scratch)
