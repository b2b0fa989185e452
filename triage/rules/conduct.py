"""Does the appeal complain about a unit's own conduct? Then that unit must not handle it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from triage.directory import Unit
from triage.rules.clauses import is_denied, is_supposed
from triage.text.aligned import Span

# 向城管反映过无果 is deliberately absent: that the matter is still open is the risk factor 反复未决 and
# says nothing about how the unit behaved; were it counted as conduct, every second reminder would be taken
# from the unit that must act.
_CONDUCT = (
    "不作为|乱作为|慢作为|推诿|推脱|踢皮球|互相推|相互推|推卸责任|敷衍|态度(?:很|极其?|非常|特别|十分|太|也)?(?:恶劣|差|不好|蛮横|傲慢|嚣张|强硬)"
    "|乱罚款|乱收费|违规收费|乱扣|执法不公|选择性执法|(?:暴力|野蛮|粗暴|钓鱼|违法)执法|执法粗暴|知法犯法|包庇|徇私|官官相护|保护伞|吃拿卡要"
    "|打人|骂人|辱骂|刁难|滥用职权|渎职|失职|玩忽职守|偏袒|不受理|拒绝受理|拒不受理|拒绝处理|弄虚作假|虚假回复|回复不实|欺骗|收(?:了)?(?:好处|黑钱|红包)"
    "|不接电话|没人接电话|上班(?:时间)?(?:玩|睡觉|聊天|打牌)|迟到早退|工作作风|服务差|出警慢|不出警|拒不出警"
)
_HINT = re.compile(_CONDUCT)
# Between the unit and its conduct only its own people, adverbs and the like may stand: 城管局 工作人员 互相
# 推诿. Another actor means that the conduct is that actor's: 请城管处理物业不作为.
_OWN = (
    r"(?:(?!物业|公司|开发商|老板|老板娘|店|邻居|业主|施工|商家|学校|医院|房东|小区|保安|司机|企业|单位|居民|酒店|幼儿园|[请向让由找望]"
    r"|希望|要求|处理|核实|解决|查处|督促|整治|取缔)[^。！？；\n]){0,16}?"
)
# 请城管局…, 向城管局…, 由城管局…: the unit is asked to act or was told; only what it then did to the caller
# counts.
_ADDRESSED = re.compile(r"(?:请|请求|恳请|希望|望|要求|建议|由|让|找|督促|联系|经|报)$")
_TOLD = re.compile(r"(?:向|跟|和|给|到|去|致电|拨打)$")
_TO_CALLER = re.compile(
    r"(?:局|大队|所|办|中队|热线|的?(?:人员|工作人员))?(?:反映|投诉|咨询|举报|求助|报案|报警|办理|办事|电话)[^。！？；\n]{0,10}?"
    r"(?:推诿|推脱|踢皮球|互相推|敷衍|态度[^，。]{0,3}(?:恶劣|差|不好|蛮横|傲慢)|不受理|拒绝受理|不作为|刁难|辱骂|骂人|不接电话|不出警)"
)

# 城管中队不作为, 住建局窗口不受理: a body below the unit is complained about, and the unit is its superior, the very one
# that must hear it.
_BELOW = re.compile(r"[^，。！？；\s]{0,4}?(中队|分队|派出所|窗口|服务站|服务点)")
_STATIONS = ("派出所", "国土所", "工商所")
_OFFICERS = frozenset(("民警", "警察", "警方"))
_ABOVE_OFFICERS = frozenset(("省", "市"))
"""Levels at which nobody patrols: an officer belongs to a station, and the city's bureau is the superior of it."""

# 《关于城管不作为的问题》, 市公安局答复：…: an earlier ticket's title or an official answer repeats a complaint; what the
# caller says now begins at the next 来电.
_ANSWERED = re.compile(r"(?<!来电)(?:答复|回复|反馈)(?:如下)?[：:]|回复如下")
_SAID = re.compile(r"来电|市民.{0,4}反映")
_REPEATED_REACH = 400

