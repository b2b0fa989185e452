"""Users and keys; for administrators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from api.problems import documented
from api.routing import JsonRoute
from api.schemas.common import NO_NUL
from api.schemas.people import KeyIn, KeyList, KeyOut, NewKeyOut, PasswordIn, UserIn, UserList, UserOut
from api.security import ServiceDep, allowed
from triage.casework import access
from triage.store.access import Actor

users = APIRouter(prefix="/v1/users", tags=["users 用户"], route_class=JsonRoute)
keys = APIRouter(prefix="/v1/keys", tags=["keys 密钥"], route_class=JsonRoute)

Admin = Annotated[Actor, Depends(allowed("people.change"))]
KeyAdmin = Annotated[Actor, Depends(allowed("key.change"))]
UserPath = Annotated[str, Path(min_length=1, max_length=50, pattern=NO_NUL, description="用户名")]


@users.get("", responses=documented(401, 403, 429), summary="用户列表 / list users")
def list_users(service: ServiceDep, actor: Admin) -> UserList:
    """Return all accounts by name."""
    found = access.users(service.desk.database, actor)
    return UserList(items=[UserOut.model_validate(user) for user in found])


@users.post("", status_code=201, responses=documented(401, 403, 409, 415, 422, 429), summary="新建用户 / add a user")
def add_user(body: UserIn, service: ServiceDep, actor: Admin) -> UserOut:
    """Make an account; the password must be long and not contain the name."""
    user = access.add_user(
        service.desk.database,
        actor,
        name=body.name,
        password=body.password,
        role=body.role,
        districts=body.districts,
        clock=service.desk.clock,
    )
    return UserOut.model_validate(user)


@users.put(
    "/{name}/password",
    status_code=204,
    responses=documented(401, 403, 404, 415, 422, 429),
    summary="重设口令 / set a password",
)
def set_password(name: UserPath, body: PasswordIn, service: ServiceDep, actor: Admin) -> None:
    """Give an account another password; its sessions end and a lock is lifted."""
    access.set_password(service.desk.database, actor, name, body.password)


@users.post(
    "/{name}/disable", status_code=204, responses=documented(401, 403, 404, 422, 429), summary="停用 / disable a user"
)
def disable_user(name: UserPath, service: ServiceDep, actor: Admin) -> None:
    """Shut an account and end its sessions."""
    access.disable_user(service.desk.database, actor, name)


@keys.get("", responses=documented(401, 403, 429), summary="密钥列表 / list keys")
def list_keys(service: ServiceDep, actor: KeyAdmin) -> KeyList:
    """Return all keys, oldest first; the secrets are stored nowhere."""
    found = access.keys(service.desk.database, actor)
    return KeyList(items=[KeyOut.model_validate(key) for key in found])


@keys.post("", status_code=201, responses=documented(401, 403, 415, 422, 429), summary="新建密钥 / make a key")
def create_key(body: KeyIn, service: ServiceDep, actor: KeyAdmin) -> NewKeyOut:
    """Make a key for a program; its secret is in this answer and nowhere else."""
    made = access.create_key(
        service.desk.database,
        actor,
        label=body.label,
        role=body.role,
        districts=body.districts,
        expires_at=body.expires_at,
        clock=service.desk.clock,
    )
    return NewKeyOut(**KeyOut.model_validate(made.key).model_dump(), secret=made.secret)


@keys.delete(
    "/{key_id}", status_code=204, responses=documented(401, 403, 404, 422, 429), summary="吊销密钥 / revoke a key"
)
def revoke_key(key_id: UUID, service: ServiceDep, actor: KeyAdmin) -> None:
    """Refuse a key from now on."""
    access.revoke_key(service.desk.database, actor, key_id, clock=service.desk.clock)
