"""Channels (热线, 网站, 微信, 网格, 信访 …): what each calls itself, how it numbers its appeals, how its files name columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from triage.errors import InputError
from triage.io.columns import INPUTS, fold_header
from triage.rules.book import rules_file
from triage.rules.shipped import DATA

_TOKEN = re.compile(r"\{([^{}:]{1,8})(?::(\d{1,3})(?:-(\d{1,3}))?)?\}")
_CLASSES = {"数字": "[0-9]", "字母": "[A-Za-z]", "字母数字": "[A-Za-z0-9]", "编号": r"\S"}
_DATE = "日期"
_MADE = re.compile(r"[0-9a-f]{16}:[0-9]+")
"""What an import calls a row without a number of its own: the file and the row, in no channel's form."""
_MOST_OPEN = 3
"""Parts of varying length in one form: each multiplies the ways in which a number can be tried."""


@dataclass(frozen=True, slots=True)
class ReferenceForm:
    """How a channel writes its numbers.

    Attributes:
        written: As in the file, e.g. ``12345-{日期}-{数字:6}``.
        pattern: The same to compare with; a group per date.
    """

    written: str
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, written: str, where: str) -> ReferenceForm:
        """Read a form.

        Raises:
            InputError: It uses an unknown part or too many parts of varying length.
        """
        pieces, at, varying = [], 0, 0
        for token in _TOKEN.finditer(written):
            pieces.append(re.escape(written[at : token.start()]))
            pieces.append(_piece(token, where))
            varying += token[3] is not None
            at = token.end()
        rest = written[at:]
        if varying > _MOST_OPEN or "{" in rest or "}" in rest or not written.strip():
            raise InputError(
                f"{where} 的编号写法“{written[:40]}”无法识别；可用 {'、'.join(_CLASSES)}、{_DATE}，如 {_EXAMPLE}"
            )
        return cls(written, re.compile("".join(pieces) + re.escape(rest)))

    def fits(self, reference: str) -> bool:
        """Say whether a number is written in this form, its dates being real ones."""
        found = self.pattern.fullmatch(reference)
        return found is not None and all(_is_date(day) for day in found.groups())


_EXAMPLE = "12345-{日期}-{数字:6}"


