"""Connections to the outside, held to the operator's rules and to limits of time and size.

The name is looked up once, every address that comes back is judged, and the connection goes to the very address that was
judged. A name that answers differently the second time (DNS rebinding) is never asked a second time.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from triage.notify.rules import IPAddress, NetworkRules

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
"""From the connection to the end of the answer; a receiver that drips byte by byte gets no more."""

Resolver = Callable[[str, int], Sequence[str]]


class Blocked(Exception):  # noqa: N818 - reads as what happened
    """The rules do not let this go out; nothing was sent."""


class Unreachable(Exception):  # noqa: N818
    """No connection, or none that is safe; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, on the monotonic clock, at which patience ends."""

    until: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the moment so many seconds from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds left.

        Raises:
            TimeoutError: There are none.
        """
        seconds = self.until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host as the machine knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """Opens connections within the rules.

    Attributes:
        rules: What the operator allows.
        resolve: Looks up names.
        seconds: Patience for one message.
    """

    rules: NetworkRules
    resolve: Resolver = system_resolver
    seconds: float = TOTAL_SECONDS

    def address(self, host: str, port: int, *, encrypted: bool) -> str:
        """Look a host up and return an address that messages may go to.

        Args:
            host: Name or address.
            port: Where it listens.
            encrypted: Whether TLS will be used; without it only the operator's networks are allowed.

        Raises:
            Blocked: The host is not allowed, or none of its addresses is.
            Unreachable: The name is not known.
        """
        if not self.rules.allows(host, port):
            raise Blocked("主机不在允许发送的名单中")
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unreachable("域名无法解析") from error
        for text in found:
            judged = _parsed(text)
            if judged is not None and self._may(judged, encrypted=encrypted):
                return text
        if found:
            raise Blocked("域名解析到不允许访问的地址（内网、本机或保留地址）")
        raise Unreachable("域名无法解析")

    def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, deadline: Deadline, later: bool = False
    ) -> socket.socket:
        """Connect, to the address that was judged, and with TLS if given a context (checked against the name).

        Args:
            host: Name or address.
            port: Where it listens.
            tls: For TLS from the first byte.
            deadline: When patience ends.
            later: Whether the caller begins TLS itself before anything of weight is said (STARTTLS).

        Raises:
            Blocked: The rules do not allow it.
            Unreachable: There is no connection, or its certificate does not fit.
        """
        address = self.address(host, port, encrypted=later or tls is not None)
        try:
            plain = socket.create_connection((address, port), timeout=min(CONNECT_SECONDS, deadline.left()))
        except OSError as error:
            raise Unreachable("无法建立连接") from error
        if tls is None:
            return plain
        try:
            plain.settimeout(deadline.left())
            return tls.wrap_socket(plain, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            plain.close()
            raise Unreachable("证书验证未通过") from error
        except (OSError, ValueError) as error:
            plain.close()
            raise Unreachable("无法建立加密连接") from error

    def _may(self, address: IPAddress, *, encrypted: bool) -> bool:
        return self.rules.reaches(address) and (encrypted or self.rules.is_trusted(address))


def _parsed(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


@cache
def tls_context() -> ssl.SSLContext:
    """Return the context that checks certificates, read once; ``SSL_CERT_FILE`` names a city's own authority."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
