"""Reads what a unit's name says: which place it serves, what it does and at which level it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from triage._functions import FUNCTIONS, GOVERNMENT, GOVERNMENT_OF_LEVEL, KEYWORDS

__all__ = ["FUNCTIONS", "LEVELS", "Place", "UnitName", "parse_places", "parse_unit_name"]

LEVELS: tuple[str, ...] = ("省", "市", "区县", "街镇", "社区村", "网格", "企业")
"""Levels of a unit, from wide to narrow; 企业 stands beside the ladder."""

_MAX_NAME = 60  # longer strings are not names; cutting keeps the place patterns linear

# Bodies that put the place behind their own name: 国家税务总局长沙市开福区税务局, 国网湖南省电力公司.
_HEAD = re.compile(r"^(?:国家税务总局|国家统计局|中国共产党|中共|国网|中国)")
_BRACKETS = re.compile(r"[（(\[【][^（(\[【）)\]】]*[）)\]】]")
_HAN = r"[一-鿿]"

# Each pattern takes one rung of the ladder. The look-arounds keep words that merely contain the suffix:
# 城市管理局 (no city called 城市, but 晋城市), 市场监管局, 市政工程公司, 住房和城乡建设局 (no township
# called 住房和城乡), 社区卫生服务中心.
_PROVINCE = re.compile(rf"(?:{_HAN}{{2,7}}?(?:省|自治区)(?!级|直|外)|省(?!级|直|外|市))")
_CITY = re.compile(
    rf"(?:{_HAN}{{1,10}}?自治州|{_HAN}{{2,5}}?(?:盟|地区)(?![管城])"
    r"|[晋运盐聊宣白诸韩邹禹项永丰肥麻应兴凤海桐宜塔]城市"
    rf"|{_HAN}{{1,6}}?(?<![城超股菜夜楼团都])市(?!场|民云|容|政[^府协法务]|县)"
    r"|市(?!场|民云|容|政[^府协法务]|[中南北]区))"
)
_COUNTY_CITY = re.compile(rf"{_HAN}{{1,5}}?(?<![城超股菜夜楼团都])市(?!场|民|容|政[^府协法务]|县)")
_ZONE = re.compile(
    rf"(?:{_HAN}|[A-Za-z0-9]){{1,16}}?"
    r"(?:开发区|高新区|保税区|保税港区|合作区|示范区|度假区|自贸区|自由贸易区|产业园区|工业园区|科技园区|工业园|产业园|科技园"
    r"|物流园|商务区|风景名胜区|风景区|景区|管理区|园区)"
)
_DISTRICT = re.compile(
    rf"(?:{_HAN}{{1,8}}?(?<![社小园发景校库灾辖地自片学税务示港])区(?!域|块|属)|{_HAN}{{1,10}}?(?<!市)县|{_HAN}{{1,6}}?旗|[区县])"
)
_STREET = re.compile(
    rf"{_HAN}{{1,10}}?(?:街道|街(?=办事处)|(?<!城)(?:镇|乡|苏木)(?!村|镇|化|企|建|居)|镇(?=政府|人民政府|$)|农场(?=$|管))"
)
_COMMUNITY = re.compile(
    rf"{_HAN}{{1,10}}?(?:社区(?=居|党|工作站|网格|委|$)|居(?=民?委员?会)|村(?=村?民?委员?会|党|委|$))"
)
_LADDER = (
    *(
        (_PROVINCE, "省"),
        (_CITY, "市"),
        (_COUNTY_CITY, "区县"),
        (_ZONE, "区县"),
        (_DISTRICT, "区县"),
        (_STREET, "街镇"),
        (_COMMUNITY, "社区村"),
    ),
)

# 市公安局龙华分局, 市交警支队琼山大队: the place stands inside, without its suffix; 直属大队 names no place.
_BRANCH = re.compile(rf"(?:局|支队|总队)({_HAN}{{2,4}}?)(?:区|县)?(?:分局|大队|支队|支局)$")
_NOT_A_PLACE = re.compile(
    r"直属|特[勤警巡]|机动|第?[一二三四五六七八九十]|稽查|监察|执法|巡[警逻]|刑[警侦]|督察|水上|综合|事故"
)
_COMPANY = re.compile(r"公司|集团|厂$|银行")
_LOCAL_OFFICE = re.compile(r"(?:派出所|司法所|财政所|国土所|监管所|卫生院|中队)$")
_SERVICES = frozenset(("供电公司", "供水公司", "燃气公司", "通信运营商", "轨道集团", "公交公司", "邮政快递"))
_SEAT_OF_GOVERNMENT = re.compile(r"^(?:人民)?(?:政府|委员会|区委|县委|市委|党委|党工委)?(?:办公室|办)?$")
_STREET_OFFICE = re.compile(r"^(?:道?办事处|街道办|办|人民政府|政府|党工委|党委)?$")
_TABLE = tuple((function, tuple(words.split())) for function, words in KEYWORDS)


@dataclass(frozen=True, slots=True)
class Place:
    """One rung of the administrative ladder, as named: ``Place("龙华区", "区县")``."""

    name: str
    level: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitName:
    """What a name says by itself.

    Attributes:
        area: The narrowest place named below the city; empty for the whole city (市公安局, 海口市公安局).
        function: One of `FUNCTIONS`; empty if no word of the name is known.
        level: One of `LEVELS`.
        places: Every place named, widest first: 海口市龙华区城西镇政府 → 海口市, 龙华区, 城西镇.
    """

    area: str
    function: str
    level: str
    places: tuple[Place, ...] = ()


def parse_places(text: str) -> tuple[tuple[Place, ...], str]:
    """Split the leading places off a name, an address or a jurisdiction.

    Args:
        text: e.g. ``海口市龙华区城西镇政府``; only the first 60 characters are looked at.

    Returns:
        The places, widest first (each level at most once; bare suffixes such as the 市 of 市公安局 are
        taken but not listed), and what follows them.
    """
    places, rest, _ = _climb(text[:_MAX_NAME])
    return places, rest


def parse_unit_name(name: str, *, known_places: Iterable[str] = ()) -> UnitName:
    """Read place, function and level off a unit's name.

    Args:
        name: e.g. ``龙华区城管局``, ``海口供电局``; only the first 60 characters are looked at.
        known_places: Full names of places, so that one without its suffix is read too (龙华城管 → 龙华区).
    """
    text = _HEAD.sub("", _BRACKETS.sub("", "".join(name[:_MAX_NAME].split())))
    places, rest, level = _climb(text)
    if not places:
        places = _bare_place(text, known_places)
        level = places[-1].level if places else level
    branch = _BRANCH.search(rest)
    if branch and not (_NOT_A_PLACE.search(branch[1]) or _word_of(branch[1])):
        places = (*places, Place(branch[1], "区县"))
        level = "区县"
    function = _function(rest, text=text, level=level)
    area = next((place.name for place in reversed(places) if place.level not in ("省", "市")), "")
    return UnitName(area=area, function=function, level=_level(level, function=function, text=text), places=places)


def _climb(text: str) -> tuple[tuple[Place, ...], str, str]:
    """Take the ladder's rungs off the front: the places, the rest and the level of the last rung taken."""
    places: list[Place] = []
    level = ""
    at = 0
    for pattern, rung in _LADDER:
        # 延边自治州延吉市: a county-level city stands behind its prefecture; at the front it is read as a
        # city.
        if level == rung or (pattern is _COUNTY_CITY and not places):
            continue
        found = pattern.match(text, at)
        if found is None:
            continue
        at, level = found.end(), rung
        if len(found[0]) > 1:
            places.append(Place(found[0] + ("道" if found[0].endswith("街") else ""), rung))
    return tuple(places), text[at:], level


