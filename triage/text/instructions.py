"""The call-taker's own instructions in a hotline ticket: 请交警核实处理！（请职能局30分钟内响应处置）.

They name the unit that the call-taker chose, so a router that reads them copies a person instead of reading
the matter. Only the call-taker's formulas count. A citizen's wish (希望交警通知车主移车), a question about a
unit (请问交警队电话), an official answer quoted from an earlier round and the unit that calls back
(城西派出所来电反馈) are content and stay.
"""

from __future__ import annotations

import re

from triage.text._tidy import without
from triage.text.aligned import AlignedText, Span

# 请 inside a longer word (恳请, 申请 … 请求, 请问 …) or addressed to a person opens no instruction.
_PLEASE = (
    r"请(?<![恳敬申邀聘提报呈特宴烦吁促酌]请)(?![求问假示愿柬帖您你勿了来我他她其见转前贵先])"
    r"(?!人(?![社事民力防大武])|教(?![育委体])|客(?!运)|不(?!动产)|看(?!守)|市民(?![云政生])|当事人|客户|业主|用户|来电人|投诉人|诉求人|举报人|反映人"
    r"|群众|家长|大家|各位|领导|提供|电话|派单|复印|自行(?!车)|携带|到|将|把|联系我|12345)"
)
_NAME = r"[^请，。！？；：（）\n“”]"
_TIME = r"(?:[0-9]{1,3}|[一二三四五六十半两]{1,3})(?:分钟?|个?小时)(?:之内|以内|内)?"
_VERB = (
    r"核实|核查|核处|调查|查实|查证|查处|处理|处置|整改|跟进|协调|解决|受理|办理|转派|转办"
    r"|答复|回复|反馈|解答|联系|对接|响应|告知|回电|致电"
)
_MANNER = (
    r"按照?规定|给予|予以|尽快|及时|立即|马上|抓紧|帮忙|帮助|协助|牵头|负责|配合|派人|前往|前去|务必|到场|合适|妥善|加强|针对性|前来|整顿|的人|[于与]其|到达?|现场|进行|再次|认真"
    r"|依法|一下|市民|群众|来电人|当事人|情况|此事|该问题|结果|并|后|及|和|与|给|为|(?:联系|通知)车主[移挪]车"
)
_END = r"(?=[，。！？；：（）\n ]|谢谢|感谢|\Z)"
# What a handling unit's name ends with. Other names (请威立雅核实处理) are trusted before the fixed formula
# only: 请大家想办法解决 is the citizen speaking.
_OFFICE = (
    r"(?:局|委|办|部门?|机关|单位|政府|队|所|公司|集团|中心|处|院|站|厅|会|社区?|镇|街道|机场|城管|交警|公安|环保"
    r"|国土|住建|工商|物价|卫生|教育|消防|水务|供电|市政|环卫|园林|规划|民政|人社|社保|移动|联通|电信|燃气|银行|区)"
    r"(?:的?工作人员|领导)?"
)
_FORMULA = r"(?:核?[实查算]\s?处[^请，。]?[理里置]|核处理|核实里)"
_RESPOND = r"(?:并且?)?(?:及时)?[响相]应(?:并|和)?处*[置理]"

_CORE = re.compile(
    rf"{_PLEASE}(?:"
    rf"{_NAME}{{0,40}}?{_TIME}{_NAME}{{0,24}}?{_END}"
    rf"|{_NAME}{{0,40}}?{_FORMULA}(?:(?:{_VERB}|{_MANNER}){{0,8}}{_END})?"
    rf"|{_NAME}{{0,30}}?{_OFFICE}(?:(?:{_VERB}|{_MANNER}){{1,10}}{_END}|(?=[，。！ ]*(?:[\n（]|\Z)))"
    r")"
)
# Without 请 a time limit is the call-taker's only as a clause of its own: （30分钟紧急办件）.
_LIMIT = re.compile(
    rf"(?<![^，。！？；：（）\n ])(?:"
    rf"(?:在|按规定)?(?:20|30|三十|60)分钟?(?:之内|以内|内)?"
    rf"(?:(?:[紧加]急|到场处理)?(?:办件|件)|(?:到场|{_VERB}|{_MANNER}){{1,6}})(?:{_RESPOND})?{_END}"
    rf"|[紧加]急办件{_END}|(?:联系市民|核实处理)?{_RESPOND}(?:{_END}|(?=市民)))"
)
_THANKS = re.compile(r"(?:非常谢谢|非常感谢|谢谢|感谢)(?:您|你们|合作|配合)?" + _END)
_CLOSING = re.compile(r"[，。！ ]*）")
_GLUE = frozenset("，。！；、（） \n")


def find_instructions(text: str) -> tuple[Span, ...]:
    """Find the call-taker's instructions, with the thanks and brackets around them.

    Args:
        text: A normalised text (`triage.text.normalise`).

    Returns:
        Stretches of ``text`` in order, not overlapping. Linear in ``len(text)``.
    """
    found = [Span(m.start(), m.end()) for m in _CORE.finditer(text)]
    if "分" in text or "应" in text or "急" in text:
        found += [Span(m.start(), m.end()) for m in _LIMIT.finditer(text)]
    if not found:
        return ()
    thanks = [Span(m.start(), m.end()) for m in _THANKS.finditer(text)]
    chains = _chained(text, found, thanks)
    return tuple(_with_brackets(text, chain) for chain in chains)


def strip_instructions(text: AlignedText) -> AlignedText:
    """Drop the call-taker's instructions and the punctuation that only led to them.

    Args:
        text: A normalised text with its way back to the raw one.

    Returns:
        The text without instructions; one that is nothing else stays as it is.
    """
    return without(text, find_instructions(text.text))


def _chained(text: str, found: list[Span], thanks: list[Span]) -> list[Span]:
    """Join neighbours that only punctuation separates; thanks count only beside an instruction."""
    cores = set(found)
    chains: list[Span] = []
    real = False
    for span in sorted({*found, *thanks}, key=lambda one: (one.start, -one.end)):
        if chains and span.start < chains[-1].end:
            joined = Span(chains[-1].start, max(chains[-1].end, span.end))
        elif chains and _GLUE.issuperset(text[chains[-1].end : span.start]):
            joined = Span(chains[-1].start, span.end)
        else:
            if chains and not real:
                chains.pop()
            chains.append(span)
            real = span in cores
            continue
        chains[-1] = joined
        real = real or span in cores
    return chains if real else chains[:-1]


def _with_brackets(text: str, span: Span) -> Span:
    start, end = span.start, span.end
    while start and text[start - 1] in "（ ":
        start -= 1
    unclosed = text.count("（", start, end) - text.count("）", start, end)
    while unclosed > 0 and (closing := _CLOSING.match(text, end)):
        end = closing.end()
        unclosed -= 1
    return Span(start, end)
