"""The keywords of an event: what its appeals share and few others would say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from triage.events.title_clauses import MASK
from triage.events.titles import TitleSource, chosen_sources, shared_places
from triage.events.words import WordCutter

MOST = 8
"""Most keywords of an event."""

_CONTENT = 120
_LEAST_SHARE = 0.3
_TITLE_WEIGHT = 2.0
_COMMON_WORDS = """
小区 力度 步伐 诸多 常年 关于 投诉 举报 反映 反应 咨询 请问 建议 希望 请求 要求 恳请 求助 诉求 提问 回复 留言 来电
市民 群众 百姓 老百姓 居民 业主 住户 领导 书记 局长 市长 区长 县长 主任 部门 政府 有关 相关
有关部门 相关部门 职能部门 什么 何时 为何 为什么 怎么 怎么办 如何 是否 可以 不能 能否 能够
应该 一直 一个 一下 一些 一种 没有 不是 还是 就是 只是 但是 因为 所以 由于 如果 现在 目前
至今 今年 去年 时间 时候 问题 情况 事情 事件 严重 强烈 坚决 尽快 加快 解决 处理 重视 关注
我们 你们 他们 大家 自己 本人 尊敬 您好 你好 谢谢 感谢 进行 导致 造成 影响 多次 再次 仍然
依然 这个 那个 这里 那里 这样 这些 那些 附近 旁边 周边 里面 外面 上面 下面 前面 后面 之间
以及 或者 而且 并且 然后 已经 还有 所有 全部 非常 十分 大量 经常 长期 每天 晚上 早上 白天
中午 凌晨 下午 上午 小时 分钟 不知 知道 认为 觉得 表示 出现 存在 发生 开始 过来 出来 起来
下来 姓名 电话 手机号 证件号 车牌 住址 微信 邮箱 银行卡 工单 工单号 核实 核实处理 请职 职能
几个 很多 许多 不少 各位 刻不容缓 何年何月 苦不堪言 何去何从 说明 具体 到底 究竟 实际 直接
根本 完全 绝对 必须 需要 不要 不会 不准 不到 不得 看到 听到 来到 回到 希望能 一期 二期 三期
方便 无法 本市 全市 我市 我区 我县 本区 贵局 贵单位 先生 女士 同志 孩子 小孩 老人 满意 答复
"""
_NO_KEYWORD = frozenset(_COMMON_WORDS.split())
"""Words of nearly every appeal, and of nobody's matter in particular."""
_NOBODY = re.compile(r"[\u4e00-\u9fff](?:书记|局长|市长|县长|区长|主任|先生|女士)")
_GROWS = re.compile(
    r"(?![市区县省的了是在有和与及到对从被把将请让给向为这那我你他们不没未就都也很又还再已等个位号楼栋年月日时上下内外中里后前问])[\u4e00-\u9fff]"
)
_ALWAYS = 0.85
_LEAST_SEEN = 4
_MOST_GROWTH = 3
_WORD = re.compile(r"[\u4e00-\u9fff]{2,}|(?=[A-Z0-9]*[A-Z])[A-Z0-9]{3,}")


def event_keywords(sources: Sequence[TitleSource], *, cutter: WordCutter) -> tuple[str, ...]:
    """Return the keywords of an event.

    A word counts by the share of the appeals that hold it, twice in titles, times how rare it is in the language. Names of
    places that most appeals share come first, whole.

    Args:
        sources: Its appeals in time order; of more than 40 the first and the last 20 are read.
        cutter: Cuts words and knows how frequent they are.

    Returns:
        At most `MOST`, most telling first; empty where nothing is shared.
    """
    read = chosen_sources(sources)
    pieces = [[*_cut(source.title, cutter), "\n", *_cut(source.content[:_CONTENT], cutter)] for source in read]
    shares: dict[str, float] = {}
    for cut in pieces:
        border = cut.index("\n")
        weights = dict.fromkeys(filter(_tells, cut[border:]), 1.0)
        weights.update(dict.fromkeys(filter(_tells, cut[:border]), _TITLE_WEIGHT))
        for word, weight in weights.items():
            shares[word] = shares.get(word, 0.0) + weight / len(read)
    told = {word: share * cutter.rarity(word) for word, share in shares.items() if share >= _LEAST_SHARE}
    found = shared_places(read)[:2]
    for word in sorted(told, key=lambda word: (-told[word], word)):
        whole = _grown(word, pieces)
        if not any(whole in known or known in whole for known in found):
            found.append(whole)
        if len(found) >= MOST:
            break
    return tuple(found)


def _cut(text: str, cutter: WordCutter) -> list[str]:
    return [piece for piece in cutter.cut(MASK.sub("，", text)) if piece != "\n"]


def _tells(word: str) -> bool:
    return _WORD.fullmatch(word) is not None and word not in _NO_KEYWORD and not _NOBODY.fullmatch(word)


def _grown(word: str, texts: Sequence[Sequence[str]]) -> str:
    """Return the longer name that a word is nearly always a piece of; dictionaries cut names they do not know (柳|溪湖)."""
    seen = [(text, at, at + 1) for text in texts for at, piece in enumerate(text) if piece == word]
    if len(seen) < _LEAST_SEEN:
        return word
    for _ in range(_MOST_GROWTH):
        after = Counter(text[end] for text, _, end in seen if end < len(text)).most_common(1)
        before = Counter(text[start - 1] for text, start, _ in seen if start).most_common(1)
        if after and after[0][1] >= _ALWAYS * len(seen) and _GROWS.fullmatch(after[0][0]):
            word += after[0][0]
            seen = [(text, start, end + 1) for text, start, end in seen if text[end : end + 1] == [after[0][0]]]
        elif before and before[0][1] >= _ALWAYS * len(seen) and _GROWS.fullmatch(before[0][0]):
            word = before[0][0] + word
            seen = [(text, start - 1, end) for text, start, end in seen if start and text[start - 1] == before[0][0]]
        else:
            break
    return word
