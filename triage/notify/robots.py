"""Robots of chat groups, each in its own format.

Formats and signatures as the providers describe them: 企业微信群机器人 (developer.work.weixin.qq.com/document/path/91770),
钉钉自定义机器人 (open.dingtalk.com/document/robots/custom-robot-access), 飞书自定义机器人
(open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from triage.notify.addresses import DINGTALK, FEISHU, WECOM, RobotAddress
from triage.notify.messages import Notice, as_lines
from triage.notify.outcome import Outcome, Sent
from triage.notify.web import Answer
from triage.notify.webhook import judged as judged_by_status

PACE: Mapping[str, float] = {WECOM: 3.1, DINGTALK: 3.1, FEISHU: 0.7}
"""Seconds between two messages: 20 a minute are allowed by 企业微信 and 钉钉, 100 a minute and 5 a second by 飞书."""

_WECOM_BYTES = 4096
"""Longest markdown of 企业微信."""
_TEMPLATES = {4: "red", 3: "orange", 2: "yellow", 1: "blue", 0: "grey"}
"""Level → colour of a card's head in 飞书."""

_TOO_FAST: Mapping[int, float] = {45009: 60.0, 130101: 600.0, 410100: 60.0, 90030: 600.0, 11232: 60.0}
"""Codes for too many messages → seconds to wait; 钉钉 shuts a robot out for ten minutes."""
_NOT_NOW = frozenset({-1, 93000, 300001, 300005, 310000, 40035, 19001, 19021, 19022})
"""Busy; unknown or removed robot; signature, keyword or address not accepted: no other message would fare better."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted to a robot: its address, with the signature where it belongs there, and the body."""

    url: str
    body: bytes


def request_for(address: RobotAddress, notice: Notice, *, now: datetime) -> Request:
    """Return the request of a robot."""
    if address.kind == WECOM:
        return Request(address.url, _json(_wecom(notice)))
    if address.kind == DINGTALK:
        return Request(_signed_url(address, now), _json(_dingtalk(notice)))
    return Request(address.url, _json({**_feishu_signature(address, now), **_feishu(notice)}))


def judged(address: RobotAddress, answer: Answer) -> Sent:
    """Say how an attempt ended: robots answer 200 even to what they refuse, and say so in a code."""
    if not 200 <= answer.status < 300:
        # 飞书 tells of a broken message and of too many of them with 400 and a code.
        found = _code(address, answer)
        return _by_code(found) if found else judged_by_status(answer)
    code = _code(address, answer)
    if code is None:
        return Sent(Outcome.UNKNOWN, "机器人的答复无法识别")
    return _by_code(code)


def _by_code(code: int) -> Sent:
    if code == 0:
        return Sent(Outcome.DELIVERED)
    if code in _TOO_FAST:
        return Sent(Outcome.UNREACHED, f"机器人限流（代码 {code}）", _TOO_FAST[code])
    if code in _NOT_NOW:
        return Sent(Outcome.UNREACHED, f"机器人未接受（代码 {code}）；请核对地址、签名密钥和安全设置")
    return Sent(Outcome.REFUSED, f"机器人拒收此消息（代码 {code}）")


def _code(address: RobotAddress, answer: Answer) -> int | None:
    said = answer.json()
    names = ("code", "StatusCode") if address.kind == FEISHU else ("errcode",)
    for name in names:
        value = said.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _wecom(notice: Notice) -> dict[str, Any]:
    color = "warning" if notice.level >= 3 else "info"
    head = f'**<font color="{color}">{notice.title}</font>**'
    text = "\n".join([head, *(f"> {line}" for line in as_lines(notice))])
    content = text.encode("utf-8")[:_WECOM_BYTES].decode("utf-8", "ignore")
    return {"msgtype": "markdown", "markdown": {"content": content}}


def _dingtalk(notice: Notice) -> dict[str, Any]:
    text = "\n".join([f"#### {notice.title}", "", *(f"- {line}" for line in as_lines(notice))])
    return {"msgtype": "markdown", "markdown": {"title": notice.title, "text": text}, "at": {"isAtAll": False}}


def _signed_url(address: RobotAddress, now: datetime) -> str:
    """Return the address with 钉钉's signature: the secret is the key, time and secret are what is signed."""
    if not address.secret:
        return address.url
    millis = str(int(now.timestamp() * 1000))
    key = address.secret.encode("ascii")
    digest = hmac.digest(key, f"{millis}\n{address.secret}".encode("ascii"), hashlib.sha256)
    return f"{address.url}&timestamp={millis}&sign={quote_plus(base64.b64encode(digest))}"


def _feishu(notice: Notice) -> dict[str, Any]:
    elements = [{"tag": "div", "text": {"tag": "plain_text", "content": line}} for line in as_lines(notice)]
    head = {"title": {"tag": "plain_text", "content": notice.title}, "template": _TEMPLATES[notice.level]}
    card = {"config": {"wide_screen_mode": True}, "header": head, "elements": elements}
    return {"msg_type": "interactive", "card": card}


def _feishu_signature(address: RobotAddress, now: datetime) -> dict[str, str]:
    """Return 飞书's signature: time and secret together are the key, and nothing is signed with it."""
    if not address.secret:
        return {}
    seconds = str(int(now.timestamp()))
    digest = hmac.digest(f"{seconds}\n{address.secret}".encode("ascii"), b"", hashlib.sha256)
    return {"timestamp": seconds, "sign": base64.b64encode(digest).decode("ascii")}


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8")
