"""Messages in the words and with the signatures that each receiver asks for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from triage.notify import (
    NetworkRules,
    NotifyError,
    RobotAddress,
    Telling,
    WebhookAddress,
    address_from,
    checked_address,
)
from triage.notify.addresses import pack
from triage.notify.mail import mail_of
from triage.notify.robots import request_for
from triage.notify.webhook import body_of, headers_of, signature

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
RULES = NetworkRules(hosts=frozenset({"mail.city.gov.cn", "hook.city.gov.cn"}))
NUMBER = UUID("0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11")
WECOM = {"url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0000-1111"}
DINGTALK = {"url": "https://oapi.dingtalk.com/robot/send?access_token=0000", "secret": "SEC0123456789abcdef"}
FEISHU = {"url": "https://open.feishu.cn/open-apis/bot/v2/hook/0000-1111", "secret": "0123456789abcdef"}


def telling(**more: Any) -> Telling:
    payload = {"alert_id": "a1", "event_id": "e1", "appeal_id": "p1", "level": 4}
    facts = {"reason": "风险等级4级（红）：人员被困", "district": "云桥区", "size": 3, "level": 4}
    values = {"topic": "alert.raised", "key": "alert.raised:a1", "payload": payload, "at": NOW, "facts": facts, **more}
    return Telling(id=NUMBER, **values)


def robot(kind: str, given: dict[str, str]) -> RobotAddress:
    found = checked_address(kind, given, RULES)
    assert isinstance(found, RobotAddress)
    return found


def test_a_webhook_is_signed_as_the_published_example_of_the_specification() -> None:
    secret, number = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    found = signature(secret, number, "1614265330", b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_carries_ids_and_states_and_the_same_id_whenever_it_is_repeated() -> None:
    address = checked_address("webhook", {"url": "https://hook.city.gov.cn/x"}, RULES)
    assert isinstance(address, WebhookAddress)
    body = body_of(telling())
    first = headers_of(address, telling(), body, now=NOW)
    later = headers_of(address, telling(), body, now=datetime(2026, 3, 2, 2, 30, tzinfo=UTC))
    assert first["webhook-id"] == later["webhook-id"] == first["Idempotency-Key"] == str(NUMBER)
    assert first["webhook-signature"] != later["webhook-signature"]
    said = json.loads(body)
    assert said["type"] == "alert.raised"
    assert said["data"] == telling().payload
    assert "人员被困" not in body.decode()


def test_a_webhook_without_a_secret_gets_a_long_random_one() -> None:
    one, other = (checked_address("webhook", {"url": "https://hook.city.gov.cn/x"}, RULES) for _ in range(2))
    assert isinstance(one, WebhookAddress)
    assert isinstance(other, WebhookAddress)
    assert one.secret != other.secret
    assert len(base64.b64decode(one.secret.removeprefix("whsec_"))) == 32


def test_wecom_gets_markdown_in_its_own_format() -> None:
    request = request_for(robot("wecom", WECOM), telling().notice(), now=NOW)
    assert request.url == WECOM["url"]
    said = json.loads(request.body)
    assert set(said) == {"msgtype", "markdown"}
    assert said["msgtype"] == "markdown"
    assert said["markdown"]["content"].splitlines() == [
        '**<font color="warning">红色预警（4级）</font>**',
        "> 原因：风险等级4级（红）：人员被困",
        "> 区划：云桥区",
        "> 等级：4",
        "> 同一事件诉求数：3",
        "> 事件编号：e1",
        "> 诉求编号：p1",
        "> 预警编号：a1",
        "> 时间：2026-03-02 09:30",
    ]


def test_a_wecom_message_stays_within_its_4096_bytes() -> None:
    names = ("unit", "unit_from", "assisting", "caller", "proposed_unit", "district", "number", "name", "mode")
    payload = dict.fromkeys(names, "市" * 5_000)
    request = request_for(robot("wecom", WECOM), telling(payload=payload, facts=payload).notice(), now=NOW)
    content = json.loads(request.body)["markdown"]["content"]
    assert len(content.encode()) <= 4096
    assert "市" * 150 in content


def test_dingtalk_gets_markdown_and_its_signature_in_the_address() -> None:
    request = request_for(robot("dingtalk", DINGTALK), telling().notice(), now=NOW)
    asked = parse_qs(urlsplit(request.url).query)
    millis = str(int(NOW.timestamp()) * 1000)
    signed = hmac.new(DINGTALK["secret"].encode(), f"{millis}\n{DINGTALK['secret']}".encode(), hashlib.sha256).digest()
    assert asked == {"access_token": ["0000"], "timestamp": [millis], "sign": [base64.b64encode(signed).decode()]}
    said = json.loads(request.body)
    assert said["msgtype"] == "markdown"
    assert said["markdown"]["title"] == "红色预警（4级）"
    assert said["markdown"]["text"].startswith(
        "#### 红色预警（4级）\n\n- 原因：风险等级4级（红）：人员被困\n- 区划：云桥区"
    )


def test_feishu_gets_a_card_and_its_signature_in_the_body() -> None:
    request = request_for(robot("feishu", FEISHU), telling().notice(), now=NOW)
    assert request.url == FEISHU["url"]
    said = json.loads(request.body)
    seconds = str(int(NOW.timestamp()))
    signed = hmac.new(f"{seconds}\n{FEISHU['secret']}".encode(), b"", hashlib.sha256).digest()
    assert (said["timestamp"], said["sign"]) == (seconds, base64.b64encode(signed).decode())
    assert said["msg_type"] == "interactive"
    assert said["card"]["header"] == {"title": {"tag": "plain_text", "content": "红色预警（4级）"}, "template": "red"}
    assert said["card"]["elements"][0] == {
        "tag": "div",
        "text": {"tag": "plain_text", "content": "原因：风险等级4级（红）：人员被困"},
    }


@pytest.mark.parametrize(("kind", "given"), [("dingtalk", DINGTALK), ("feishu", FEISHU)])
def test_a_robot_without_a_secret_is_not_signed(kind: str, given: dict[str, str]) -> None:
    request = request_for(robot(kind, {"url": given["url"]}), telling().notice(), now=NOW)
    assert request.url == given["url"]
    assert b"sign" not in request.body


def test_a_mail_names_the_delivery_in_its_message_id_and_holds_plain_text() -> None:
    given = {
        "server": "mail.city.gov.cn",
        "sender": "triage@city.gov.cn",
        "to": ["duty@city.gov.cn", "lead@city.gov.cn"],
    }
    address = checked_address("email", given, RULES)
    mail = mail_of(address, telling(), now=NOW)  # type: ignore[arg-type]
    assert mail["Subject"] == "【诉求分拨】红色预警（4级）"
    assert mail["Message-ID"] == f"<{NUMBER}@city.gov.cn>"
    assert mail["To"] == "duty@city.gov.cn, lead@city.gov.cn"
    assert mail.get_content().startswith("原因：风险等级4级（红）：人员被困\n区划：云桥区\n")


def test_names_cannot_bring_links_or_formats_into_a_message() -> None:
    nasty = "城管局](https://evil.cn)\n# 大标题 <font> **粗** `码`"
    lines = dict(telling(topic="appeal.returned", payload={"unit_from": nasty}, facts={}).notice().lines)
    assert lines["原承办单位"] == "城管局 https://evil.cn 大标题 font 粗 码"


def test_an_end_of_a_term_is_read_as_a_time_in_china() -> None:
    payload = {"name": "办结", "due_at": "2026-03-10T10:00:00+00:00", "mark": 100}
    lines = telling(topic="term.overdue", payload=payload, facts={}).notice().lines
    assert lines[:3] == (("环节", "办结"), ("期限", "2026-03-10 18:00"), ("时限已用（%）", "100"))


def test_only_named_fields_reach_people() -> None:
    notice = telling(
        payload={"appeal_id": "p1", "content": "某人说的话", "actor": "user:1", "level": True}, facts={}
    ).notice()
    assert notice.lines == (("诉求编号", "p1"), ("时间", "2026-03-02 09:30"))
    assert notice.level == 0


@pytest.mark.parametrize(
    ("kind", "given", "problem"),
    [
        ("wecom", {"url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"}, "机器人地址不完整"),
        ("wecom", {"url": "https://qyapi.weixin.qq.com/other?key=1"}, "机器人地址不完整"),
        ("wecom", {**WECOM, "secret": "SEC0123456789"}, "没有签名密钥"),
        ("dingtalk", {"url": "https://oapi.dingtalk.com/robot/send?key=1"}, "机器人地址不完整"),
        ("dingtalk", {**DINGTALK, "secret": "SEC 0123456789"}, "签名密钥含有空白或过短"),
        ("feishu", {"url": "https://open.feishu.cn/open-apis/bot/v2/hook/"}, "机器人地址不完整"),
        ("feishu", {"url": "https://evil.cn/open-apis/bot/v2/hook/1"}, "TRIAGE_NOTIFY_HOSTS"),
        ("webhook", {"url": "https://hook.city.gov.cn/", "secret": "short"}, "签名密钥应为 whsec_"),
        ("webhook", {"url": "https://hook.city.gov.cn/", "secret": "whsec_MfKQ"}, "签名密钥应为 whsec_"),
        ("pigeon", {}, "类型应为"),
    ],
)
def test_an_address_that_would_not_work_is_refused_when_it_is_written_down(
    kind: str, given: dict[str, str], problem: str
) -> None:
    with pytest.raises(NotifyError, match=problem) as refusal:
        checked_address(kind, given, RULES)
    secrets = [value for value in (given.get("secret"), given.get("url", "").partition("key=")[2]) if value]
    assert all(secret not in str(refusal.value) for secret in secrets)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"server": "mail.city.gov.cn/x"}, "server"),
        ({"server": "other.city.gov.cn"}, "TRIAGE_NOTIFY_HOSTS"),
        ({"security": "none"}, "不经加密不发送邮件"),
        ({"to": []}, "1 至 20 个收件邮箱"),
        ({"to": ["a@city.gov.cn\r\nBcc: evil@evil.cn"]}, "to：不是邮箱地址"),
        ({"sender": "triage"}, "sender：不是邮箱地址"),
        ({"user": "triage"}, "user 和 password"),
    ],
)
def test_a_mail_server_is_checked_field_by_field(changed: dict[str, Any], problem: str) -> None:
    given = {"server": "mail.city.gov.cn", "sender": "triage@city.gov.cn", "to": ["duty@city.gov.cn"], **changed}
    with pytest.raises(NotifyError, match=problem):
        checked_address("email", given, RULES)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("webhook", {"url": "https://hook.city.gov.cn/x"}),
        ("wecom", WECOM),
        ("dingtalk", DINGTALK),
        ("feishu", FEISHU),
        ("email", {"server": "mail.city.gov.cn", "sender": "t@city.gov.cn", "to": ["d@city.gov.cn"]}),
    ],
)
def test_an_address_comes_back_as_it_was_packed_and_hides_its_secrets_when_shown(
    kind: str, given: dict[str, Any]
) -> None:
    address = checked_address(kind, given, RULES)
    assert address_from(kind, pack(address)) == address
    for value in ("0000", "SEC0123456789abcdef", "whsec_", "d@city"):
        assert value not in repr(address)


def test_a_packed_address_of_another_program_is_refused() -> None:
    for packed in (b"", b"[]", b'{"other": 1}', b"\xff"):
        with pytest.raises(NotifyError, match="重新填写"):
            address_from("webhook", packed)
