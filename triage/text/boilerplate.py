"""Greetings and closings that say nothing about the matter (市民来电反映：…, 尊敬的领导，您好！…, 此致敬礼).

Demands and explanations leave them out; the models read the whole text. A unit that calls back
(城西派出所来电反馈) stays, because it tells who reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.text.aligned import Span
from triage.text.sentences import clause_starts

_CHANNEL = (
    r"来电|致电|微信|微博|网站|网上|网络|短信|公众号|公总号|市民云|电话|邮件|来信|来访|12345"
    r"|随手拍|APP|app|热线|留言"
)
_ACT = r"反映|反应|咨询|投诉|建议|求助|举报|表扬|撤销|补充|反馈|诉求|感谢"
_PERSON = r"市民|来电人|群众|网友|网民|诉求人|反映人|投诉人|来电者"
_LEADER = r"书记|市长|区长|县长|镇长|省长|局长|主任|处长|院长|校长|领导们?|同志们?|工作人员|部门|政府|平台"
# After these a clause starts but no sentence does.
_CLAUSE_MARKS = "，、）…"
_STOP = r"(?=[，。！？；：）\n ]|\Z)"

_WHO = (
    rf"(?:[A-Z]?(?:{_PERSON})(?:们|\[姓名\])?(?:再次|多次|又|二次|通过|在)*(?:{_CHANNEL}){{1,2}}|市民云|来电人|来电者)"
    rf"(?:再次|多次)?(?:{_ACT}){{1,2}}(?:称|道|说|表示)?[：，；、 ]*"
)
# 尊敬的领导我是… is a greeting of five characters; the name may only reach as far as a mark or 好 ends it.
_ADDRESS = (
    r"(?:尊敬|敬爱|亲爱)的(?:"
    rf"[^，。！？：\n我本因在请]{{0,30}}(?:{_LEADER})(?:们|先生|女士|负责人|同志)?"
    r"(?:您们?|你们?|大家)?好?[：，！。； ]+"
    rf"|[^，。！？：\n我本因在请]{{0,12}}?(?:{_LEADER})(?:们|(?:您们?|你们?|大家)?好)?)"
)
_HELLO = (
    r"(?:各位)?(?:领导们?|大家|你们?|您|贵局)?"
    r"(?:上午|下午|早上|晚上|中午|你们?|您)好(?:啊|呀)?[！，。：、 ]+"
)
_THEREFORE = rf"[故特现]?(?:此|特此|因此)?来电(?:{_ACT}){_STOP}"
_THANKS = (
    rf"(?:非常|万分|十分|先行|在此|最后)?(?:谢谢|感谢|多谢|跪谢|拜谢|叩谢|拜托)"
    rf"(?:您|你们?|了|啦|大家|各位|领导们?|政府|贵局|支持|关注)*{_STOP}"
)
_REGARDS = rf"(?:此致[，。！ \n]*(?:敬礼)?|敬礼|祝(?:您|领导)?[^，。！？\n]{{2,8}}){_STOP}"
_HEED = (
    rf"(?:恳请|请|敬请|望|希望|盼望?|还望|恳求)(?:各级|有关|相关|上级|市|区|县)?"
    rf"(?:领导们?|部门|政府)(?:能够?|予以|给予|引起|可以)?(?:高度|足够)?(?:重视|关注|明察|体恤|为盼){_STOP}"
)
_AWAIT = rf"(?:急?盼(?:回)?复|盼望?回复|特此(?:反映|投诉|举报|求助)){_STOP}"
_AT_CLAUSE = re.compile("|".join((_HELLO, _THEREFORE, _THANKS, _REGARDS, _HEED, _AWAIT)))
_AT_SENTENCE = re.compile("|".join((_WHO, _ADDRESS, _AT_CLAUSE.pattern)))


def find_openers(text: str) -> tuple[Span, ...]:
    """Find greetings and closings without content.

    Args:
        text: A normalised text (`triage.text.normalise`).

    Returns:
        Stretches in order, not overlapping. Linear in ``len(text)``.
    """
    return tuple(_openers(text))


def _openers(text: str) -> Iterator[Span]:
    at = 0
    for start in clause_starts(text):
        inside = start and _mark_before(text, start) in _CLAUSE_MARKS
        if start >= at and (match := (_AT_CLAUSE if inside else _AT_SENTENCE).match(text, start)):
            yield Span(start, match.end())
            at = match.end()


def _mark_before(text: str, start: int) -> str:
    """Return the last character before ``start`` that is no space; there is one behind every clause start but 0."""
    return text[start - 2] if text[start - 1] == " " and start > 1 else text[start - 1]
