"""Where messages may go at all: what the operator allows, read from the environment.

Whoever may add a receiver could otherwise make the service call the city's inner machines (server-side request forgery,
OWASP): so hosts are named by the operator of the machine, not by a user of the service.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from triage.errors import InputError

HOSTS, NETWORKS = "TRIAGE_NOTIFY_HOSTS", "TRIAGE_NOTIFY_NETWORKS"

ROBOT_HOSTS = ("qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn", "open.larksuite.com")
"""Always allowed: the three providers' own, on port 443."""

HTTPS, HTTP, SMTPS, SUBMISSION = 443, 80, 465, 587
_USUAL_PORTS = frozenset({HTTPS, HTTP, SMTPS, SUBMISSION})
_NAME = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_EMBEDDED = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96", "64:ff9b:1::/48")))
"""IPv6 networks whose last 32 bits are an IPv4 address: compatible (deprecated) and NAT64 (RFC 6052, RFC 8215)."""
_RESERVED = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # Azure's platform: a public number that answers inside only
            "192.88.99.0/24",  # anycast of 6to4 relays
        ),
    )
)


class NotifyError(InputError):
    """An address or setting that cannot be used; names the field and the remedy, never the address's secret parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkRules:
    """What the operator allows.

    Attributes:
        hosts: Names that messages may go to, as ``name``, ``*.name`` or ``name:port``, beside `ROBOT_HOSTS`.
        networks: Networks that are allowed although they are not public, such as the city's own; only there a message may
            travel without TLS.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> NetworkRules:
        """Return what the environment says; nothing beside the robots' hosts by default.

        Raises:
            NotifyError: A value does not parse; names its key.
        """
        hosts = frozenset(_host(text) for text in _parts(environment.get(HOSTS, "")))
        networks = tuple(_network(text) for text in _parts(environment.get(NETWORKS, "")))
        return cls(hosts=hosts, networks=networks)

    def allows(self, host: str, port: int) -> bool:
        """Say whether messages may go to a host; an entry without port means the usual ports of web and mail."""
        name = host.lower().rstrip(".")
        if name in ROBOT_HOSTS and port == HTTPS:
            return True
        return any(
            entry in self.hosts
            for pattern in _patterns(name)
            for entry in ((pattern, f"{pattern}:{port}") if port in _USUAL_PORTS else (f"{pattern}:{port}",))
        )

    def check_host(self, host: str, port: int) -> None:
        """Go on only if messages may go there.

        Raises:
            NotifyError: They may not.
        """
        if not self.allows(host, port):
            shown = host if port in _USUAL_PORTS else f"{host}:{port}"
            raise NotifyError(f"主机 {shown[:100]} 不在允许发送的名单中；请由运维人员加入环境变量 {HOSTS} 后再试")

    def is_trusted(self, address: IPAddress) -> bool:
        """Say whether an address lies in a network that the operator named."""
        return any(address in network for network in self.networks if network.version == address.version)

    def reaches(self, address: IPAddress) -> bool:
        """Say whether an address is public or lies in a network that the operator named.

        An IPv6 address that stands for an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo) is judged as that one.
        """
        meant = embedded_address(address)
        return self.is_trusted(meant) or is_public(meant)


def embedded_address(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    found = address.ipv4_mapped or address.sixtofour
    if found is None and address.teredo is not None:
        found = address.teredo[1]
    if found is None and any(address in network for network in _EMBEDDED) and int(address) > 1:
        found = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return found if found is not None else address


def is_public(address: IPAddress) -> bool:
    """Say whether an address is one of the open internet: not private, loopback, link-local, shared or reserved."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _RESERVED if network.version == address.version)


def _patterns(name: str) -> list[str]:
    """Return a name and the wildcards that cover it: ``a.b.c`` → ``a.b.c``, ``*.b.c``, ``*.c``."""
    labels = name.split(".")
    return [name, *(f"*.{'.'.join(labels[start:])}" for start in range(1, len(labels)))]


def _parts(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]


def _host(text: str) -> str:
    name, port = text, ""
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        name, _, port = text.partition(":")
    if not _NAME.fullmatch(name) or (port and not (port.isascii() and port.isdigit() and 0 < int(port) <= 65_535)):
        raise NotifyError(f"{HOSTS} 中的 {text[:100]} 无法识别；应为主机名、*.域名 或 主机名:端口，以逗号分隔")
    return f"{name}:{int(port)}" if port else name


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise NotifyError(f"{NETWORKS} 中的 {text[:100]} 无法识别；应为网段，如 10.20.0.0/16，以逗号分隔") from error
