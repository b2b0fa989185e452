"""Matters that a hotline must not dispatch: they have a legal channel of their own, or somebody is in danger now.

For legal channels precision comes first: an appeal that is wrongly sent away is lost, one that is wrongly kept
is merely sent on by its unit. For danger to life it is the other way round, see `danger`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.rules.clauses import is_advice, is_asked, is_denied, is_quoted, is_supposed
from triage.rules.danger import life_danger
from triage.text.aligned import Span

_PASSIVE_TYPES = frozenset(("咨询", "建议", "感谢"))
_GRATEFUL_TYPES = frozenset(("感谢", "建议"))
_ACCUSING_TYPES = frozenset(("投诉", "举报"))
_EMERGENCY = 0.5
"""Calibrated probability from which the model's judgement makes a doubtful danger count in any type of appeal."""

_OPENING = 160
"""Characters at the beginning and at the end of an appeal in which its own matter and its demand are stated."""


@dataclass(frozen=True, slots=True)
class RouteOut:
    """Another channel is due.

    Attributes:
        channel: 诉讼, 仲裁, 纪检监察, 行政复议, 信息公开, 信访, or 110, 119, 120, 122.
        reason: Why, in Chinese, quoting the words that decided.
        span: Where those words stand in the text given.
    """

    channel: str
    reason: str
    span: Span


@dataclass(frozen=True, slots=True)
class _Cue:
    channel: str
    because: str
    pattern: re.Pattern[str]


def _cue(channel: str, because: str, *alternatives: str) -> _Cue:
    return _Cue(channel, because, re.compile("|".join(alternatives)))


_GAP = "[^。！？；\n]"

