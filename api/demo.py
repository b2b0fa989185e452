"""The trial (``triage serve --demo``): accounts that everybody may know, the sample city, and its return to the beginning.

The sample city is loaded only into a data folder that held nothing; a mark in the folder says so, and only a marked folder is
ever put back. Its eight weeks are moved so that they end now: what came in long ago has been dealt with, what came in
lately waits, and a few appeals come in one by one while somebody watches.
"""

from __future__ import annotations

import csv
import json
import logging
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from zlib import crc32

from sqlalchemy import URL, create_engine, select, text

from triage.casework import access, alerts, receive, review
from triage.casework.desk import Desk
from triage.casework.dispatch_policy import OFF, Policy
from triage.casework.intake import NewAppeal
from triage.casework.lifecycle import answering, handling
from triage.directory.loading import read_units
from triage.errors import InputError
from triage.rules.deadlines import CHINA
from triage.samples import sample_path
from triage.store import alerts as alert_rows
from triage.store import audit, schema, units
from triage.store.access import EVERYWHERE, SYSTEM, Actor
from triage.store.errors import Conflict, StateConflict

LOG = logging.getLogger("api.demo")

MARK = "demo"
"""File in the data folder that says: this is the sample city, and may be put back."""
RESET_EVERY = timedelta(hours=24)
_LIVE, _LIVE_SECONDS = 14, 30.0
"""The last appeals come in one by one, so far apart."""
_FRESH = timedelta(days=3)
"""Younger appeals wait; older ones have been dispatched, most have been closed."""
_KEPT = frozenset({"alembic_version", "audit", "keys"})
"""The audit is never cut, not even here; keys of a trial end by themselves within hours."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account of the trial: its name and what it is for."""

    name: str
    duty: str
    role: str
    districts: tuple[str, ...] = ("*",)


