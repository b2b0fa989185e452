"""用户与密钥: who may log in, and which programs may call."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from starlette.responses import Response

from api.console.routing import page_router
from api.console.visit import ROLE_NAMES, Visit, visitor
from triage.casework import access
from triage.errors import InputError
from triage.rules.deadlines import CHINA

router = page_router()

Admin = Annotated[Visit, Depends(visitor("people.change"))]
KeyAdmin = Annotated[Visit, Depends(visitor("key.change"))]

ROLE_HINTS = {
    "intake": "登记诉求、回访和登记评价",
    "dispatcher": "确认、改派、退单、并单，签收预警，查看原文",
    "officer": "派单岗的全部权限，另可审批延期、审查异议、督办，查看报表和模型",
    "analyst": "查看报表、导出诉求、查看模型",
    "admin": "全部权限，另可管理用户、密钥、名录、模型和审计",
}
"""Role → what it may, in a few words."""
_SEPARATORS = re.compile(r"[、,，;；\s]+")


@router.get("/people")
def show(visit: Admin) -> Response:
    """Show accounts and keys."""
    return visit.page("people/index.html", title="用户与密钥", **_lists(visit), **_choices())


@router.post("/people/users")
def add_user(visit: Admin) -> Response:
    """Make an account."""
    posted = visit.posted
    user = access.add_user(
        visit.desk.database,
        visit.actor,
        name=posted.text("name"),
        password=_password(visit),
        role=posted.text("role"),
        districts=districts_of(posted.text("districts")),
        clock=visit.desk.clock,
    )
    return visit.fragment(
        "people/_users.html", notice=f"已新建用户“{user.name}”，请将初始口令当面告知本人", **_lists(visit)
    )


@router.post("/people/users/password")
def set_password(visit: Admin) -> Response:
    """Give an account another password; its sessions end and a lock is lifted."""
    name = visit.posted.text("name")
    access.set_password(visit.desk.database, visit.actor, name, _password(visit))
    return visit.fragment("people/_users.html", notice=f"“{name[:40]}”的口令已重设，原有登录全部退出", **_lists(visit))


@router.post("/people/users/disable")
def disable_user(visit: Admin) -> Response:
    """Shut an account and end its sessions."""
    name = visit.posted.text("name")
    access.disable_user(visit.desk.database, visit.actor, name)
    return visit.fragment("people/_users.html", notice=f"用户“{name[:40]}”已停用", **_lists(visit))


@router.post("/people/keys")
def create_key(visit: KeyAdmin) -> Response:
    """Make a key; its secret is in this answer and nowhere else."""
    made = access.create_key(
        visit.desk.database,
        visit.actor,
        label=visit.posted.text("label"),
        role=visit.posted.text("role"),
        districts=districts_of(visit.posted.text("districts")),
        expires_at=last_moment(visit.posted.text("until")),
        clock=visit.desk.clock,
    )
    response = visit.fragment("people/_keys.html", notice="密钥已生成，请立即抄存", made=made, **_lists(visit))
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post("/people/keys/{key_id}/revoke")
def revoke_key(key_id: UUID, visit: KeyAdmin) -> Response:
    """Refuse a key from now on."""
    access.revoke_key(visit.desk.database, visit.actor, key_id, clock=visit.desk.clock)
    return visit.fragment(
        "people/_keys.html", notice="密钥已吊销，使用它的系统即刻无法访问", made=None, **_lists(visit)
    )


def districts_of(typed: str) -> list[str]:
    """Return the districts that somebody typed, separated by 、, commas or blanks; 全市 is the whole city."""
    return ["*" if name in ("*", "全市") else name for name in _SEPARATORS.split(typed) if name]


def last_moment(typed: str) -> datetime | None:
    """Return the end of a day in China as a form sends it, e.g. 2026-12-31; None for an empty field.

    Raises:
        InputError: It is no day.
    """
    if not typed:
        return None
    try:
        return datetime.combine(date.fromisoformat(typed) + timedelta(days=1), time(), CHINA)
    except (ValueError, OverflowError) as error:
        raise InputError("到期日应形如 2026-12-31") from error


def _password(visit: Visit) -> str:
    """Return what was typed, blanks included."""
    return (visit.posted.fields.get("password") or ("",))[0]


def _lists(visit: Visit) -> dict[str, Any]:
    database, now = visit.desk.database, visit.desk.clock()
    return {
        "users": access.users(database, visit.actor),
        "keys": sorted(access.keys(database, visit.actor), key=lambda key: (not key.valid_at(now), key.created_at)),
        "role_names": ROLE_NAMES,
    }


def _choices() -> dict[str, Any]:
    return {"role_hints": ROLE_HINTS, "made": None}