# How callers speak of a unit of a function: 城管 for 龙华区城管局, 民警 for 市公安局.
_SPOKEN = {
    "城管局": ("城管", "执法局", "执法队员", "执法人员"),
    "公安局": ("公安", "民警", "警察", "警方"),
    "交警": ("交警", "交管", "车管所"),
    "人社局": ("劳动监察", "劳动局", "人社局", "社保局", "劳动保障"),
    "住建局": ("住建局", "房管局", "住建", "拆迁办", "征收办"),
    "自然资源局": ("国土局", "规划局", "自然资源局", "不动产登记中心"),
    "生态环境局": ("环保局", "环保"),
    "市场监管局": ("工商局", "市监局", "市场监管", "食药监", "物价局"),
    "教育局": ("教育局",),
    "卫健委": ("卫健委", "卫生局", "卫计委"),
    "交通运输局": ("交通局", "运管"),
    "街道乡镇": ("街道办", "镇政府", "乡政府"),
    "社区村委": ("居委会", "村委会", "社区工作人员", "村干部"),
    "供电公司": ("供电局", "供电所", "电力公司", "供电公司"),
    "供水公司": ("自来水公司", "水务公司", "供水公司"),
    "燃气公司": ("燃气公司", "煤气公司"),
    "公交公司": ("公交公司", "公交司机"),
    "区县政府": ("区政府", "县政府"),
    "法院": ("法院", "法官"),
}


def complained_about(text: str, unit: Unit | Iterable[str]) -> Span | None:
    """Find where the appeal complains about the unit's own conduct.

    Asking the unit to act (请城管处理物业不作为) and having told it without result (向城管反映过无果) are
    no such complaints, nor is a complaint about a body below the unit (城管中队不作为) or one that an earlier ticket's
    title or an official answer repeats.

    Args:
        text: The normalised text.
        unit: The unit, with its aliases and what callers call its like, or exactly these names.

    Returns:
        From the unit's mention to the end of the conduct's words, or None.
    """
    if _HINT.search(text) is None:
        return None
    names = _names(unit) if isinstance(unit, Unit) else tuple(unit)
    patterns = _patterns(tuple(name for name in names if name))
    if patterns is None:
        return None
    mention, complaint = patterns
    own = unit.name if isinstance(unit, Unit) else ""
    for match in mention.finditer(text):
        found = None if _about_below(text, match, own) else _behind(text, match, complaint)
        if found is not None and not _repeated(text, found.end):
            return found
    return None


def _names(unit: Unit) -> tuple[str, ...]:
    spoken = (
        word for word in _SPOKEN.get(unit.function, ()) if word not in _OFFICERS or unit.level not in _ABOVE_OFFICERS
    )
    stations = (word for word in _STATIONS if unit.name.endswith(word))
    return (unit.name, *unit.aliases, *spoken, *stations)


@lru_cache(maxsize=4096)
def _patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """Compile the mention (longest name first) and what may follow it."""
    if not names:
        return None
    mention = "|".join(re.escape(name) for name in sorted(set(names), key=len, reverse=True))
    return re.compile(mention), re.compile(rf"{_OWN}(?P<conduct>{_CONDUCT})")


def _about_below(text: str, mention: re.Match[str], own: str) -> bool:
    """Say whether the mention only begins the name of a body below the unit."""
    below = _BELOW.match(text, mention.end())
    return below is not None and below[1] not in own


def _repeated(text: str, end: int) -> bool:
    """Say whether what ends here stands in the title of an earlier ticket or in an official answer."""
    before = text[max(0, end - _REPEATED_REACH) : end]
    if before.rfind("《") > before.rfind("》"):
        return True
    answered = max((found.end() for found in _ANSWERED.finditer(before)), default=-1)
    return answered > max((found.end() for found in _SAID.finditer(before)), default=-1)


def _behind(text: str, mention: re.Match[str], complaint: re.Pattern[str]) -> Span | None:
    """Judge one mention by what stands right before and behind it."""
    before = text[max(0, mention.start() - 6) : mention.start()]
    if _ADDRESSED.search(before):
        return None
    if _TOLD.search(before):
        told = _TO_CALLER.match(text, mention.end())
        return Span(mention.start(), told.end()) if told else None
    found = complaint.match(text, mention.end(), min(len(text), mention.end() + 40))
    if found is None or is_denied(text, found.start("conduct")) or is_supposed(text, found.start("conduct")):
        return None
    return Span(mention.start(), found.end())