ACCOUNTS = (
    DemoAccount("派单员", "派单", "dispatcher"),
    DemoAccount("值班员", "值班", "officer"),
    DemoAccount("分析员", "分析", "analyst"),
    DemoAccount("管理员", "管理", "admin"),
    DemoAccount("临澜区派单员", "区级派单", "dispatcher", ("临澜区",)),
)


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """What the log-in page of a trial shows."""

    accounts: tuple[DemoAccount, ...]
    password: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample appeal at its moved time, and the unit that is right for it, or the other channel that is."""

    new: NewAppeal
    at: datetime
    unit: str
    channel: str


class Demo:
    """The trial of one service. It has its own thread, which ends with the service."""

    def __init__(self, desk: Desk, *, owner_url: URL, data: Path, stopped: threading.Event) -> None:
        """Store what to work with; nothing is done.

        Args:
            desk: The desk.
            owner_url: Where the owner of the tables reaches them.
            data: The data folder of the embedded database.
            stopped: Set when the service ends.
        """
        self._desk, self._owner_url, self._data, self._stopped = desk, owner_url, data, stopped
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._turn = 0
        self.login = DemoLogin(ACCOUNTS, f"lanjiang-{secrets.token_hex(3)}")

    @property
    def resettable(self) -> bool:
        """Say whether this is the sample city, which may be put back."""
        return (self._data / MARK).is_file()

    def start(self) -> threading.Thread | None:
        """Make the accounts and load the sample city in the background; None where the folder holds something else."""
        if self._is_empty() and not self._has_people():
            (self._data / MARK).touch(mode=0o600)
        if not self.resettable:
            return None
        self._accounts()
        thread = threading.Thread(target=self._run, name="triage-demo", daemon=True)
        thread.start()
        return thread

    def wake(self) -> None:
        """Let the thread see that the service ends."""
        self._wake.set()

    def reset(self) -> None:
        """Put the sample city back to its beginning; the loading goes on in the background.

        Raises:
            StateConflict: This is not the sample city.
        """
        if not self.resettable:
            raise StateConflict("只有试用的样例城市可以复原；本服务的数据目录不是样例城市")
        with self._lock:
            self._turn += 1  # what is being loaded or comes in one by one stops
            _empty(self._owner_url)
            with self._desk.database.transaction(EVERYWHERE) as connection:
                now = self._desk.clock()
                units.replace_all(connection, read_units(sample_path("units.csv")), actor=SYSTEM.name, at=now)
                audit.append(connection, actor=SYSTEM.name, action="demo.reset")
            self._desk.rarity.load(self._desk.database)
            self._accounts()
        LOG.info("demo reset", extra={"action": "demo.reset"})
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            turn = self._turn
            self._wake.clear()
            try:
                if self.resettable and self._is_empty():
                    self._load(turn)
                left = RESET_EVERY.total_seconds()
                if not self._wake.wait(left) and self.resettable:
                    self.reset()
            except Exception:
                # A trial without samples is still a trial; the log says what went wrong.
                LOG.exception("demo failed", extra={"action": "demo.failed"})
                self._wake.wait(60)

    def _load(self, turn: int) -> None:
        samples = list(samples_until(self._desk.clock()))
        past, live = samples[:-_LIVE], samples[-_LIVE:]
        actor = self._actor()
        for sample in past:
            if self._is_over(turn):
                return
            _live_through(self._desk, actor, sample)
        self._desk.rarity.refresh(self._desk.database)
        _acknowledge(self._desk, actor)
        for sample in live:
            if self._wake.wait(_LIVE_SECONDS) or self._is_over(turn):
                return
            receive.receive(self._desk, SYSTEM, replace(sample.new, created_at=self._desk.clock(), received_at=None))

    def _is_over(self, turn: int) -> bool:
        return self._stopped.is_set() or turn != self._turn

    def _is_empty(self) -> bool:
        with self._desk.database.transaction(EVERYWHERE) as connection:
            return connection.scalar(select(schema.appeals.c.id).limit(1)) is None

    def _has_people(self) -> bool:
        with self._desk.database.transaction(EVERYWHERE) as connection:
            return connection.scalar(select(schema.users.c.id).limit(1)) is not None

    def _accounts(self) -> None:
        database, password = self._desk.database, self.login.password
        for account in ACCOUNTS:
            name, role, districts = account.name, account.role, account.districts
            try:
                access.add_user(database, SYSTEM, name=name, password=password, role=role, districts=districts)
            except Conflict:
                access.set_password(database, SYSTEM, name, password)

    def _actor(self) -> Actor:
        officer = next(account.name for account in ACCOUNTS if account.role == "officer")
        return next(user.actor for user in access.users(self._desk.database, SYSTEM) if user.name == officer)


def samples_until(now: datetime) -> Iterator[Sample]:
    """Give the samples in time order, moved by whole days so that the last one before now is of the last day."""
    with sample_path("appeals.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    answers = [json.loads(line) for line in sample_path("answers.jsonl").read_text(encoding="utf-8").splitlines()]
    times = [datetime.fromisoformat(row["时间"]).replace(tzinfo=CHINA) for row in rows]
    moved = now.astimezone(CHINA).date() - times[-1].date()
    if times[-1] + moved > now:
        moved -= timedelta(days=1)
    for row, at, answer in zip(rows, times, answers, strict=True):
        new = NewAppeal(
            content=row["诉求内容"],
            title=row["标题"],
            user=row["用户"],
            address=row["诉求地址"],
            channel=row["渠道"],
            reference=row["工单编号"],
            created_at=at + moved,
            received_at=at + moved,
        )
        yield Sample(new, at + moved, str(answer["unit"] or ""), str(answer["route_out"] or ""))


def _live_through(desk: Desk, actor: Actor, sample: Sample) -> None:
    """Let an appeal come in at its time and, if that is long ago, be dispatched, returned, closed and called back."""
    receipt = receive.receive(_at(desk, sample.at), SYSTEM, sample.new)
    now = desk.clock()
    if now - sample.at < _FRESH:
        return
    chance = crc32(sample.new.reference.encode()) % 100
    try:
        _deal_with(desk, actor, receipt.appeal_id, sample, chance=chance, now=now)
    except (StateConflict, InputError):
        return  # joined to another ticket, or its unit is not in the list: it waits for a person


def _deal_with(desk: Desk, actor: Actor, appeal_id: UUID, sample: Sample, *, chance: int, now: datetime) -> None:
    at = sample.at + timedelta(minutes=5 + chance)
    if sample.channel in handling.CHANNELS or not sample.unit:
        channel = sample.channel if sample.channel in handling.CHANNELS else "不予受理"
        handling.pass_on(_at(desk, at), actor, appeal_id, channel=channel)
        return
    if chance >= 92:  # sent to the first proposal, returned, and sent to where it belongs
        first = review.confirm(_at(desk, at), actor, appeal_id)
        if first.unit != sample.unit:
            review.send_back(
                _at(desk, at + timedelta(hours=5)),
                actor,
                appeal_id,
                reason="经核实不属于本单位职责",
                proposed_unit=sample.unit,
            )
            at += timedelta(hours=6)
            review.confirm(_at(desk, at), actor, appeal_id, unit=sample.unit)
    else:
        review.confirm(_at(desk, at), actor, appeal_id, unit=sample.unit)
    handling.accept(_at(desk, at + timedelta(hours=1)), actor, appeal_id)
    done = at + timedelta(days=1 + chance % 12)
    if done > now or chance % 11 == 0:
        return
    handling.finish(_at(desk, done), actor, appeal_id, outcome="explained" if chance % 5 == 0 else "solved")
    if chance % 3 or done + timedelta(days=2) > now:
        return
    said = "dissatisfied" if chance % 8 == 0 else "fairly" if chance % 4 == 0 else "satisfied"
    answering.call_back(
        _at(desk, done + timedelta(days=2)),
        actor,
        appeal_id,
        reached=True,
        responded=True,
        solved=True,
        satisfaction=said,
    )


def _acknowledge(desk: Desk, actor: Actor) -> None:
    """Let the warnings of long ago have been taken in hand."""
    with desk.database.transaction(EVERYWHERE) as connection:
        raised = alert_rows.page(connection, state="open", limit=alert_rows.MOST).items
    for alert in raised:
        if desk.clock() - alert.at > _FRESH:
            noted = _at(desk, alert.at + timedelta(minutes=9))
            alerts.acknowledge(noted, actor, alert.id, judged_level=alert.level)


def _at(desk: Desk, moment: datetime) -> Desk:
    """Return the desk as it was at a moment; nothing of the past is dispatched by machine."""
    return replace(desk, clock=lambda: moment, dispatch=Policy(mode=OFF))


def _empty(owner_url: URL) -> None:
    """Remove all rows but those of the audit, of keys, and what the queue and the migrations keep for themselves."""
    names = sorted(name for name in schema.metadata.tables if name not in _KEPT)
    engine = create_engine(owner_url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '20s'"))
            # The names are those of our own tables.
            connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
    finally:
        engine.dispose()
