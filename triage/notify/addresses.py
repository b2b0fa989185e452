"""Where a receiver is: checked when it is written down, and again when a message goes out.

All of it is kept encrypted, also the robots' addresses: whoever knows one of them can write into the group.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from triage.notify.rules import HTTP, HTTPS, SMTPS, SUBMISSION, NetworkRules, NotifyError

WEBHOOK, WECOM, DINGTALK, FEISHU, EMAIL = "webhook", "wecom", "dingtalk", "feishu", "email"
KINDS = (WEBHOOK, WECOM, DINGTALK, FEISHU, EMAIL)
ROBOTS = (WECOM, DINGTALK, FEISHU)

SECRET_PREFIX = "whsec_"  # noqa: S105 - how the Standard Webhooks specification begins a secret
LEAST_SECRET, MOST_SECRET = 24, 64
"""Bytes of a webhook's secret, as the Standard Webhooks specification has it."""

_URL = re.compile(r"https?://[!-~]{3,1990}")
_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_ROBOT_SECRET = re.compile(r"[!-~]{8,200}")
_ROBOT_PATHS = {WECOM: "/cgi-bin/webhook/send", DINGTALK: "/robot/send", FEISHU: "/open-apis/bot/v2/hook/"}
_ROBOT_TOKENS = {WECOM: "key", DINGTALK: "access_token"}
_ROBOT_HOSTS = {
    WECOM: ("qyapi.weixin.qq.com",),
    DINGTALK: ("oapi.dingtalk.com",),
    FEISHU: ("open.feishu.cn", "open.larksuite.com"),
}
MOST_MAILBOXES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookAddress:
    """A program of an integrator.

    Attributes:
        url: Where it listens.
        secret: ``whsec_`` and base64; signs every message.
    """

    url: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def host(self) -> str:
        """Return what may be shown of it."""
        return _shown(self.url)


@dataclass(frozen=True, kw_only=True, slots=True)
class RobotAddress:
    """A robot of a chat group.

    Attributes:
        kind: wecom, dingtalk or feishu.
        url: The robot's address, with its token.
        secret: Key of the signature (加签、签名校验); empty where the group does not ask for one.
    """

    kind: str
    url: str = field(repr=False)
    secret: str = field(repr=False, default="")

    @property
    def host(self) -> str:
        """Return what may be shown of it."""
        return _shown(self.url)


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailAddress:
    """Mailboxes, and the server that takes mail for them.

    Attributes:
        server: Name of the mail server.
        port: 465, 587 or another.
        security: ``tls`` from the first byte (465), or ``starttls`` (587); never without.
        sender: Mailbox that the message comes from.
        to: Mailboxes that it goes to, 1 … `MOST_MAILBOXES`.
        user: Account at the server; empty without log-in.
        password: Its password.
    """

    server: str
    port: int
    security: str
    sender: str = field(repr=False)
    to: tuple[str, ...] = field(repr=False)
    user: str = field(repr=False, default="")
    password: str = field(repr=False, default="")

    @property
    def host(self) -> str:
        """Return what may be shown of it."""
        return f"{self.server}:{self.port}"


Address = WebhookAddress | RobotAddress | EmailAddress


def checked_address(kind: str, given: Mapping[str, Any], rules: NetworkRules) -> Address:
    """Return an address from what a person gave.

    Args:
        kind: One of `KINDS`.
        given: ``url`` and ``secret``; for e-mail ``server``, ``port``, ``security``, ``sender``, ``to``, ``user`` and
            ``password``. A webhook without a secret gets a random one.
        rules: What the operator allows.

    Raises:
        NotifyError: A field is missing or cannot be used, or the rules do not allow the host.
    """
    if kind == EMAIL:
        return _checked_email(given, rules)
    if kind in ROBOTS:
        return _checked_robot(kind, given, rules)
    if kind == WEBHOOK:
        url = str(given.get("url") or "")
        _checked_url(url, rules)
        return WebhookAddress(url=url, secret=_webhook_secret(str(given.get("secret") or "")))
    raise NotifyError(f"类型应为 {'、'.join(KINDS)} 之一")


def pack(address: Address) -> bytes:
    """Return an address as it is sealed."""
    return json.dumps(asdict(address), ensure_ascii=False).encode("utf-8")


