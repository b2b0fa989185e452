"""Names that tell one event from another: places, estates, roads, schools, firms, line and building numbers.

Chinese writes no spaces, so a name is found from its right end, where a suffix such as ``小区`` or ``大道`` stands,
and read leftward until something that cannot belong to a name: ``反映柳溪街道枫桥家园小区油烟`` gives the area ``柳溪`` and
the estate ``枫桥``. The left end may keep a stray word, so names are compared by their tails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from triage.events.sounds import syllables

ESTATE, ROAD, SCHOOL, FIRM, AREA, LINE, BUILDING, DISTRICT, GIVEN = range(9)
"""Kinds of names; two different names of one kind may contradict each other."""

KINDS = 9

_SUFFIXES: dict[str, int] = {
    **dict.fromkeys(
        (
            *("小区", "花园", "家园", "公寓", "花苑", "新村", "山庄", "公馆"),
            *("广场", "大厦", "嘉园", "名苑", "雅苑", "佳园", "苑", "豪庭"),
        ),
        ESTATE,
    ),
    **dict.fromkeys(("大道", "立交桥", "高架", "大桥", "隧道", "路", "街", "巷"), ROAD),
    **dict.fromkeys(("小学", "中学", "幼儿园", "学校", "学院", "大学", "职校", "附小", "附中"), SCHOOL),
    **dict.fromkeys(
        ("公司", "集团", "医院", "驾校", "银行", "物业", "酒店", "宾馆", "搅拌站", "搅拌厂", "加油站", "市场", "超市", "商城",
         "公园", "工厂", "俱乐部", "会所", "诊所", "饭店", "餐厅", "网吧", "KTV"),
        FIRM,
    ),
    **dict.fromkeys(("街道", "社区", "居委会", "村委会", "村", "镇", "乡"), AREA),
}  # fmt: skip
_SUFFIX = re.compile("|".join(sorted(_SUFFIXES, key=len, reverse=True)))
_BREAK = re.compile(
    r"[^\u4e00-\u9fffA-Za-z0-9]|[的在于与和及到至对从由把被将是有近旁等我你他她它们这那该本此某各个条县区市省了后前内外里]"
    r"|反映|反应|咨询|投诉|举报|请求|关于|建议|希望|要求|位于|附近|旁边|来电|市民|再次|强烈|恳请|严重|问题|路口|交叉|交汇|门口|业主|居民|为何"
)
_NOT_NAME = re.compile(
    r"道|公|马|铁|线|走|修|堵|一条|两条|小街|大街|上街|农|城|乡|本|"
    r"贵|老|新|全|农村|城市|房地产|有限|责任|分|总|开发|开发商|物业|"
    r"物业管理|保安|大型|小型|私立|公立|公办|民办|农贸|菜|生鲜|建筑|"
    r"私家|商业|住宅|居住|安置|封闭式|开放式|中小|九年制|大中|房产|"
    r"房地产开发|置业|建设|地产|管理|服务|科技|责任有限|道路|市政道|主干|"
    r"通行|出行|上学|回家"
)
"""What stands before a suffix without being a name: ``道路``, ``开发公司``, ``农贸市场``."""

_NO_FIRM = re.compile(
    r".*(?:[修新违兴在乱扩旁边面内近处要]建设?|建设|混[凝泥]土|商砼|水泥|砂石|非法|违[规法]|无证|无?资质|撤走"
    r"|搬[走离迁]|取缔|关停|开设|开办)(?=.{0,3}\Z)"
)
"""What is done with a firm or a plant, or what it makes: 违建搅拌站, 混凝土搅拌站. Read as its name it would set two reports of
one plant apart."""

_LINE = re.compile(r"([A-Za-z]?\d{1,4})\s?(?:#|号|＃)?(?:线|路(?:公交|车|公共)|路(?![0-9]|[\u4e00-\u9fff]{0,1}号))")
_BUILDING = re.compile(r"([A-Za-z]?\d{1,3})\s?(?:栋|幢|号楼|座)")
_DISTRICT = re.compile(
    r"([A-Z]\d{1,2}|[\u4e00-\u9fff]{2})(?:(?<![小社园景校片院库民宅住商辖郊老城])区|县)(?![域间别分])"
)
_WINDOW = 9
_LONGEST = 6


@dataclass(frozen=True, slots=True)
class Name:
    """A name found in an appeal.

    Attributes:
        kind: `ESTATE`, `ROAD`, … .
        text: The name without its suffix, at most six characters; for lines and buildings the number.
        primary: Whether it stands in the title or, without a title, in the opening words: what the appeal is about.
    """

    kind: int
    text: str
    primary: bool


@dataclass(frozen=True, slots=True)
class NamesFound:
    """The names in a text and where they stand.

    Attributes:
        names: Each once, in reading order by group of kinds.
        spans: Stretches ``(start, end)`` of the text that are names, suffix included; they may overlap.
    """

    names: list[Name]
    spans: list[tuple[int, int]]


def find_names(text: str, *, primary: bool, limit: int = 24) -> NamesFound:
    """Find the names in a text.

    Args:
        text: Normalised, masked text; the work is linear in its length.
        primary: Stored in each name.
        limit: Most names to return, by suffix and of each numbered kind.
    """
    found: dict[tuple[int, str], None] = {}
    spans: list[tuple[int, int]] = []
    last_end = 0
    for match in _SUFFIX.finditer(text):
        window = text[max(last_end, match.start() - _WINDOW) : match.start()]
        last_end = match.end()
        name = _BREAK.split(window)[-1][-_LONGEST:]
        if _SUFFIXES[match.group()] == FIRM and (noise := _NO_FIRM.match(name)):
            name = name[noise.end() :]
        if len(name) >= 2 and not _NOT_NAME.fullmatch(name) and not name.isdigit():
            found[(_SUFFIXES[match.group()], name)] = None
            spans.append((match.start() - len(name), match.end()))
            if len(found) >= limit:
                break
    for kind, pattern in ((LINE, _LINE), (BUILDING, _BUILDING), (DISTRICT, _DISTRICT)):
        for match in islice(pattern.finditer(text), limit):
            found[(kind, match.group(1).upper())] = None
            spans.append(match.span())
    return NamesFound([Name(kind, name, primary) for kind, name in found], spans)


@lru_cache(maxsize=65536)
def name_similarity(left: str, right: str) -> float:
    """Compare two names of one kind.

    Returns:
        1.0 the same, or one ends with the other (``向澄江天下`` and ``澄江天下``); 0.9 the same characters in another order
        (``岭东``, ``东岭``); 0.8 one character wrong of three or more (``青澜湖``, ``青蓝湖``), or the same sound
        (``华茂``, ``华贸``), also in another order; 0.6 one character too many or few; 0.4 one wrong of two that sounds
        otherwise (``华茂``, ``华强``: a slip or another road) or two neighbouring characters shared (``晴川``,
        ``晴川新城``); 0.0 different.
    """
    size = min(len(left), len(right))
    if size == 0:
        return 0.0
    if left[-size:] == right[-size:]:
        return 1.0
    for width in range(size, 1, -1):
        # The stray word on the left end is of unknown length, so shorter and shorter tails are tried.
        score = _same_length_similarity(left[-width:], right[-width:])
        if score and (width >= 3 or width == size):
            return score
    if size >= 3 and one_edit_apart(left, right):
        return 0.6
    return 0.4 if any(left[k : k + 2] in right for k in range(len(left) - 1)) else 0.0


def _same_length_similarity(left: str, right: str) -> float:
    if left == right:
        return 0.7
    if sorted(left) == sorted(right):
        return 0.9
    wrong = sum(a != b for a, b in zip(left, right, strict=True))
    if (wrong == 1 and len(left) >= 3) or sorted(syllables(left)) == sorted(syllables(right)):
        return 0.8
    return 0.4 if wrong == 1 else 0.0


def one_edit_apart(left: str, right: str) -> bool:
    """Say whether one insertion, deletion or substitution turns one string into the other."""
    if abs(len(left) - len(right)) > 1 or left == right:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    if len(left) == len(right):
        return left[start + 1 :] == right[start + 1 :]
    longer, shorter = (left, right) if len(left) > len(right) else (right, left)
    return longer[start + 1 :] == shorter[start:]
