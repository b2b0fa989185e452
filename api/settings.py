"""What an operator can set, from the environment; a value that does not parse is named with its key."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from triage.casework.dispatch_policy import LEAST_SAMPLE, LONGEST_RECALL, MODES, MOST_SAMPLE, SHADOW, Policy
from triage.casework.reports import ReportPlan
from triage.errors import TriageError
from triage.notify import NetworkRules
from triage.reports.period import Kind
from triage.store.settings import StoreSettings

PREFIX = "TRIAGE_"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


class SettingsError(TriageError):
    """A setting that cannot be used; the message names its key and the remedy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much one client, one request and one process may take.

    Attributes:
        body_bytes: Largest JSON body, bytes.
        batch_bytes: Largest body of a batch, bytes.
        upload_bytes: Largest uploaded file (bundle or list of units), bytes.
        buffered_bytes: Bodies of all requests together that are in memory at a time, bytes; more are answered 503.
        batch_rows: Most appeals of one batch.
        workers: Requests worked on at the same time.
        waiting: Requests that may wait for one of these places; more are answered 503.
        wait_seconds: Longest wait for a place.
        body_seconds: Longest time for a body to arrive.
        rate_per_second: Requests per second and principal in the long run.
        rate_burst: Requests a principal may send at once.
        failures_per_minute: Failed log-ins per minute and address in the long run; as many at once.
    """

    body_bytes: int = 1 << 20
    batch_bytes: int = 16 << 20
    upload_bytes: int = 256 << 20
    buffered_bytes: int = 256 << 20
    batch_rows: int = 5_000
    workers: int = 8
    waiting: int = 128
    wait_seconds: float = 10.0
    body_seconds: float = 30.0
    rate_per_second: float = 200.0
    rate_burst: int = 400
    failures_per_minute: int = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything that `api.app.create_app` needs to know.

    Attributes:
        store: Where the store is; its secrets refuse defaults.
        demo: For trying out, never for real data: cookies travel over http, the samples' units stand in for a list, and
            a key is made and shown at every start.
        host: Address to listen on.
        port: Port to listen on.
        allowed_hosts: Names under which the service may be called (the Host header).
        proxies: Addresses of reverse proxies whose X-Forwarded-For is believed.
        units: List of units to import while the store holds none.
        precision: What an automatic dispatch must reach, 0.5 … 0.999.
        rules: Folder of edited rules (deadlines, holidays, admission list, channels); None: the shipped ones.
        preset: Which rule set of the deadlines holds.
        auto_dispatch: off, shadow or on: what automatic dispatch may do.
        recall_seconds: How long an automatic dispatch can be taken back before the unit is told; 0 tells it at once.
        auto_sample: Share of what could go automatically that goes to people all the same, 0.01 … 1.
        worker: Whether the service works on batch jobs itself.
        reports: Which reports the worker makes once their period is over: day, week, month, quarter; empty for none.
        office: Who issues reports (编制单位); may be empty.
        report_template: The office's own Word template for reports; None: ours.
        log_level: debug, info, warning or error.
        limits: Limits.
        notify: Where messages to others may go.
    """

    store: StoreSettings
    demo: bool = False
    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = LOCAL_HOSTS
    proxies: tuple[str, ...] = ()
    units: Path | None = None
    precision: float = 0.95
    rules: Path | None = None
    preset: str = "default"
    auto_dispatch: str = SHADOW
    recall_seconds: int = 600
    auto_sample: float = 0.05
    worker: bool = True
    reports: tuple[str, ...] = tuple(Kind)
    office: str = ""
    report_template: Path | None = None
    log_level: str = "info"
    limits: Limits = Limits()
    notify: NetworkRules = field(default_factory=NetworkRules)

    def __post_init__(self) -> None:
        """Refuse a precision or a sample that cannot be had."""
        if not 0.5 <= self.precision <= 0.999:
            raise SettingsError(f"{PREFIX}PRECISION={self.precision} 超出范围；请取 0.5 到 0.999")
        if not LEAST_SAMPLE <= self.auto_sample <= MOST_SAMPLE:
            raise SettingsError(f"{PREFIX}AUTO_SAMPLE={self.auto_sample} 超出范围；请取 0.01 到 1")

    @property
    def dispatch(self) -> Policy:
        """Return what automatic dispatch may do."""
        return Policy(
            mode=self.auto_dispatch,
            recall=timedelta(seconds=self.recall_seconds),
            sample=self.auto_sample,
            target=self.precision,
        )

    @property
    def plan(self) -> ReportPlan:
        """Return which reports are made by themselves."""
        return ReportPlan(kinds=frozenset(map(Kind, self.reports)), office=self.office)