def address_from(kind: str, packed: bytes) -> Address:
    """Return an address that was packed.

    Raises:
        NotifyError: It does not fit this program.
    """
    try:
        values = json.loads(packed)
        if kind == WEBHOOK:
            return WebhookAddress(**values)
        if kind == EMAIL:
            return EmailAddress(**{**values, "to": tuple(values["to"])})
        return RobotAddress(**values)
    except (ValueError, TypeError, KeyError) as error:
        raise NotifyError("接收方的地址不是本程序所能识别的格式；请重新填写该接收方") from error


def signing_key(secret: str) -> bytes:
    """Return the bytes that a webhook's secret stands for.

    Raises:
        NotifyError: It is not ``whsec_`` and base64 of 24 to 64 bytes.
    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotifyError(_BAD_SECRET) from error
    if not LEAST_SECRET <= len(key) <= MOST_SECRET:
        raise NotifyError(_BAD_SECRET)
    return key


_BAD_SECRET = f"签名密钥应为 {SECRET_PREFIX} 加 {LEAST_SECRET} 至 {MOST_SECRET} 字节的 base64；留空则自动生成"


def _webhook_secret(given: str) -> str:
    if not given.strip():
        return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    signing_key(given.strip())
    return given.strip()


def _checked_robot(kind: str, given: Mapping[str, Any], rules: NetworkRules) -> RobotAddress:
    url, secret = str(given.get("url") or ""), str(given.get("secret") or "").strip()
    parts = _checked_url(url, rules)
    path, token = _ROBOT_PATHS[kind], _ROBOT_TOKENS.get(kind)
    fits = parts.path == path if token else parts.path.startswith(path) and len(parts.path) > len(path)
    if not fits or (token and not parse_qs(parts.query).get(token)):
        raise NotifyError(f"机器人地址不完整；应为 https://{_ROBOT_HOSTS[kind][0]}{path}…，请从群机器人设置中整段复制")
    if secret and not _ROBOT_SECRET.fullmatch(secret):
        raise NotifyError("签名密钥含有空白或过短；请从群机器人的安全设置中整段复制，未启用签名则留空")
    if secret and kind == WECOM:
        raise NotifyError("企业微信群机器人没有签名密钥；请留空")
    return RobotAddress(kind=kind, url=url, secret=secret)


def _checked_email(given: Mapping[str, Any], rules: NetworkRules) -> EmailAddress:
    server, security = str(given.get("server") or "").strip(), str(given.get("security") or "tls")
    if not _HOST.fullmatch(server):
        raise NotifyError("server：应为邮件服务器的主机名")
    if security not in ("tls", "starttls"):
        raise NotifyError("security：应为 tls 或 starttls；不经加密不发送邮件")
    port = int(given.get("port") or (SMTPS if security == "tls" else SUBMISSION))
    rules.check_host(server, port)
    to = tuple(dict.fromkeys(str(mailbox).strip() for mailbox in given.get("to") or ()))
    if not 1 <= len(to) <= MOST_MAILBOXES:
        raise NotifyError(f"to：应有 1 至 {MOST_MAILBOXES} 个收件邮箱")
    sender = str(given.get("sender") or "").strip()
    for name, mailbox in (("sender", sender), *(("to", one) for one in to)):
        if not _MAILBOX.fullmatch(mailbox):
            raise NotifyError(f"{name}：不是邮箱地址；应形如 name@example.gov.cn")
    user, password = str(given.get("user") or ""), str(given.get("password") or "")
    if bool(user) != bool(password):
        raise NotifyError("user 和 password：应同时填写，或同时留空")
    return EmailAddress(server=server, port=port, security=security, sender=sender, to=to, user=user, password=password)


def _checked_url(url: str, rules: NetworkRules) -> SplitResult:
    """Return the parts of an address that messages may go to.

    Raises:
        NotifyError: It is none; the address is not repeated, it may hold a token.
    """
    if not _URL.fullmatch(url):
        raise NotifyError("url：应为 https:// 开头的地址，不含空格和汉字（汉字域名请写成 xn-- 形式）")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotifyError("url：主机名或端口无法识别") from error
    if not _HOST.fullmatch(host) or "@" in parts.netloc or parts.fragment or "\\" in url:
        raise NotifyError("url：不得含有用户名、口令、# 片段或反斜杠")
    if parts.scheme == "http" and not rules.networks:
        raise NotifyError("url：应为 https；只有运维人员指明的内网网段可以用 http")
    rules.check_host(host, port or (HTTPS if parts.scheme == "https" else HTTP))
    return parts


def _shown(url: str) -> str:
    parts = urlsplit(url)
    host = str(parts.hostname)
    return f"{host}:{parts.port}" if parts.port else host
