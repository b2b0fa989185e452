"""Numbers that lead to a person: phones, identity numbers, bank cards, plates.

Every function reads the folded view (`triage.privacy.spans.folded`). All patterns are bounded, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.privacy.accounts import find_accounts
from triage.privacy.checksums import id_checksum_holds, id_is_plausible, luhn_holds
from triage.privacy.spans import BANK_CARD, ID_NUMBER, MOBILE, PHONE, PLATE, MaskSpan

_SPOKEN = "零〇○洞一幺壹二两贰三叁四肆五伍六陆七拐柒八捌九勾玖"
_TO_DIGITS = str.maketrans(_SPOKEN, "00001112223344556677788999")
_DIGIT = f"[0-9{_SPOKEN}]"

_MANY_DIGITS = re.compile(r"[0-9](?:[ \-.·_()*]{0,3}[0-9Xx*]){6}")
_HAS_ARABIC = re.compile("[0-9]")
_SPOKEN_HINT = re.compile(rf"{_DIGIT}(?:[ ,，、\-]?{_DIGIT}){{6}}")
_SPOKEN_RUN = re.compile(rf"(?<!{_DIGIT}){_DIGIT}(?:[ ,，、\-]?{_DIGIT}){{6,20}}(?!{_DIGIT})")

_MOBILE = re.compile(
    r"(?<![0-9])(?:(?:\((?:\+|00)?86\)|(?:\+|00)?86)[ \-]?)?0?(1[ \-.·_]?[3-9](?:[ \-.·_]{0,2}[0-9]){9})(?![0-9元万])"
)
_STARRED_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9][*xX]{4,5}[0-9]{4}(?![0-9])")
_GROUP_BREAK = re.compile(r"[^0-9]+")

_AREA = r"0(?:10|2[0-9]|[3-9][0-9]{2})"
_EXTENSION = r"(?: ?(?:-|转|分机)(?:分机)?号?:? ?[0-9]{1,6}(?![0-9]))?"
_LANDLINE = re.compile(
    rf"(?<![0-9.])(?:(?:\+|00)86[ \-]?[1-9][0-9]{{1,2}}|(?:(?:\+|00)?86[ \-]?)?(?:\({_AREA}\)|{_AREA}))"
    rf"[ \-]{{0,3}}[2-9][0-9]{{2,3}}[ \-]?[0-9]{{4}}(?![0-9]){_EXTENSION}"
)
_PHONE_CUE = re.compile(
    r"(?:电话|座机|固话|致电|拨打|来电|号码|联系|传真|手机|回电|回拨|[Tt][Ee][Ll])"
    r"(?:号码|方式|我|本人|他|她|对方|号)?[是为:./ ]{0,3}"
)
_LOCAL = re.compile(rf"(?!9[56])[2-9][0-9]{{2,3}}[ \-]?[0-9]{{4}}(?![0-9元万年.]|\-[0-9]{{2}}(?![0-9])){_EXTENSION}")
_NEXT_LOCAL = re.compile(r"[ ,，、/;；或和及]{1,3}")
_DATE = re.compile(r"20[0-3][0-9][01][0-9][0-3][0-9]")

_ID18 = re.compile(r"(?<![0-9])[1-9](?:[ \-]?[0-9]){16}[ \-]?[0-9Xx](?![0-9])")
_ID15 = re.compile(r"(?<![0-9])[1-9][0-9]{14}(?![0-9Xx])")
_ID_USUAL = re.compile(
    r"[0-9]{6}[ \-]?[0-9]{8}[ \-]?[0-9]{3}[0-9Xx]|[0-9]{6}[ \-]?[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{3}[0-9Xx]"
)
_ID_STARRED = re.compile(r"(?<![0-9])[1-9][0-9]{2,9}[*xX]{4,14}[0-9]{1,3}[0-9Xx](?![0-9])")
_ID_CUE = re.compile(r"(?:身份证|证件|身份|证号|ID|社保卡)(?:号码|号|编号)?[^0-9,，。;；\n]{0,6}$")

_CARD = re.compile(r"(?<![0-9])[3-9](?:[ \-]?[0-9]){15,18}(?![0-9])")
_CARD_PREFIX = re.compile(r"62|60|4|5|3[4-7]|9[05]|8[18]")
_CARD_CUE = re.compile(
    r"(?:卡号|账号|账户|银行卡|储蓄卡|借记卡|信用卡|工资卡|社保卡|存折|工行|农行|建行|中行|邮储|信用社)(?:号码|号|为|是)?[^0-9\n,，。;；]{0,12}"
    r"([0-9](?:[ \-]?[0-9]){11,20})(?![0-9])"
)
_ORDER_CUE = re.compile(r"(?:单号|订单|编号|工单|流水|运单|受理|合同|税号|代码)(?:号码|号)?[是为: ]{0,3}$")

_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"[{_PROVINCE}] ?[A-Za-z][ ·.\-]{{0,2}}"
    r"(?:[A-Za-z0-9*]{4,5}[警学挂港澳领试超]|[A-Za-z0-9*]{5,6})(?![A-Za-z0-9])"
)
_PLATE_CUE = re.compile(r"车牌(?:号码|号)?(?:是|为|尾号)?[: ]{0,2}([A-Za-z][ ·.\-]?[A-Za-z0-9]{5,6})(?![A-Za-z0-9])")

_PERMIT = re.compile(
    r"(?:护照|通行证|回乡证|台胞证|军官证|士兵证|驾驶证|驾照|居住证|残疾证|残疾人证|社保号|低保证|退役证|身份证|证件)"
    r"(?:号码|编号|档案号|号)?[是为: ]{0,3}"
    r"([A-Za-z]{0,2}[0-9]{6,20}(?:\([0-9A-Za-z]\))?|[\u4e00-\u9fff]字第[0-9]{5,10}号)(?![0-9A-Za-z])"
)


def find_numbers(view: str) -> Iterator[MaskSpan]:
    """Yield every number and account in the view; spans may overlap."""
    yield from _plates(view)
    yield from find_accounts(view)
    if _MANY_DIGITS.search(view):
        yield from _mobiles(view)
        yield from _landlines(view)
        yield from _identities(view)
        yield from _cards(view)
    if _SPOKEN_HINT.search(view):
        yield from _spoken(view)


def _mobiles(view: str) -> Iterator[MaskSpan]:
    for match in _MOBILE.finditer(view):
        groups = [len(group) for group in _GROUP_BREAK.split(match[1])]
        # 138 0000 0000 or 1 3 8 0 …, but not a list of floors such as 13 15 17 19 20 1
        if min(groups) >= 3 or max(groups) == 1:
            yield MaskSpan(match.start(), match.end(), MOBILE)
    for match in _STARRED_MOBILE.finditer(view):
        yield MaskSpan(match.start(), match.end(), MOBILE)


def _landlines(view: str) -> Iterator[MaskSpan]:
    for match in _LANDLINE.finditer(view):
        yield MaskSpan(match.start(), match.end(), PHONE)
    for cue in _PHONE_CUE.finditer(view):
        at: int | None = cue.end()
        while at is not None:
            local = _LOCAL.match(view, at)
            if local is None or _DATE.fullmatch(local[0]):
                break
            yield MaskSpan(local.start(), local.end(), PHONE)
            following = _NEXT_LOCAL.match(view, local.end())
            at = following.end() if following else None


def _identities(view: str) -> Iterator[MaskSpan]:
    for match in _ID18.finditer(view):
        number = re.sub("[ -]", "", match[0])
        if _is_identity(number, usual=_ID_USUAL.fullmatch(match[0]) is not None) or _follows(
            view, match.start(), _ID_CUE
        ):
            yield MaskSpan(match.start(), match.end(), ID_NUMBER)
    for match in _ID15.finditer(view):
        if id_is_plausible(match[0]) or _follows(view, match.start(), _ID_CUE):
            yield MaskSpan(match.start(), match.end(), ID_NUMBER)
    for match in _ID_STARRED.finditer(view):
        if len(match[0]) in (15, 18):
            yield MaskSpan(match.start(), match.end(), ID_NUMBER)
    for match in _PERMIT.finditer(view):
        yield MaskSpan(match.start(1), match.end(1), ID_NUMBER)


def _is_identity(number: str, *, usual: bool) -> bool:
    """Accept a wrong check digit (a slip of the pen) only where the number is written as identity numbers are."""
    return id_is_plausible(number) and (usual or id_checksum_holds(number))


def _follows(view: str, start: int, cue: re.Pattern[str]) -> bool:
    return cue.search(view[max(0, start - 16) : start]) is not None


def _cards(view: str) -> Iterator[MaskSpan]:
    for match in _CARD.finditer(view):
        if _CARD_PREFIX.match(match[0]) and not _follows(view, match.start(), _ORDER_CUE):
            end = _card_end(match[0])
            if end:
                yield MaskSpan(match.start(), match.start() + end, BANK_CARD)
    for match in _CARD_CUE.finditer(view):
        yield MaskSpan(match.start(1), match.end(1), BANK_CARD)


def _card_end(written: str) -> int:
    """Length of the longest start of ``written`` that is a card (6222 0000 0000 0000 138 …: the first 19), else 0."""
    ends = [len(written), *(at for at in range(len(written) - 1, 15, -1) if written[at] in " -")]
    for end in ends:
        digits = re.sub("[ -]", "", written[:end])
        if len(digits) >= 16 and luhn_holds(digits):
            return end
    return 0


def _plates(view: str) -> Iterator[MaskSpan]:
    for match in _PLATE.finditer(view):
        if sum(char.isdigit() or char == "*" for char in match[0]) >= 2:
            yield MaskSpan(match.start(), match.end(), PLATE)
    for match in _PLATE_CUE.finditer(view):
        yield MaskSpan(match.start(1), match.end(1), PLATE)


def _spoken(view: str) -> Iterator[MaskSpan]:
    """Numbers said or written in Chinese digits: 幺三八零零零零一二三四, also mixed with Arabic ones."""
    for match in _SPOKEN_RUN.finditer(view):
        run = match[0]
        if run.isascii():
            continue
        # …一二三四一直没人接: the last 一 belongs to the next word
        for end in (len(run), len(run) - 1) if run[-1] in "一两" else (len(run),):
            token = _kind(re.sub("[^0-9]", "", run[:end].translate(_TO_DIGITS)))
            if token is None and 7 <= end <= 8 and not _HAS_ARABIC.search(run):
                token = _local_kind(view, match.start())
            if token is not None:
                yield MaskSpan(match.start(), match.start() + end, token)
                break


def _local_kind(view: str, start: int) -> str | None:
    """Say PHONE where a telephone cue ends right before ``start``."""
    return PHONE if any(cue.end() == start for cue in _PHONE_CUE.finditer(view, max(0, start - 12), start)) else None


def _kind(digits: str) -> str | None:
    if re.fullmatch("1[3-9][0-9]{9}", digits):
        return MOBILE
    if len(digits) in (15, 18) and id_is_plausible(digits):
        return ID_NUMBER
    if re.fullmatch(f"{_AREA}[2-9][0-9]{{6,7}}", digits):
        return PHONE
    if 16 <= len(digits) <= 19 and _CARD_PREFIX.match(digits) and luhn_holds(digits):
        return BANK_CARD
    return None
