"""Accounts that lead to a person: e-mail, WeChat, QQ; reads the folded view, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.privacy.spans import EMAIL, QQ, WECHAT, MaskSpan

_LOCAL_PART = re.compile(r"[A-Za-z0-9._%+\-]{1,64}$")
_DOMAIN = re.compile(r" ?[A-Za-z0-9\-]{1,63}(?: ?[.。] ?[A-Za-z0-9\-]{1,63}){1,4}")
_WECHAT = re.compile(
    r"(?:微信|薇信|威信|徽信|加[Vv]|[Vv]信|(?<![A-Za-z])[Ww][Xx]|(?<![A-Za-z])[Vv][Xx]|[Ww]ei[Xx]in|[Ww]e[Cc]hat)"
    r"(?:号码|账号|号)?(?:是|为)?[: ]{0,3}([A-Za-z][A-Za-z0-9_\-]{5,19}|[0-9]{6,11})(?![A-Za-z0-9_])(?! ?元)"
)
_QQ = re.compile(r"(?:(?<![A-Za-z])[Qq][Qq]|扣扣|企鹅)(?:号码|账号|号)?(?:是|为)?[: ]{0,3}([1-9][0-9]{4,10})(?![0-9])")

_TRACE = re.compile("[微薇威徽]信|[VvWw](?:[Xx]|信|[Ee][Cc])|[Ww]ei|加[Vv]|[Qq][Qq]|扣扣|企鹅")


def find_accounts(view: str) -> Iterator[MaskSpan]:
    """Yield e-mail addresses, WeChat and QQ names; groups and public accounts (QQ群, 公众号) are nobody's own."""
    at = view.find("@")
    while at >= 0:
        name = _LOCAL_PART.search(view[max(0, at - 65) : at].rstrip(" "))
        domain = _DOMAIN.match(view, at + 1)
        if name and domain:
            yield MaskSpan(at - len(name[0]) - _spaces_before(view, at), domain.end(), EMAIL)
        at = view.find("@", at + 1)
    if not _TRACE.search(view):
        return
    for match in _WECHAT.finditer(view):
        yield MaskSpan(match.start(1), match.end(1), WECHAT)
    for match in _QQ.finditer(view):
        yield MaskSpan(match.start(1), match.end(1), QQ)


def _spaces_before(view: str, at: int) -> int:
    window = view[max(0, at - 65) : at]
    return len(window) - len(window.rstrip(" "))
