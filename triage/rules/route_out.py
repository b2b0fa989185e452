"""Matters that a hotline must not dispatch: they have a legal channel of their own, or somebody is in danger now.

Precision comes first: an appeal that is wrongly sent away is lost, one that is wrongly kept is merely sent
on by its unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.rules.clauses import is_advice, is_asked, is_denied, is_now, is_past, is_quoted, is_supposed
from triage.text.aligned import Span

_PASSIVE_TYPES = frozenset(("咨询", "建议", "感谢"))
_ACCUSING_TYPES = frozenset(("投诉", "举报"))
_EMERGENCY = 0.5
"""Calibrated probability from which the model's judgement stands in for a word like 现在."""


_LONGEST_CALL = 300
"""Characters. Nobody writes a long letter while the house is on fire; beyond this only the model's word counts."""

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

# Danger to life. Each needs 现在 … in its sentence or the model's word, unless it says so itself (正在持刀).
_DANGERS = (
    _cue(
        "120",
        "有人伤病垂危，需立即急救",
        r"昏迷不醒|突然(?:昏迷|晕倒|倒地)|晕倒|休克|大出血|心脏骤停|没有?呼吸|呼吸困难|割腕|喝(?:了)?农药|服毒|吞(?:了)?安眠药",
    ),
    _cue(
        "122",
        "道路交通事故有人受伤，需交警和急救到场",
        rf"(?:车祸|交通事故|撞车|相撞|被车撞|被撞|撞倒|撞伤){_GAP}{{0,20}}(?:受伤|伤者|流血|伤亡|昏迷|伤势|躺在|重伤)",
    ),
    _cue(
        "119",
        "险情需消防救援",
        rf"困在{_GAP}{{0,16}}(?:电梯|楼|屋|水|车)|被困(?:在|于|电梯|了|{_GAP}{{0,16}}电梯)|电梯(?:里|内)?困人|困在电梯",
        r"着火|(?<![\d一二三四五六七八九十两几多])起火|失火|(?:发生|出现)火灾|火势|冒(?:着)?浓烟",
        r"(?:煤气|燃气|天然气|液化气|氨气)(?:管道?|罐)?(?:发生|大量|严重|存在)?(?:泄[漏露]|漏气)|(?:发生|突然)爆炸",
        rf"(?:楼|房屋?|房子|围?墙|桥|脚手架|塔吊|广告牌)(?:体|面|梁)?(?:发生|突然)(?:坍塌|倒塌|垮塌){_GAP}{{0,12}}(?:压|人|伤)",
    ),
    _cue(
        "110",
        "违法侵害或人身危险正在发生",
        r"正在(?:打架|打人|殴打|斗殴|互殴|行凶|抢劫|砍人|施暴|围殴|持刀|家暴)|有人(?:打架|斗殴|持刀|行凶|抢劫|闹事|砍人)|打起来",
        r"持(?:刀|枪|械)(?:威胁|伤人|行凶|追)|拿(?:着)?(?:刀|菜刀)|被(?:绑架|非法拘禁|劫持|围殴|追砍)|露出下体",
        rf"(?:孩子|小孩|老人|女孩|男孩|女儿|儿子|母亲|父亲){_GAP}{{0,10}}(?:走失|走丢|失踪|不见了)",
    ),
)

# Words about ending one's own life hand over without 现在 unless they are rhetorical (再不解决就跳楼,
# 逼得跳楼).
_SUICIDE = _cue(
    "110",
    "有轻生表示，需立即核实施救",
    r"(?:我|其|他|她|本人|市民|有人|女子|男子|工人)[^。！？；，\n]{0,12}(?:想|要|准备|欲|打算|站在)[^。！？；，\n]{0,8}"
    r"(?:跳楼|自杀|轻生|跳河|跳海|跳桥|自焚|结束生命)",
    r"(?:我|其|真的)(?:已经)?不想活了?",
    r"正在(?:跳楼|轻生|自焚|割腕)",
)
_RHETORICAL = re.compile(
    r"再不|否则|不然|逼|只有|只能|难道|是不是|非要|非得|才(?:能|会|肯)|威胁|扬言|曾|就(?:去|要|跳)"
)

