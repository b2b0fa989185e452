"""Invented appeals that the tests send, and pieces of them by which a leak is recognised."""

from __future__ import annotations

from typing import Any

PHONE = "13900001234"
"""A number of no subscriber, in the form of a mobile number."""
IDENTITY = "11010519491231002X"
"""The well-known example number of the standard (GB 11643)."""

GARBAGE: dict[str, Any] = {
    "channel": "热线",
    "title": "桃溪街道垃圾堆放无人清理",
    "content": "临澜区桃溪街道杏花社区路口的垃圾堆了三天，苍蝇乱飞臭气熏天，请城管部门尽快来清运。",
    "created_at": "2026-09-10T09:30:00+08:00",
}
WAGES: dict[str, Any] = {
    "channel": "网站",
    "title": "工地拖欠农民工工资",
    "content": f"我们二十多名工友在北屏区工地干活，拖欠工资半年不发，再不给就集体去市政府讨说法。电话{PHONE}，"
    f"身份证{IDENTITY}，本人周大河。",
    "created_at": "2026-09-11T10:00:00+08:00",
    "user": "周大河",
    "address": "北屏区石鼓路18号5栋302室",
}
LAMPS: dict[str, Any] = {
    "channel": "热线",
    "title": "路灯不亮",
    "content": "南汀区滨河路的路灯坏了一个星期，晚上走路看不清，老人摔倒过，希望尽快修复照明。",
}

TRACES = (
    "苍蝇乱飞",
    "臭气熏天",
    "杏花社区路口",
    "二十多名工友",
    "讨说法",
    "周大河",
    "石鼓路18号",
    "老人摔倒过",
    "滨河路的路灯",
)
"""No log may hold any of these."""


def numbered(number: int, **more: Any) -> dict[str, Any]:
    """Return an appeal unlike all others of other numbers."""
    road = "".join(chr(0x4E00 + (number * 97 + step * 31) % 5_000) for step in range(3))
    body = {
        "channel": "热线",
        "content": f"临澜区{road}路{number}号门前井盖破损，苍蝇乱飞，请尽快派人维修第{number}处。",
        "title": "井盖破损",
    }
    return {**body, **more}
