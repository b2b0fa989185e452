"""Life in danger: words that a dispatcher would hand to 110, 119, 120 or 122 at once, without any model's score.

A missed danger can cost a life, a needless call to the fire brigade costs minutes. So a cue in a short call
without any sign against it is enough; signs of the present only make the finding certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from triage.rules.clauses import clause_before, is_denied, is_quoted, sentence
from triage.rules.danger_cues import DANGERS, HARM, SUICIDE, DangerCue
from triage.text.aligned import Span

_SHORT_CALL = 220
"""Characters. Nobody writes a long letter while the house is on fire; beyond this words of the present are needed."""

_LONG = 300
"""Characters. A longer letter tells of many people; suicide counts in it when the writer speaks of himself."""

_LETTER = 600
"""Characters. Beyond this only suicide counts: a farewell can be a long letter, a call for the fire brigade cannot."""


@dataclass(frozen=True, slots=True)
class Danger:
    """Somebody's life is in danger.

    Attributes:
        channel: 110, 119, 120 or 122.
        reason: Why, in Chinese, quoting the words that decided.
        span: Where those words stand in the text given.
        certain: The text says that it happens now; False: rhetorical (再不解决就跳楼), second-hand or undated.
    """

    channel: str
    reason: str
    span: Span
    certain: bool


_NO_SUICIDE = re.compile(
    r"跳楼(?:价|机|大|促|清仓|甩)|(?:自杀|跳楼|轻生|自焚)(?:身亡|死亡|的新闻|未遂|事件|案)|心理讲座|死在(?:家|医院)里?多"
    r"|安全绳|企业|公司活不下去"
)
_HEARSAY = re.compile(r"网传|网上传|听说|谣言|新闻|电视|电影|小说|游戏|防止|预防|避免|建议")
_FIRST = re.compile(r"我|本人|自己")
_IDIOM = re.compile(r"一了百了|走了算了")
_FIRST_PERSON = re.compile(r"我|自己|活|死|孩子")
_RHETORIC = re.compile(
    r"再不|否则|不然|逼|只有|只能|难道|是不是|非要|非得|才(?:能|会|肯)|威胁|扬言|声称|你们|谁|不给|不解决"
)


def _any_of(hints: list[str]) -> re.Pattern[str]:
    """Join plain alternatives, grouped by first character: `re` then skips from one possible first character to the next."""
    by_first: dict[str, list[str]] = {}
    for word in sorted({word for hint in hints for word in hint.split("|")}):
        by_first.setdefault(word[0], []).append(word[1:])
    return re.compile("|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in by_first.items()))


_HINT = _any_of([cue.hint.pattern for cue in (SUICIDE, *DANGERS)])

# What shows the present anywhere in a short call.
_PRESENT = re.compile(
    r"现在|正在|此[刻时]|目前|刚刚|刚才|刚(?=发生|被|有|从)|马上|赶紧|赶快|快来|快点|快报警|快叫|尽快派|救命|紧急|救我|救救|求救|求求|求你|分钟前|立即|立刻|速来|仍在"
    r"|还在|又在|来人|派人|派警|报警了|今[早晚天日]|突然|不敢出声|请消防|在场的?都|快沉|到场|怎么办啊|喊救"
)
# Calls for somebody to come; a long text needs one beside the cue.
_PLEA = re.compile(r"快来|赶快|赶紧[来派救叫]|救命|救救|马上派|立即派|来人|求求")
# Over, dated before today, or habitual.
_PAST = re.compile(
    r"去年|前年|老是|时时|上次|上个?月|上周|上个?星期|前[天日晚]|前几[天日]|之前|以前|曾|当时|那[天次年时]|此前|前段时间|先前|原先|早年|事后|后来|年前|多年"
    r"|(?:19|20)\d\d年(?!\d)|昨[天日]|经常|多次|几次|好几次|每[天次晚到年]|有时|总是|长期|不时|屡次|常年|时常|一直以来|惨案|几乎天天|天天"
    r"|有过|出过|发生过|急救室|送医|来电感谢|来电撤销|及时才|才扑灭|身亡|遇难|去世|死亡|死者|已经?被?(?:处理|扑灭|扑救|恢复|送医|送往|去世|获救|救出|找到|归案)|找到了|康复|后遗症"
)
_DATED = re.compile(r"\d{1,2}月份?\d{0,2}[日号]?|昨[晚夜]|凌晨")
# What might be; in the clause before the cue (如果着火, 容易引发火灾) …
_SUPPOSED = re.compile(
    r"如果|要是|万一|假如|假设|一旦|倘若|若是|以免|避免|防止|杜绝|预防|容易|可能|恐怕|会不会|担心|怕(?!我)|是否|有没有|随时|将会|会导致|会发生|导致|引发|引起|防"
    r"|比如|例如|像|似的|简直|差点|险些|涉嫌|一但|难道"
)
# … or right behind it (火灾隐患, 着火怎么办, 发生火灾无处可逃).
_MIGHT = re.compile(
    r"[^。！？；\n]{0,4}(?:隐患|风险|危险|可能|事故多发)|[^。！？；\n]{0,10}(?:怎么办|后果|不堪设想|无处|谁负责|谁来)"
)
# Exercise, hearsay, enquiry or advice anywhere in the sentence.
_GENERAL = re.compile(
    r"演练|演习|宣传|讲座|知识|听说|网传|网上传|据说|谣言|新闻|电视|电影|小说|促销|游戏|海报|建议|希望(?:加|设|安|增|严)|应该|应当|加强|请问|咨询|认定|标准|不实"
)
# The matter is what came after: blame, money, an officer's conduct.
_AFTERMATH = re.compile(
    r"赔|道歉|责任认定|事故认定|认定书|立案|不作为|态度|索赔|医药费|医疗费|补贴|医保|报销|鉴定|调解|拘留|判|追究|抚恤|结案|笔录|没钱|出结果|逃逸|保险|垫付|查处"
    r"|进展|急救室|送医|送(?:到|往|去)?(?:了)?医院|住院|致使|给(?:个|一个)?说法|不受理|不处理|处理结果|处理不|答复|负责人|清扫|清理|修理费|维修费|损失|工伤|投诉|不合理|销案|感谢|表扬|锦旗|退款"
)
_ODD = re.compile(
    r"跳楼价|烧烤摊?的?烟|超标|排放|停产|火锅|鞭炮|烟花爆竹|烟囱|油烟|焚烧|烧(?:东西|垃圾|秸秆)|狗于|烧烤[^。]{0,8}冒烟|宠物|[狗猫犬][^，。]{0,6}(?:走失|不见)|砍(?:树|伐|价|掉)|刀(?:削面|具)|手机卡|哈士奇"
)

_TRADE = re.compile(
    r"污染|排(?:出|放|黑|浓)|常常|整天|滚滚无|刺激性|刺鼻|臭|锅炉|24小时|(?:砖|机碳|炭|加工|搅拌)厂|烟筒|烟囱|焚烧|烧烤|油烟|昼夜|每天"
)

_DISTRESS = re.compile(
    r"我|他|她|人|快来|快点|赶快|救[我命人他她]|求|好怕|害怕|拉不住|拦不住|拦一下|不敢|[出下上]不来|还没[^，。]{0,4}(?:找到|来|到)|还挂|还开着|推都不醒|叫不|喊不|不松口|止不住|刚[才刚看发]|正[在往]"
    r"|(?:里面?|屋里|楼上|车上|下面|上面)[^，。]{0,3}有[^，。]{0,2}(?:人|老|孩|娃)|喊人|乱[挥砍打咬]|见人就|倒下了|没力气|皮都|说胡话|不清楚|已经站|手机是偷|偷偷|闷得|消防还没|救护车|一个多?小时|三天了|大家别|我女儿|孩子|小孩|宝宝|老太太|老人家|(?:我|他|她|一|家)[^，。]{0,3}(?:爸|妈|姐|哥|弟|妹|父亲|母亲|老公|老婆|丈夫|妻子|奶奶|爷爷|人)|工人|司机|驾驶员|学生|男生|女生|男人|女人|男的|女的|阿婆|阿姨|老人|外孙|孙子|朋友|同学|附近的人|帮帮忙|吓人|一滩血|一个人在|(?:在|还在)高速上|公交车上|车轮"
)
_ORDINARY = re.compile(
    r"反映[：:]|上报|隐患|个月|年了|摔碎|横冲直|要[炸晕]|漏水|水管|停[电水]|噪音|扰民|拥堵|占道|违[建停]|物业|拖欠|工资|欠|垃圾|收费|费用|办理|学校|幼儿园|老师|补|证|合同|开发商|业主|城管|施工|工地噪|投诉|举报|反映多次|问题|政策|猫|吗|为什么|门票"
    r"|核实处理|营业|小区|路灯|井盖|坑洼|摊|吃饭|休息|天花板|没有"
)
_CALL = 60
"""Characters. A cry for help is shorter than a complaint; only such calls get the loose look."""


def life_danger(text: str) -> Danger | None:
    """Find words that say somebody's life is in danger.

    Args:
        text: The normalised, masked text, title included.

    Returns:
        The most certain finding, suicide first among equals; None if nothing calls for an emergency number.
    """
    if _HINT.search(text) is None:
        return _cry(text)
    doubtful: Danger | None = None
    for found in _findings(text):
        if found.certain:
            return found
        doubtful = doubtful or found
    return doubtful or _cry(text)


def _cry(text: str) -> Danger | None:
    """Look loosely at a very short call that has words of harm, a sign of distress and nothing of a complaint."""
    if len(text) > _CALL or _DISTRESS.search(text) is None:
        return None
    if any(against.search(text) for against in (_ORDINARY, _PAST, _GENERAL, _SUPPOSED, _AFTERMATH, _ODD, _TRADE)):
        return None
    for channel, because, pattern in HARM:
        match = pattern.search(text)
        if match is not None and not is_denied(text, match.start()):
            return Danger(channel, f"“{match[0]}”：{because}", Span(*match.span()), certain=False)
    return None


def _findings(text: str) -> Iterator[Danger]:
    if SUICIDE.hint.search(text):
        yield from _suicides(text)
    if len(text) > _LETTER:
        return
    now = _PRESENT.search(text) is not None
    for cue in DANGERS:
        if cue.hint.search(text):
            yield from _dangers(text, cue, now=now)


def _suicides(text: str) -> Iterator[Danger]:
    for pattern, sure in ((SUICIDE.vivid, True), (SUICIDE.plain, False)):
        for match in pattern.finditer(text):
            around = sentence(text, *match.span())
            if _NO_SUICIDE.search(around) or _PAST.search(around) or is_quoted(text, match.start()):
                continue
            if len(text) > _LONG and not _FIRST.search(around):
                continue
            if _IDIOM.search(match[0]) and not _FIRST_PERSON.search(around):
                continue
            if is_denied(text, match.start()) or _told_by_others(around):
                continue
            certain = sure or (_PRESENT.search(around) is not None and _RHETORIC.search(around) is None)
            yield _found(SUICIDE, match, certain=certain)


def _told_by_others(around: str) -> bool:
    """Say whether the sentence reports, asks or advises (网传有人跳楼, 建议加装护栏防止轻生)."""
    return _HEARSAY.search(around) is not None


def _dangers(text: str, cue: DangerCue, *, now: bool) -> Iterator[Danger]:
    short = len(text) <= _SHORT_CALL
    for match in cue.vivid.finditer(text):
        if _stands(text, cue, match, vivid=True) and (short or _pleads(text, match)):
            yield _found(cue, match, certain=True)
    for match in cue.plain.finditer(text):
        if _stands(text, cue, match, vivid=False) and (
            short or (cue.lasts and len(text) <= _LONG) or _pleads(text, match)
        ):
            yield _found(cue, match, certain=_PRESENT.search(sentence(text, *match.span())) is not None)
    if now and short:
        for match in cue.open.finditer(text):
            if _stands(text, cue, match, vivid=False):
                yield _found(cue, match, certain=False)


def _is_smoke_of_a_trade(text: str, match: re.Match[str]) -> bool:
    """Say whether the smoke is a chimney's (砖厂整天浓烟滚滚, 锅炉排黑烟)."""
    return "烟" in match[0] and _TRADE.search(text) is not None


def _pleads(text: str, match: re.Match[str]) -> bool:
    return _PLEA.search(sentence(text, *match.span())) is not None


def _stands(text: str, cue: DangerCue, match: re.Match[str], *, vivid: bool) -> bool:
    """Say whether nothing speaks against the match. ``vivid``: the words show the present by themselves."""
    start, end = match.span()
    around = sentence(text, start, end)
    if is_denied(text, start) or is_quoted(text, start) or _ODD.search(around) or _MIGHT.match(text, end):
        return False
    if (
        _PAST.search(around)
        or _GENERAL.search(around)
        or _SUPPOSED.search(clause_before(text, start))
        or _is_smoke_of_a_trade(text, match)
    ):
        return False
    present = _PRESENT.search(around) is not None
    if _DATED.search(around) and not (cue.lasts or present):
        return False
    return cue.lasts or (vivid and present) or _AFTERMATH.search(text) is None


def _found(cue: DangerCue, match: re.Match[str], *, certain: bool) -> Danger:
    quote = match[0] if len(match[0]) <= 30 else f"{match[0][:14]}…{match[0][-14:]}"
    return Danger(cue.channel, f"“{quote}”：{cue.because}", Span(*match.span()), certain)