def _bare_place(text: str, known: Iterable[str]) -> tuple[Place, ...]:
    """Find the longest known place whose name, without its suffix, begins the text."""
    best: tuple[Place, ...] = ()
    longest = 1
    for name in known:
        stem = name.removesuffix("街道") if name.endswith("街道") else name[:-1]
        if len(stem) > longest and text.startswith(stem):
            taken, _, _ = _climb(name)
            best, longest = taken[-1:], len(stem)
    return best


def _function(rest: str, *, text: str, level: str) -> str:
    """Decide the function from what follows the places, then from the whole name."""
    if level == "街镇" and _STREET_OFFICE.match(rest):
        return "街道乡镇"
    if level == "社区村":
        return "社区村委"
    if level in ("市", "区县") and _SEAT_OF_GOVERNMENT.match(rest) and not _ZONE.search(text):
        return GOVERNMENT_OF_LEVEL[level]
    function = _word_of(rest) or _word_of(text)
    return GOVERNMENT_OF_LEVEL[level or "市"] if function == GOVERNMENT else function


def _word_of(text: str) -> str:
    """Return the function of the first table line with a word in the text; empty if there is none."""
    return next((function for function, words in _TABLE if any(word in text for word in words)), "")


def _level(level: str, *, function: str, text: str) -> str:
    """Settle the level: companies stand apart, a name without a place is the city's."""
    if _COMPANY.search(text) or (function in _SERVICES and not text.endswith(("管理局", "委员会"))):
        return "企业"
    if _LOCAL_OFFICE.search(text):
        return "街镇"
    if function in ("街道乡镇", "社区村委"):
        return "街镇" if function == "街道乡镇" else "社区村"
    if function == "省直部门" or text.endswith("厅"):
        return "省"
    if level:
        return level
    return "区县" if function in ("区县政府", "园区管委会") else "市"
