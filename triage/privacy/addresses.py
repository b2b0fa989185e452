"""House-level addresses (3栋2单元1204室); roads, road numbers, estates and lone buildings stay, routing needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.privacy.spans import ADDRESS, MaskSpan

_CHINESE = "零〇一二三四五六七八九十百"
_COUNT = rf"(?:[0-9]{{1,4}}|[{_CHINESE}]{{1,4}})"
_ROOM_NUMBER = rf"(?:[A-Za-z]?-?[0-9]{{1,5}}[A-Za-z]?|[{_CHINESE}]{{1,6}})"
_BUILDING = (
    rf"(?:(?:[A-Za-z甲乙丙丁东西南北]-?)?(?:[0-9]{{1,3}}|[{_CHINESE}]{{1,3}})|[A-Za-z甲乙丙丁])"
    r"[A-Za-z]?(?:栋|幢|座|号楼|#楼|号院|#)"
)
_UNIT = rf"{_COUNT}(?:单元|门(?!店|面|口|诊|卡|市))"
_FLOOR = rf"{_COUNT}[楼层]"
_GAP = r"[ ,，\-]{0,2}"
_ROOM_WORD = r"(?:号?房(?!间|屋|产|价|东|子|地|租|源|款|型|贷|改|管|主|客|门|顶)|号?室(?!内|外))"
# 号 also counts lifts, gates and shops: 1号楼2号电梯 is nobody's home
_ROOM_SUFFIX = rf"(?:{_ROOM_WORD}|号(?![楼电梯门车商铺机井线院路栋仓柜出入]))"
_BARE_END = (
    rf"(?![0-9A-Za-z{_CHINESE}.年月元万个人名平米㎡%楼层天日次亩岁点多余台位套吨根块棵件条辆栋公千克瓦伏毫升斤只]"
    r"|户(?!主))"
)
_ROOM = rf"(?:{_ROOM_NUMBER}{_ROOM_SUFFIX}|[A-Za-z]?[0-9]{{3,4}}[A-Za-z]?{_BARE_END}|[东西南北中左右](?:边|侧)?户)"

_HOUSE = re.compile(
    rf"(?<![0-9A-Za-z.])(?:{_BUILDING}{_GAP}(?:{_UNIT}{_GAP})?|{_UNIT}{_GAP})(?:{_FLOOR}{_GAP})?{_ROOM}"
)
_ROOM_ALONE = re.compile(
    rf"(?<![0-9A-Za-z.\-])[A-Za-z]?[0-9]{{1,2}}(?:-[0-9]{{1,2}})?-[0-9]{{3,4}}{_ROOM_WORD}"
    rf"|(?<![0-9A-Za-z.])(?:[0-9]{{1,2}}[楼层])?[A-Za-z]?[0-9]{{3,4}}{_ROOM_WORD}"
)
_DASHED = re.compile(r"(?<=[区园苑城府里村家庭湾院居邸阁寓轩])[A-Za-z]?[0-9]{1,3}-[0-9]{1,2}-[0-9]{3,4}(?![0-9\-])")
_GROUP_HOUSE = re.compile(rf"(?<![0-9{_CHINESE}第]){_COUNT}(?:村民小组|小组|组|队)[0-9]{{1,4}}号(?![楼线院路地])")

_TRACE = re.compile(
    rf"[0-9A-Za-z{_CHINESE}甲乙丙丁](?:号?[栋幢座室房楼院#]|-[0-9])|单元|[组队][0-9]|[东西南北中左右边侧]户"
)


def find_addresses(view: str) -> Iterator[MaskSpan]:
    """Yield the part of an address that names one household."""
    if not _TRACE.search(view):
        return
    for pattern in (_HOUSE, _ROOM_ALONE, _DASHED, _GROUP_HOUSE):
        for match in pattern.finditer(view):
            yield MaskSpan(match.start(), match.end(), ADDRESS)