def _whole(text: str) -> int:
    value = int(text)
    if value <= 0:
        raise ValueError
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError
    return value


def _yes(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("1", "0", "true", "false", "yes", "no", "on", "off"):
        raise ValueError
    return lowered in ("1", "true", "yes", "on")


def _mode(text: str) -> str:
    if text.lower() not in MODES:
        raise ValueError
    return text.lower()


def _recall(text: str) -> int:
    value = int(text)
    if not 0 <= value <= LONGEST_RECALL.total_seconds():
        raise ValueError
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65_535:
        raise ValueError
    return value


def _level(text: str) -> str:
    if text.lower() not in ("debug", "info", "warning", "error"):
        raise ValueError
    return text.lower()


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    if not names:
        raise ValueError
    return names


def _kinds(text: str) -> tuple[str, ...]:
    if text.lower() == "off":
        return ()
    return tuple(Kind(name.strip().lower()) for name in text.split(",") if name.strip())


_KEYS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "demo": (_yes, "true 或 false"),
    "host": (str, "地址"),
    "port": (_port, "0 到 65535 的整数"),
    "allowed_hosts": (_names, "以逗号分隔的主机名"),
    "proxies": (_names, "以逗号分隔的地址"),
    "units": (Path, "csv 或 xlsx 文件"),
    "rules": (Path, "规则目录"),
    "preset": (str, "时限规则名，如 default、GD、XF"),
    "precision": (_positive, "0.5 到 0.999"),
    "auto_dispatch": (_mode, "off、shadow 或 on"),
    "recall_seconds": (_recall, "0 到 86400 的整数（秒）"),
    "auto_sample": (_positive, "0.01 到 1"),
    "worker": (_yes, "true 或 false"),
    "reports": (_kinds, "以逗号分隔的 day、week、month、quarter，或 off"),
    "office": (str, "编制单位名称"),
    "report_template": (Path, "docx 文件"),
    "log_level": (_level, "debug、info、warning 或 error"),
}


def settings_from_environment(
    environment: Mapping[str, str] | None = None, *, data: Path | None = None, **given: Any
) -> Settings:
    """Read settings; ``given`` values that are not None win over the environment.

    Args:
        environment: Variables; None: those of the process. ``TRIAGE_PORT``, ``TRIAGE_LIMIT_WORKERS`` …
        data: The option ``--data``.
        given: Fields of `Settings`.

    Raises:
        SettingsError: A value does not parse.
        StoreError: A value that says where the store is cannot be used, or a secret is too simple.
    """
    found = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for name, (parse, expected) in _KEYS.items():
        text = found.get(PREFIX + name.upper(), "").strip()
        if text:
            values[name] = _parsed(PREFIX + name.upper(), text, parse, expected)
    values.update({name: value for name, value in given.items() if value is not None})
    values.setdefault("limits", _limits(found))
    values.setdefault("notify", NetworkRules.read(found))
    return Settings(store=StoreSettings.read(found, data=data), **values)


def _limits(found: Mapping[str, str]) -> Limits:
    values: dict[str, Any] = {}
    for item in fields(Limits):
        key = f"{PREFIX}LIMIT_{item.name.upper()}"
        text = found.get(key, "").strip()
        if text:
            whole = isinstance(item.default, int)
            values[item.name] = _parsed(key, text, _whole if whole else _positive, "正整数" if whole else "正数")
    return Limits(**values)


def _parsed(key: str, text: str, parse: Callable[[str], Any], expected: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{key}={text} 无法识别；应为{expected}") from error