# Other legal channels. Each must be the matter itself, not a remark in passing (开发商让我们去起诉).
_COURT = "(?:法院|法官|中院|高院|法庭|一审|二审|终审|再审)"
_CADRE = (
    "(?:书记|局长|副局长|镇长|乡长|区长|县长|市长|村长|支书|村主任|村干部|村委|所长|科长|处长|股长|干部|公职人员|公务员|国家工作人员"
    "|村支两委|站长|党员|大队长|队长)"
)
_CORRUPTION = (
    "(?:受贿|索贿|行贿|贿赂|贪污|贪腐|挪用公款|侵吞|以权谋私|权钱交易|吃拿卡要|收受|收(?:了)?(?:红包|好处费|黑钱)|索要(?:红包|好处)"
    "|公款(?:吃喝|旅游)|利用职务之便|利用职权|违纪|买官卖官|中饱私囊|吃空饷|套取(?:资金|补贴|补偿))"
)
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
    ),
    _cue(
        "信访",
        "已进入信访程序，应由原信访受理机关继续办理",
        r"信访(?:局|办|部门)[^。！？；\n]{0,10}(?:已经?受理|已经?立案|正在办理|受理告知|已经?登记)|信访事项(?:复查|复核|受理|处理意见|答复意见)"
        r"|信访(?:复查|复核|受理告知书|处理意见书|答复意见书|终结)",
    ),
)
# The police hand a matter over to the hotline; it is not handed back (110来电反映：有工人讨薪要跳楼).
_FROM_RESCUERS = re.compile(r"(?:110|119|120|122|公安|派出所|消防|交警)[^。：:]{0,8}来电")

# One look for any of these first: most appeals hold none, and then no other pattern runs.
_DANGER_HINT = re.compile(
    r"昏迷|晕倒|倒地|休克|出血|骤停|呼吸|割腕|农药|服毒|安眠药|车祸|交通事故|撞|困|着火|起火|失火|火灾|火势|浓烟|泄[漏露]|漏气|爆炸"
    r"|塌|打人|斗殴|行凶|抢劫|砍|施暴|殴|刀|家暴|打架|闹事|打起来|绑架|拘禁|劫持|下体|走失|走丢|失踪|不见了"
    r"|跳楼|自杀|轻生|跳[河海桥]|自焚|生命|不想活"
)
_CHANNEL_HINT = re.compile(
    r"复议|信息公开|公开|仲裁|判决|裁定|裁判|法院|法官|中院|高院|法庭|再审|抗诉|执行局|案件|本案|官司|案子|贿|贪|挪用|侵吞|谋私"
    r"|权钱|吃拿卡要|收受|收了?(?:红包|好处|黑钱)|索要|公款|利用职|违纪|买官|中饱|空饷|套取|信访"
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
    if type_ in _PASSIVE_TYPES:
        return None
    if _DANGER_HINT.search(text) and not _FROM_RESCUERS.search(text, 0, 60):
        found = _danger(text, emergency)
        if found is not None:
            return found
    return _channel(text, type_) if _CHANNEL_HINT.search(text) else None


def _danger(text: str, emergency: float) -> RouteOut | None:
    for match in _SUICIDE.pattern.finditer(text):
        rhetorical = _RHETORICAL.search(text, max(0, match.start() - 12), match.end())
        past = is_past(text, *match.span())
        if not (rhetorical or past or is_quoted(text, match.start()) or is_denied(text, match.start())):
            return _found(_SUICIDE, match)
    for cue in _DANGERS:
        for match in cue.pattern.finditer(text):
            if _endangers(text, match, emergency):
                return _found(cue, match)
    return None


def _endangers(text: str, match: re.Match[str], emergency: float) -> bool:
    """Say whether the cue tells of a danger that exists now."""
    start, end = match.span()
    told = len(text) <= _LONGEST_CALL and is_now(text, start, end)
    if not (told or emergency >= _EMERGENCY):
        return False
    return not (
        is_denied(text, start) or is_supposed(text, start) or is_past(text, start, end) or is_quoted(text, start)
    )


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
