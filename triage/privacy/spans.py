"""Masked stretches, their tokens, and the one-to-one folded view that all detectors read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOBILE = "[手机号]"
PHONE = "[电话]"
ID_NUMBER = "[证件号]"
BANK_CARD = "[银行卡]"
PLATE = "[车牌]"
EMAIL = "[邮箱]"
WECHAT = "[微信]"
QQ = "[QQ]"
NAME = "[姓名]"
ADDRESS = "[住址]"

TOKENS = (ID_NUMBER, MOBILE, BANK_CARD, EMAIL, PHONE, PLATE, WECHAT, QQ, NAME, ADDRESS)
"""Every token, the most telling kind first: where two finds overlap, the earlier one names the whole."""

FILLER = "\ue000"
"""Stands in the view for each character of a token that is already there; no detector accepts it."""

_RANK = {token: rank for rank, token in enumerate(TOKENS)}
_TOKEN = re.compile("|".join(re.escape(token) for token in TOKENS))

# Only the characters that detectors look at (surnames, cues, buildings); a full conversion would change lengths.
_TRADITIONAL = (
    "電話聯繫絡號證樓棟單張陳劉楊黃趙吳孫馬羅鄭謝許鄧馮蕭葉蔣蘇呂盧鍾鐘譚陸賈韋鄒閻龍賀顧龔萬錢嚴湯喬龐顏莊聶魯關蘭齊師車門東歐陽"
    "諸爺媽嬸機碼帳戶銀郵訴報舉現來稱説說請項莫鮑寧紀費溫麗們個開發區廣業員學書長經護轉撥層裡簽啟儲貳參陸兩這還沒從對與於後講處"
    "時豐衛遲實題鄰區辦負責僱買賣產質問復應該無過"
)
_SIMPLIFIED = (
    "电话联系络号证楼栋单张陈刘杨黄赵吴孙马罗郑谢许邓冯萧叶蒋苏吕卢钟钟谭陆贾韦邹阎龙贺顾龚万钱严汤乔庞颜庄聂鲁关兰齐师车门东欧阳"
    "诸爷妈婶机码账户银邮诉报举现来称说说请项莫鲍宁纪费温丽们个开发区广业员学书长经护转拨层里签启储贰叁陆两这还没从对与于后讲处"
    "时丰卫迟实题邻区办负责雇买卖产质问复应该无过"
)
_FOLD = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | dict(zip(map(ord, _TRADITIONAL), map(ord, _SIMPLIFIED), strict=True))
    | dict.fromkeys(map(ord, "　\u00a0\u2002\u2003\u2009\t"), ord(" "))
    | dict.fromkeys(map(ord, "•‧・･∙⋅●"), ord("·"))
    | dict.fromkeys(map(ord, "‐‑‒–—―−﹣"), ord("-"))
    | {ord("【"): ord("["), ord("】"): ord("]"), ord("帐"): ord("账")}
)

_UNTOUCHED = "，！？；"
_FOLDABLE = re.compile("[" + "".join(re.escape(chr(code)) for code in _FOLD if chr(code) not in _UNTOUCHED) + "]")
"""Most texts hold nothing but full-width commas to fold; detectors accept both kinds, so these texts skip the copy."""


@dataclass(frozen=True, slots=True, order=True)
class MaskSpan:
    """A stretch ``[start, end)`` of the input text and the token that replaces it."""

    start: int
    end: int
    token: str


def folded(text: str) -> str:
    """Return the detectors' view of a text: same length, half-width, known traditional characters simplified.

    Tokens that are already in the text become `FILLER`, so that ``[电话]`` is never taken for the cue 电话.
    """
    view = text.translate(_FOLD) if _FOLDABLE.search(text) else text
    if "[" not in view:
        return view
    return _TOKEN.sub(lambda match: FILLER * len(match[0]), view)


def merged(spans: Iterable[MaskSpan]) -> list[MaskSpan]:
    """Sort spans and unite those that overlap, under the token that stands first in `TOKENS`."""
    united: list[MaskSpan] = []
    for span in sorted(spans):
        if united and span.start < united[-1].end:
            last = united[-1]
            token = min(last.token, span.token, key=_RANK.__getitem__)
            united[-1] = MaskSpan(last.start, max(last.end, span.end), token)
        else:
            united.append(span)
    return united
