"""Messages go where the operator lets them, and nowhere else, whatever a name or an address pretends to be."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Sequence

import pytest

from triage.notify import Guard, NetworkRules, NotifyError, checked_address
from triage.notify.guard import Blocked, Deadline, Unreachable
from triage.notify.rules import HOSTS, NETWORKS

INNER = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.1", "192.0.2.1", "198.18.0.1", "192.88.99.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe",
)  # fmt: skip
"""The last one is Teredo for 10.0.0.1."""
OUTER = ("8.8.8.8", "113.96.208.1", "2400:3200::1", "::ffff:113.96.208.1", "64:ff9b::7160:d001", "2002:7160:d001::1")
CITY = NetworkRules(hosts=frozenset({"hook.city.gov.cn", "*.inner.gov.cn", "odd.gov.cn:8443"}))


def guard(rules: NetworkRules, *answers: str) -> Guard:
    return Guard(rules=rules, resolve=lambda _host, _port: answers)


@pytest.mark.parametrize("address", INNER)
def test_an_address_that_is_not_of_the_open_internet_is_out_of_reach(address: str) -> None:
    assert not CITY.reaches(ipaddress.ip_address(address))
    with pytest.raises(Blocked, match="解析到不允许访问的地址"):
        guard(CITY, address).address("hook.city.gov.cn", 443, encrypted=True)


@pytest.mark.parametrize("address", OUTER)
def test_an_address_of_the_open_internet_is_within_reach(address: str) -> None:
    assert guard(CITY, address).address("hook.city.gov.cn", 443, encrypted=True) == address


def test_a_network_that_the_operator_named_is_within_reach_also_in_its_ipv6_forms() -> None:
    rules = NetworkRules(hosts=CITY.hosts, networks=(ipaddress.ip_network("10.20.0.0/16"),))
    for address in ("10.20.3.4", "::ffff:10.20.3.4", "64:ff9b::10.20.3.4"):
        assert guard(rules, address).address("hook.city.gov.cn", 443, encrypted=True) == address
    with pytest.raises(Blocked):
        guard(rules, "10.21.3.4").address("hook.city.gov.cn", 443, encrypted=True)


def test_without_tls_only_the_operators_networks_are_within_reach() -> None:
    rules = NetworkRules(hosts=CITY.hosts, networks=(ipaddress.ip_network("10.20.0.0/16"),))
    assert guard(rules, "10.20.3.4").address("hook.city.gov.cn", 80, encrypted=False) == "10.20.3.4"
    with pytest.raises(Blocked):
        guard(rules, "113.96.208.1").address("hook.city.gov.cn", 80, encrypted=False)


def test_of_several_addresses_the_first_that_is_allowed_is_taken() -> None:
    found = guard(CITY, "127.0.0.1", "fe80::1%eth0", "not an address", "113.96.208.1")
    assert found.address("hook.city.gov.cn", 443, encrypted=True) == "113.96.208.1"


def test_a_name_that_answers_differently_the_second_time_is_asked_once_and_the_judged_address_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers, called = [["113.96.208.1"], ["127.0.0.1"]], []

    def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    def create_connection(address: tuple[str, int], timeout: float) -> socket.socket:
        assert timeout > 0
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", create_connection)
    found = Guard(rules=CITY, resolve=resolve)
    with pytest.raises(Unreachable, match="无法建立连接"):
        found.connect("hook.city.gov.cn", 443, tls=ssl.create_default_context(), deadline=Deadline.after(5))
    assert called == [("113.96.208.1", 443)]
    with pytest.raises(Blocked):  # at the next message the name points inside, and nothing is called
        found.connect("hook.city.gov.cn", 443, tls=ssl.create_default_context(), deadline=Deadline.after(5))
    assert len(called) == 1


@pytest.mark.parametrize(
    ("host", "port", "allowed"),
    [
        ("hook.city.gov.cn", 443, True),
        ("HOOK.city.gov.cn.", 443, True),
        ("hook.city.gov.cn", 465, True),
        ("hook.city.gov.cn", 8443, False),
        ("hook.city.gov.cn", 5432, False),
        ("city.gov.cn", 443, False),
        ("evilhook.city.gov.cn", 443, False),
        ("a.inner.gov.cn", 443, True),
        ("a.b.inner.gov.cn", 443, True),
        ("inner.gov.cn", 443, False),
        ("odd.gov.cn", 8443, True),
        ("odd.gov.cn", 443, False),
        ("qyapi.weixin.qq.com", 443, True),
        ("qyapi.weixin.qq.com", 80, False),
        ("oapi.dingtalk.com", 443, True),
        ("open.feishu.cn", 443, True),
        ("qyapi.weixin.qq.com.evil.cn", 443, False),
        ("127.0.0.1", 443, False),
    ],
)
def test_only_hosts_on_the_operators_list_are_called(host: str, port: int, allowed: bool) -> None:
    assert CITY.allows(host, port) is allowed


def test_a_name_that_cannot_be_looked_up_is_unreachable() -> None:
    def fail(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror

    with pytest.raises(Unreachable, match="域名无法解析"):
        Guard(rules=CITY, resolve=fail).address("hook.city.gov.cn", 443, encrypted=True)
    with pytest.raises(Unreachable, match="域名无法解析"):
        guard(CITY).address("hook.city.gov.cn", 443, encrypted=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://hook.city.gov.cn/x",
        "https://hook.city.gov.cn@evil.cn/",
        "https://evil.cn/?https://hook.city.gov.cn",
        "https://user:secret@hook.city.gov.cn/",
        "https://hook.city.gov.cn/#fragment",
        "https://hook.city.gov.cn\\@evil.cn/",
        "https://hook.city.gov.cn:99999/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https://例子.cn/",
        "https://hook.city.gov.cn/a b",
        "https://hook.city.gov.cn/\r\nX-Evil: 1",
        "ftp://hook.city.gov.cn/",
        "file:///etc/passwd",
        "gopher://hook.city.gov.cn/",
        "https://",
        "",
    ],
)
def test_an_address_of_another_kind_is_refused_when_it_is_written_down_and_never_repeated(url: str) -> None:
    with pytest.raises(NotifyError) as refusal:
        checked_address("webhook", {"url": url}, CITY)
    assert len(url) <= len("https://") or url not in str(refusal.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (HOSTS, "https://hook.city.gov.cn/"),
        (HOSTS, "hook.city.gov.cn:port"),
        (HOSTS, "a.cn:0"),
        (HOSTS, "a.cn:70000"),
        (HOSTS, "*"),
        (NETWORKS, "10.20.0.1/16"),
        (NETWORKS, "intranet"),
    ],
)
def test_a_setting_that_does_not_parse_is_named_with_its_key(key: str, value: str) -> None:
    with pytest.raises(NotifyError, match=key):
        NetworkRules.read({key: value})


def test_settings_are_read_from_the_environment() -> None:
    found = NetworkRules.read(
        {HOSTS: " Hook.city.gov.cn, 10.20.3.4:8080 ,[fd00::1]:8443", NETWORKS: "10.20.0.0/16,fd00::/8"}
    )
    assert found.hosts == {"hook.city.gov.cn", "10.20.3.4:8080", "fd00::1:8443"}
    assert found.is_trusted(ipaddress.ip_address("fd00::1"))
    assert found.allows("fd00::1", 8443)
    assert NetworkRules.read({}) == NetworkRules()
