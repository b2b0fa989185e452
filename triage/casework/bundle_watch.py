"""Loads the active bundle and follows the store: whatever is promoted anywhere is soon active in every process."""

from __future__ import annotations

import logging
import tempfile
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection

from models.bundle import verify_bundle
from triage.appeal import Appeal
from triage.casework import archives, encoders
from triage.casework.desk import ActiveTriage, CurrentTriage, activate
from triage.casework.encoders import EncoderLoader, default_encoder, first_encoder
from triage.directory import Directory
from triage.errors import BundleError
from triage.events import WordCutter
from triage.rules import AdmissionList, CityRules
from triage.service import Triage
from triage.store import admission, bundles, units
from triage.store.access import EVERYWHERE
from triage.store.bundles import StoredBundle
from triage.store.database import Database
from triage.store.vectors import DenseEncoder

log = logging.getLogger(__name__)

_TRIAL = Appeal(id="trial", title="路灯不亮", content="小区门口的路灯坏了一周，晚上看不清路，请派人维修。")

Stamp = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Generation:
    """What decides at a moment: the active bundle's row (None: the shipped one), units, admission list and encoders."""

    bundle: UUID | None
    units: Stamp
    admission: Stamp = (None, None)
    encoders: encoders.Stamp = ()


@dataclass(frozen=True, slots=True)
class _City:
    """What a city brings: its units (None: no list) and rules."""

    directory: Directory | None
    rules: CityRules


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Models in memory and what they were loaded for."""

    generation: Generation
    active: ActiveTriage


class BundleLoader:
    """Turns bundles of the store into models, by way of a cache folder.

    Attributes:
        database: The store.
        words: Word cutter that all models share.
        cache: Folder of unpacked bundles, one per sha256. It is a cache: every file is checked again when it is loaded,
            and what does not fit is fetched anew.
    """

    def __init__(
        self,
        database: Database,
        cache: Path,
        *,
        precision: float = 0.95,
        words: WordCutter | None = None,
        rules: CityRules | None = None,
    ) -> None:
        """Store the places; nothing is opened yet.

        Args:
            database: The store.
            cache: Folder for unpacked bundles, made when it is needed; readable by its owner only.
            precision: What an automatic dispatch must reach, 0.5 … 0.999.
            words: Word cutter that all models share: its dictionary is large and slow to load.
            rules: Deadlines and admission list of the city; None: the shipped ones. An admission list in the store goes
                before.
        """
        self.database = database
        self.cache = cache
        self.words = words or WordCutter()
        self.rules = rules or CityRules.load()
        self.encoders = EncoderLoader(database, first=first_encoder())
        self._precision = precision

    def present(self) -> Loaded:
        """Load what the store says is active, with its list of units.

        Raises:
            BundleError: The bundle cannot be used.
        """
        with self.database.transaction(EVERYWHERE) as connection:
            bundle, generation, city = bundles.active(connection), _generation(connection), self._city(connection)
            folder = self._folder(connection, bundle) if bundle else None
        return self.with_encoders(Loaded(generation, tried(self._triage(folder, bundle, city))))

    def load(self, bundle: StoredBundle) -> ActiveTriage:
        """Load one bundle of the store aside, with the present list of units.

        Raises:
            BundleError: The bundle cannot be used.
        """
        with self.database.transaction(EVERYWHERE) as connection:
            folder, city = self._folder(connection, bundle), self._city(connection)
        return tried(self._triage(folder, bundle, city))

    def with_units(self, active: ActiveTriage) -> ActiveTriage:
        """Give models that are loaded already the present list of units and the present rules."""
        with self.database.transaction(EVERYWHERE) as connection:
            city = self._city(connection)
        triage = active.triage
        if not isinstance(triage, Triage):
            return active
        return replace(tried(self._in_city(triage, city), encoder=active.encoder), others=active.others)

    def with_encoders(self, loaded: Loaded, *, follow: bool = True) -> Loaded:
        """Give models the encoders that the store says are in use.

        Args:
            loaded: The models.
            follow: Whether they are new to this process; see `EncoderLoader.present`.

        Raises:
            EncoderError: The active encoder cannot be loaded.
        """
        found = self.encoders.present(default_encoder(loaded.active.scorer), follow=follow)
        return Loaded(
            replace(loaded.generation, encoders=found.stamp),
            replace(loaded.active, encoder=found.active, others=found.others),
        )

    def _city(self, connection: Connection) -> _City:
        listed = admission.valid(connection)
        rules = replace(self.rules, admission=AdmissionList(listed)) if listed else self.rules
        return _City(units.directory(connection), rules)

    def _triage(self, folder: Path | None, bundle: StoredBundle | None, city: _City) -> Triage:
        triage = Triage.load(folder, precision=self._precision, words=self.words, rules=city.rules)
        name = triage.local.version if triage.local else triage.base.version
        if bundle is not None and name != bundle.name:
            # Somebody put a whole other, well-formed bundle into the cache.
            archives.remove(self.cache / bundle.sha256)
            raise BundleError(f"缓存中的模型不是 {bundle.name}，已删除，请重试")
        return self._in_city(triage, city) if city.directory is not None else triage

    def _in_city(self, triage: Triage, city: _City) -> Triage:
        return Triage(
            triage.base,
            local=triage.local,
            directory=city.directory,
            settings=triage.settings,
            words=self.words,
            rules=city.rules,
            encoder=triage.encoder,
        )

    def _folder(self, connection: Connection, bundle: StoredBundle) -> Path:
        """Return the unpacked bundle, fetching it where it is not there or damaged."""
        folder = self.cache / bundle.sha256
        if folder.is_dir() and _is_whole(folder):
            return folder
        archives.remove(folder)
        self.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".fetch.", dir=self.cache) as scratch:
            packed, fresh = Path(scratch) / "bundle.tar", Path(scratch) / "bundle"
            fresh.mkdir()
            bundles.fetch(connection, bundle, packed)
            archives.unpack(packed, fresh)
            try:
                fresh.rename(folder)
            except OSError:
                # Another process of this machine was quicker; what it put there is checked like anything else.
                if not folder.is_dir():
                    raise
        return folder


class BundleWatcher:
    """Keeps a process in step with the store; `poll` is called every few seconds from a thread."""

    def __init__(self, current: CurrentTriage, loader: BundleLoader, generation: Generation | None = None) -> None:
        """Store the parts.

        Args:
            current: What requests are decided with.
            loader: Loads bundles.
            generation: What ``current`` holds now; None: unknown, the first poll loads.
        """
        self.current = current
        self.loader = loader
        self._generation = generation
        self._failed: Generation | None = None
        self._lock = threading.Lock()

    def poll(self, ready: tuple[UUID, ActiveTriage] | None = None) -> bool:
        """Look at the store and make active what is active there; requests under way finish with the former models.

        A bundle that cannot be loaded leaves the present one active; it is logged once and tried again only after the
        next change.

        Args:
            ready: A bundle that was loaded aside already, by its row.

        Returns:
            Whether anything was swapped.
        """
        with self._lock:
            with self.loader.database.transaction(EVERYWHERE) as connection:
                wanted = _generation(connection)
            if wanted in (self._generation, self._failed):
                return False
            try:
                fresh = self._fresh(wanted, ready)
            except BundleError:
                self._failed = wanted
                log.exception("bundle cannot be loaded", extra={"action": "bundle.load.failed"})
                return False
            former = self.current.replace(fresh.active)
            self._generation, self._failed = fresh.generation, None
        log.info(
            "models swapped",
            extra={"action": "bundle.swapped", "bundle": fresh.active.bundle, "former": former.bundle},
        )
        return True

    def _fresh(self, wanted: Generation, ready: tuple[UUID, ActiveTriage] | None) -> Loaded:
        present = self._generation
        if ready is not None and ready[0] == wanted.bundle:
            return self.loader.with_encoders(Loaded(wanted, ready[1]))
        if present is not None and present.bundle == wanted.bundle:
            active = self.current()
            if (present.units, present.admission) != (wanted.units, wanted.admission):
                active = self.loader.with_units(active)
            return self.loader.with_encoders(Loaded(wanted, active), follow=False)
        return self.loader.present()


def tried(triage: Triage, *, encoder: DenseEncoder | None = None) -> ActiveTriage:
    """Let models decide an invented appeal: shows that they can, and loads dictionaries, so that no request waits for them.

    Raises:
        BundleError: They cannot.
    """
    active = activate(triage, encoder=encoder)
    try:
        triage.decide_readings(triage.read([_TRIAL]))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise BundleError(f"模型 {active.bundle} 能载入但不能研判（{type(error).__name__}），请重新训练") from error
    return active


def _generation(connection: Connection) -> Generation:
    bundle = bundles.active(connection)
    return Generation(
        bundle.id if bundle else None, units.stamp(connection), admission.stamp(connection), encoders.stamp(connection)
    )


def _is_whole(folder: Path) -> bool:
    try:
        verify_bundle(folder)
    except BundleError:
        return False
    return True