def _piece(token: re.Match[str], where: str) -> str:
    name, least, most = token[1], token[2], token[3]
    if name == _DATE and least is None:
        return "([0-9]{8})"
    if name not in _CLASSES or least is None or int(most or least) < max(1, int(least)):
        raise InputError(
            f"{where} 的编号写法中“{token[0]}”无法识别；应写成 {{数字:6}}、{{字母数字:1-20}} 或 {{{_DATE}}}"
        )
    return f"{_CLASSES[name]}{{{least},{most or least}}}"


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 (only whether there is such a day)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One channel.

    Attributes:
        name: As stored.
        aliases: Other ways to write it.
        forms: How it writes its numbers; empty: not checked.
        columns: Canonical name → headers of its files, the preferred first.
    """

    name: str
    aliases: tuple[str, ...] = ()
    forms: tuple[ReferenceForm, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChannelBook:
    """The channels of a city.

    Attributes:
        channels: In the order of the file.
        closed: Whether other channels are refused.
        named: Folded name or alias → channel.
    """

    channels: tuple[Channel, ...] = ()
    closed: bool = False
    named: Mapping[str, Channel] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> ChannelBook:
        """Read the channels from a JSON file, by default the shipped one (triage/data/channels.json).

        Raises:
            InputError: The file cannot be used; names the channel and the entry.
        """
        name = path.name if path else "channels.json"
        try:
            stored = json.loads((path or DATA / "channels.json").read_text(encoding="utf-8"))
            entries, unknown = list(stored["channels"]), stored.get("unknown", "accept")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"渠道文件 {name} 无法读取：应为含 channels 的 JSON 文件（UTF-8）") from error
        if unknown not in ("accept", "refuse"):
            raise InputError(f"渠道文件 {name} 的 unknown 应为 accept 或 refuse")
        channels = tuple(_channel(entry, number, name) for number, entry in enumerate(entries, 1))
        return cls(channels, closed=unknown == "refuse", named=_by_name(channels, name))

    @classmethod
    def of_city(cls, folder: Path | None) -> ChannelBook:
        """Read the channels of a folder of edited rules (see `triage.rules.book.FILES`), else the shipped ones.

        Raises:
            InputError: The file cannot be used.
        """
        return cls.load(rules_file(folder, "channels.json"))

    def find(self, name: str) -> Channel | None:
        """Return the channel of a name or alias; None if the file does not list it."""
        return self.named.get(fold_header(name)) if name.strip() else None

    def canonical(self, name: str) -> str:
        """Return the name under which a channel is stored: 12345热线 → 热线; an unlisted one keeps its own."""
        found = self.find(name)
        return found.name if found else name.strip()

    def checked(self, name: str, reference: str) -> str:
        """Return the name under which an appeal's channel is stored.

        Args:
            name: As delivered; empty where the source does not say.
            reference: The channel's number; may be empty.

        Raises:
            InputError: The number is not one of this channel, or other channels are refused.
        """
        found = self.find(name)
        if found is None:
            if self.closed and name.strip():
                raise InputError(
                    f"不受理渠道“{name.strip()[:20]}”；可用的渠道：{'、'.join(c.name for c in self.channels)}"
                )
            return name.strip()
        foreign = bool(reference) and not _MADE.fullmatch(reference)
        if foreign and found.forms and not any(form.fits(reference) for form in found.forms):
            forms = " 或 ".join(form.written for form in found.forms)
            raise InputError(f"渠道“{found.name}”的编号应写成 {forms}，请核对编号和渠道")
        return found.name

    def columns(self, name: str, header: Iterable[str]) -> dict[str, str]:
        """Return canonical name → column of a file with this header; what the channel does not name is recognised as usual.

        Args:
            name: Channel or alias.
            header: Column names of the file.
        """
        present = {fold_header(column): column for column in header}
        found = self.find(name)
        mapping: dict[str, str] = {}
        for canonical, wanted in (found.columns if found else {}).items():
            column = next((present[fold_header(one)] for one in wanted if fold_header(one) in present), None)
            if column is not None:
                mapping[canonical] = column
        return mapping


def _channel(entry: Any, number: int, file: str) -> Channel:
    try:
        name = str(entry["name"]).strip()
        where = f"渠道文件 {file} 中“{name[:20]}”"
        columns = {key: _several(wanted) for key, wanted in entry.get("columns", {}).items()}
        forms = tuple(ReferenceForm.parse(form, where) for form in _several(entry.get("reference", ())))
        aliases = _several(entry.get("aliases", ()))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"渠道文件 {file} 第{number}项不完整：需要 name，可有 aliases、reference、columns（写法见文件开头的说明）"
        ) from error
    strange = [key for key in columns if key not in INPUTS]
    if not name or strange:
        problem = f"columns 不认识“{strange[0][:20]}”；可用 {'、'.join(INPUTS)}" if strange else "name 为空"
        raise InputError(f"渠道文件 {file} 第{number}项：{problem}")
    return Channel(name=name, aliases=aliases, forms=forms, columns=columns)


def _several(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not all(isinstance(one, str) for one in value):
        raise TypeError
    return tuple(value)


def _by_name(channels: tuple[Channel, ...], file: str) -> dict[str, Channel]:
    found: dict[str, Channel] = {}
    for channel in channels:
        for name in dict.fromkeys(map(fold_header, (channel.name, *channel.aliases))):
            if name in found:
                raise InputError(
                    f"渠道文件 {file}：“{channel.name}”与“{found[name].name}”有相同的名称或别名，请删去一处"
                )
            found[name] = channel
    return found