# Other legal channels. Each must be the matter itself, not a remark in passing (开发商让我们去起诉).
_COURT = "(?:法院|法官|中院|高院|法庭|一审|二审|终审|再审)"
_CADRE = (
    "(?:书记|局长|副局长|镇长|乡长|区长|县长|市长|村长|支书|村主任|村干部|村委|所长|科长|处长|股长|干部|公职人员|公务员|国家工作人员"
    "|村支两委|站长|党员|大队长|队长|校长|院长|居委会主任)"
)
_CORRUPTION = (
    "(?:受贿|索贿|行贿|贿赂|贪污|贪腐|挪用公款|侵吞|以权谋私|权钱交易|吃拿卡要|收受|收(?:了)?(?:红包|好处费|黑钱)|索要(?:红包|好处)"
    "|公款(?:吃喝|旅游)|利用职务之便|利用职权|违纪|买官卖官|中饱私囊|吃空饷|套取(?:资金|补贴|补偿)|侵占(?:集体|补贴|公款|资金|专项|扶贫|低保|征地)|优亲厚友|公车私用|(?:开|用|拿)公家|拿回扣|收回扣|随礼|虚报冒领|冒领|截留)"
)
_WATCHDOG = "(?:纪委监委|纪委|纪检监察|纪检|监委|监察委)(?:机关|部门|委)?"
_CHANNELS = (
    _cue(
        "行政复议",
        "不服行政行为，应向复议机关申请行政复议",
        r"(?:申请|提起|要求|请求|提出)(?:了)?行政复议|行政复议(?:申请书|申请人|决定(?:不服|不公|错误))|不服[^。！？；\n]{0,8}行政复议",
    ),
    _cue(
        "信息公开",
        "属政府信息公开申请，应按《政府信息公开条例》向制作机关提出",
        r"(?:申请|请求|要求)(?:贵[局委厅]|政府|依法)?(?:政府)?信息公开|(?:申请|请求|要求)(?:依法)?公开[^。！？；，\n]{0,20}政府信息|依申请公开"
        r"|申请(?:公开|获取)[：:]|申请公开[^。！？；\n]{0,40}(?:中标|结算|审计报告|批文|批准文件|批复|方案|文件|清单|明细|合同|台账|纪要|图|公示材料)"
        r"|信息公开申请|(?:依据|根据|按照|依照)《?(?:中华人民共和国)?(?:政府)?信息公开条例",
    ),
    _cue(
        "仲裁",
        "属仲裁裁决事项，应由仲裁机构或通过诉讼解决",
        r"(?:不服|不认可|不同意)[^。！？；\n]{0,12}仲裁(?:结果|裁决|决定)?",
        r"仲裁[^。！？；，\n]{0,12}(?:裁决|结果|裁定|仲裁)[^。！？；，\n]{0,8}(?:不服|不公|错误|有误|不合理|有异议|乱)|仲裁不公",
        r"(?:要求|请求|希望)(?:劳动)?仲裁(?:委|院|委员会)?[^。！？；，\n]{0,6}(?:裁决|重新|尽快裁|出具裁决)",
        r"(?:提出|申请|提起)(?:了)?(?:劳动)?仲裁[^。！？；\n]{0,24}(?:没有(?:仲裁)?结果|未裁决|不裁决|没有裁决|未开庭|未出结果)",
    ),
    _cue(
        "诉讼",
        "属人民法院审判、执行事项，应通过诉讼程序解决",
        rf"(?:不服|不认可){_GAP}{{0,14}}(?:判决|裁定|{_COURT})|枉法(?:裁判|判决)|(?:申请|请求|要求)再审|申请抗诉",
        rf"{_COURT}[^。！？；，\n]{{0,14}}(?:判决不公|审判不公|判案不公|不公正|司法不公|审判欠公|有法不依|执行难|拖延执行|迟迟不(?:判|立案|开庭|执行|下))",
        rf"(?:督促|敦促|(?<!申)请求?){_GAP}{{0,10}}法院{_GAP}{{0,16}}(?:执行|尽快判|公布|立案|开庭|公正|判令)",
        rf"判决(?:书)?(?:生效|下来){_GAP}{{0,30}}(?:不履行|拒不执行|未执行|没有执行|得不到执行|拒不(?:履行|支付|还)|不执行)",
        r"执行局|(?:案件|本案|官司|案子)[^。！？；\n]{0,12}(?:久拖不[决判]|久拖未|超期未判|超审限|仍未宣判|正在审理|还在审理)",
    ),
    _cue(
        "纪检监察",
        "反映公职人员涉嫌违纪违法，应由纪检监察机关受理",
        rf"{_CADRE}{_GAP}{{0,24}}{_CORRUPTION}",
        rf"{_CORRUPTION}{_GAP}{{0,6}}{_CADRE}",
        rf"{_WATCHDOG}(?:的)?(?:领导|同志)|(?:希望|请|由|恳请|要求|请求){_WATCHDOG}[^，。！？；\n]{{0,6}}(?:查|核实|介入|处理|立案|严惩|派人)",
    ),
    _cue(
        "信访",
        "已进入信访程序，应由原信访受理机关继续办理",
        r"信访(?:局|办|部门)[^。！？；\n]{0,10}(?:已经?受理|已经?立案|正在办理|受理告知|已经?登记)|信访事项(?:复查|复核|受理|处理意见|答复意见)"
        r"|信访(?:复查|复核|受理告知书|处理意见书|答复意见书|终结)",
    ),
)
# Asked about one's own case (对处罚不服，行政复议在哪里提): the hotline can only name the office. A question in
# general (咨询如何申请信息公开) stays an enquiry.
_OWN_MATTERS = (
    _cue(
        "行政复议",
        "不服行政行为，应向复议机关申请行政复议",
        rf"(?:处罚|决定|认定|罚款|征收|许可){_GAP}{{0,6}}不服(?=[^#]{{0,120}}复议)",
        rf"(?:我|其|本人){_GAP}{{0,20}}(?:想|要)(?:申请|提起?|走)?行政复议",
    ),
    _cue(
        "仲裁",
        "属仲裁裁决事项，应由仲裁机构或通过诉讼解决",
        r"(?<!建议)(?:想|要|准备|打算)(?:去)?(?:申请|提起?|走)(?:劳动|人事)?仲裁",
        r"仲裁(?:裁决|裁定)(?:书)?[^#]{0,40}(?:不给|没给|不履行|搬走|失联|不执行|归法院|应付|未支付|拒不)",
    ),
    _cue(
        "诉讼",
        "属人民法院审判、执行事项，应通过诉讼程序解决",
        rf"(?:官司|案子|案件|法院|判决){_GAP}{{0,12}}(?:判了|判决了|胜诉|赢了|生效)[^。！？\n]{{0,30}}(?:不给|没给|不执行|不履行|执行|没钱|拿不到)",
        rf"(?:一审|二审|终审|官司|案子){_GAP}{{0,10}}(?:输了|败诉|判得|判输)|追究法官|法官{_GAP}{{0,24}}(?:枉法|偏袒|就判|乱判)|判决(?:一直|仍|还)?不执行",
    ),
)
# The police hand a matter over to the hotline; it is not handed back (110来电反映：有工人讨薪要跳楼).
_FROM_RESCUERS = re.compile(r"(?:110|119|120|122|公安|派出所|消防|交警)[^。：:]{0,8}来电")

