"""What every use case works with: the store, the active models, the clock and the secret of keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from models.pairs import PairScorer
from triage.appeal import Appeal
from triage.casework.channels import ChannelBook
from triage.casework.dispatch_policy import Policy
from triage.casework.rarity import Rarity
from triage.decision import Decision
from triage.directory import Directory
from triage.events import LinkSettings, WordCutter
from triage.reading import Reading
from triage.rules import CityRules
from triage.service import Context, Triage
from triage.store.database import Database
from triage.store.vectors import DenseEncoder, HashedProjection

LEAST_SECRET = 16
"""Bytes; a shorter secret could be guessed, and with it whose hash is whose."""


class Triager(Protocol):
    """What decides; `triage.service.Triage` is the real one, `triage.testing.FakeDecider` the fake."""

    @property
    def directory(self) -> Directory | None:
        """Return the city's units, if it has a list."""
        ...

    def read(self, appeals: Sequence[Appeal]) -> list[Reading]:
        """Score appeals."""
        ...

    def decide_readings(
        self, readings: Sequence[Reading], *, contexts: Sequence[Context] | None = None
    ) -> list[Decision]:
        """Decide appeals by their scores."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ActiveTriage:
    """One set of models that decides; never changed, only replaced as a whole.

    Attributes:
        triage: Decides single appeals.
        bundle: Name and version, as decisions quote it.
        scorer: Judges pairs of appeals.
        encoder: Makes the dense vectors; only vectors of one encoder are compared.
        others: Make vectors besides, while another encoder takes over; no search uses them.
    """

    triage: Triager
    bundle: str
    scorer: PairScorer
    encoder: DenseEncoder
    others: tuple[DenseEncoder, ...] = ()


class CurrentTriage:
    """Holds the active models; promotion replaces them while requests go on.

    A use case calls it once and keeps what it got, so that one appeal never meets two bundles.
    """

    def __init__(self, active: ActiveTriage) -> None:
        """Store what is active at first."""
        self._active = active
        self._lock = threading.Lock()

    def __call__(self) -> ActiveTriage:
        """Return the active models."""
        return self._active

    def replace(self, active: ActiveTriage) -> ActiveTriage:
        """Make other models the active ones and return the former; calls already under way finish with those."""
        with self._lock:
            former, self._active = self._active, active
        return former


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Desk:
    """Everything a use case needs; one per process, shared by its threads.

    Attributes:
        database: The store.
        secret: Key of the hashes of appellants; at least `LEAST_SECRET` bytes, the same for the life of the store.
        current: The active models.
        clock: Returns now, with a time zone.
        words: Cuts words for event signatures.
        linking: How eagerly appeals are linked.
        rarity: How frequent strings are in this store.
        dispatch: What automatic dispatch may do.
        rules: Deadlines and admission list of the city.
        channels: Its channels.
    """

    database: Database
    secret: bytes = field(repr=False)
    current: CurrentTriage
    clock: Callable[[], datetime]
    words: WordCutter
    linking: LinkSettings
    rarity: Rarity
    dispatch: Policy = field(default_factory=Policy)
    rules: CityRules = field(default_factory=CityRules.load)
    channels: ChannelBook = field(default_factory=ChannelBook.load)

    @property
    def encoder(self) -> DenseEncoder:
        """Return the active encoder."""
        return self.current().encoder

    def appellant_hash(self, user: str) -> bytes | None:
        """Return the keyed hash that stands for an appellant in the store, 32 bytes; None without a name.

        Blanks at the ends do not count. Without the secret nobody can try out whose hash it is.
        """
        name = user.strip()
        return (
            hmac.digest(self.secret, b"appellant\0" + name.encode("utf-8", "replace"), hashlib.sha256) if name else None
        )


def load_active(
    bundle: Path | None = None,
    *,
    units: Path | None = None,
    precision: float = 0.95,
    strip: bool | None = None,
    encoder: DenseEncoder | None = None,
) -> ActiveTriage:
    """Load models and directory; the arguments are those of `Triage.load`.

    Raises:
        BundleError: If a bundle cannot be used.
        DirectoryError: If the list of units contradicts itself.
    """
    return activate(Triage.load(bundle, units=units, precision=precision, strip=strip), encoder=encoder)


def activate(triage: Triage, *, encoder: DenseEncoder | None = None) -> ActiveTriage:
    """Put loaded models together; the encoder is the hashed projection unless another one is given."""
    return ActiveTriage(
        triage=triage,
        bundle=triage.version,
        scorer=triage.base.pairs,
        encoder=encoder or HashedProjection(triage.base.pairs.frequencies),
    )


def open_desk(
    database: Database,
    active: ActiveTriage,
    *,
    secret: bytes,
    clock: Callable[[], datetime] | None = None,
    words: WordCutter | None = None,
    linking: LinkSettings | None = None,
    dispatch: Policy | None = None,
    rules: CityRules | None = None,
    channels: ChannelBook | None = None,
) -> Desk:
    """Compose a desk.

    Args:
        database: An open store.
        active: The models to begin with.
        secret: Key of the hashes of appellants; at least `LEAST_SECRET` bytes.
        clock: Returns now with a time zone; None: the machine's clock.
        words: Word cutter; one with a cache folder saves 0.6 s at the first use.
        linking: How eagerly appeals are linked.
        dispatch: What automatic dispatch may do; None: shadow only.
        rules: Deadlines and admission list of the city; None: the shipped ones.
        channels: Its channels; None: the shipped ones.

    Raises:
        ValueError: If the secret is too short.
    """
    if len(secret) < LEAST_SECRET:
        raise ValueError(f"secret has {len(secret)} bytes; give at least {LEAST_SECRET} random ones")
    return Desk(
        database=database,
        secret=secret,
        current=CurrentTriage(active),
        clock=clock or _now,
        words=words or WordCutter(),
        linking=linking or LinkSettings(),
        rarity=Rarity(),
        dispatch=dispatch or Policy(),
        rules=rules or CityRules.load(),
        channels=channels or ChannelBook.load(),
    )


def _now() -> datetime:
    return datetime.now(UTC)