# One look for any of these first: most appeals hold none, and then no other pattern runs.
_CHANNEL_HINT = re.compile(
    r"复议|信息公开|公开|仲裁|判决|裁定|裁判|法院|法官|中院|高院|法庭|再审|抗诉|执行局|案件|本案|官司|案子|贿|贪|挪用|侵吞|谋私"
    r"|权钱|吃拿卡要|收受|收了?(?:红包|好处|黑钱)|索要|公款|利用职|违纪|买官|中饱|空饷|套取|信访|纪委|纪检|监委|监察委|优亲|公车|公家|回扣|随礼|冒领|截留|侵占|申请获取"
)


def route_out(text: str, *, type_: str, emergency: float) -> RouteOut | None:
    """Say whether the appeal belongs to another legal channel or to an emergency number.

    Args:
        text: The normalised text, title included.
        type_: The most probable type (投诉, 求助, 咨询 …). An enquiry (咨询如何申请信息公开) stays with the
        hotline.
        emergency: Calibrated probability, 0 … 1, that someone must act within about two hours.

    Returns:
        The channel with the deciding words, or None if the appeal is dispatched as usual. Danger comes first.
    """
    danger = None if _FROM_RESCUERS.search(text, 0, 60) else life_danger(text)
    if danger is not None and (danger.certain or type_ not in _GRATEFUL_TYPES or emergency >= _EMERGENCY):
        return RouteOut(danger.channel, danger.reason, danger.span)
    if _CHANNEL_HINT.search(text) is None:
        return None
    own = _own_matter(text)
    return own if own is not None or type_ in _PASSIVE_TYPES else _channel(text, type_)


def _own_matter(text: str) -> RouteOut | None:
    for cue in _OWN_MATTERS:
        for match in cue.pattern.finditer(text):
            if not (
                is_denied(text, match.start()) or is_supposed(text, match.start()) or is_quoted(text, match.start())
            ):
                return _found(cue, match)
    return None


def _channel(text: str, type_: str) -> RouteOut | None:
    for cue in _CHANNELS:
        if cue.channel == "纪检监察" and type_ not in _ACCUSING_TYPES:
            continue
        for match in cue.pattern.finditer(text):
            start, end = match.span()
            if _OPENING < start < len(text) - _OPENING:
                continue
            if not (
                is_denied(text, start)
                or is_supposed(text, start)
                or is_advice(text, start)
                or is_asked(text, start, end)
                or is_quoted(text, start)
            ):
                return _found(cue, match)
    return None


def _found(cue: _Cue, match: re.Match[str]) -> RouteOut:
    quote = match[0] if len(match[0]) <= 30 else f"{match[0][:14]}…{match[0][-14:]}"
    return RouteOut(cue.channel, f"“{quote}”：{cue.because}", Span(*match.span()))
