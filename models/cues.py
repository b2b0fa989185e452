"""Cue words: a readable table of phrases that speak for or against a risk, counted for a whole batch at once.

A word is an n-gram of one to four characters, so that the same pass over the text that serves the clause model finds
every cue with one sorted lookup: no regular expression, linear in the text's length whatever it holds. A longer phrase
is listed by its telling part (互相推诿 by 推诿). The words are common ones of petitions and hotlines; none is a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.linear import Scores
from models.ngrams import Keys, NgramOccurrences, fold, pack

VERSION = "cues.v1"

CUE_WORDS: Mapping[str, str] = {
    # Threats to go above or outside the responsible level.
    "petition": "上访 信访 进京 赴京 赴省 越级 去北京 到北京 去省里 到省里 中纪委 巡视组 纪委 国家信",
    # A crowd acting in public. 集体 alone is a word of land law (集体土地), so only its verbs count.
    "crowd": "横幅 游行 示威 静坐 集会 聚集 请愿 罢工 罢课 罢运 停运 堵路 堵门 堵住 封路 拦路 拦车 围堵 集体去 集体到 集体上 "
    "集体抗议 集体维权 集体请愿 抗议 闹事 冲突 维稳 不稳定 群体性",
    "media": "曝光 媒体 电视台 记者 微博 抖音 网上发 网络曝 网络发 舆论 焦点访谈 热搜 公之于众",
    "despair": "自杀 轻生 跳楼 跳河 不想活 活不下去 寻死 同归于尽 喝农药 遗书 以死 一死 死给 没法活 走投无路 绝路 拼命 活路 逼死",
    "violence": "打人 殴打 被打 打伤 打砸 砍 持刀 菜刀 棍 威胁 恐吓 黑社会 黑恶 涉黑 恶势力 流氓 暴力 围殴 斗殴 动手 受伤 骨折 "
    "住院 泼油漆 强行 抢劫 非法拘禁 打架 报复",
    "land": "强拆 强征 强占 拆迁 征地 征收 安置 补偿款 补偿 回迁 过渡费 霸占 侵占",
    "wages": "欠薪 讨薪 工资 血汗钱 农民工 工程款 包工头 拖欠 民工 欠款 工钱",
    "fraud": "诈骗 骗局 骗子 集资 跑路 卷款 非法吸 受害者 受害人 爆雷 血本无归 传销 庞氏 理财 退款 套路贷 被骗 退费 关门",
    "unfinished": "烂尾 停工 交房 延期 逾期 不能入住 无法入住 房产证 不动产证 开发商",
    "hazard": "坍塌 倒塌 塌方 塌陷 爆炸 煤气 燃气 漏电 高压线 触电 火灾 着火 起火 坠落 脱落 裂缝 危房 溺水 随时 出人命 人命 死亡 "
    "丧命 伤亡 事故 生命安全 生命财产 隐患 掉下来 井盖 消防 泄漏 中毒 砸 淹",
    "many": "全体 数百 上百 几百 上千 几千 数千 上万 众多 广大 业主们 村民们 居民们 我们全 我们小区 我们村 我们业主 "
    "联名 所有业主 全村 多名 多户 余户 余人 多人 几十 数十 00户 00人 00名 00多户 00多人 00余户 00余人 00家 群众 集体",
    "again": "多次 无果 一直没 至今 迟迟 推诿 踢皮球 没人管 无人管 不作为 投诉无门 反复 再三 没有解决 未解决 未处理 没处理 "
    "几年 00年 不予 敷衍 互相推 置之不理 再次 仍然 仍未 依旧 还是没 没有回复 未回复 未接到 未收到 不满意 催促 催办 重复",
    "anger": "天理 良心 无法无天 丧尽 气愤 愤怒 忍无可忍 欺负 欺压 还我 何在 猖狂 嚣张 黑心 强烈 严惩 包庇 保护伞 官商 勾结 腐败 "
    "救救 求求 跪求 泣 乱作为 受贿 贪污",
    "vulnerable": "老人 孩子 学生 孕妇 残疾 低保 重病 癌 白血病 孤儿 留守 幼儿 小孩 贫困 病人 婴儿 儿童",
    "question": "请问 咨询 想问 了解 是否 能否 什么时候 何时 如何 怎么 吗 多少 哪里",
    "proposal": "建议 希望能 呼吁 规划 增设 建设",
    "thanks": "感谢 表扬 点赞 谢谢 锦旗 致谢",
    "report": "举报 违法 违规 查处 无证 偷排 非法 私自",
    "first_person": "我 我们 本人 我家 自己",
    "law": "法院 起诉 律师 判决 法律途径 仲裁 立案 诉讼",
    "death": "死 亡 命",
    "urgent": "紧急 十万火急 马上 立即 立刻 危在旦夕 急急急 速 尽快 目前正在 正在 现在 被困",
    # Third person and call-back formulas: the style of a call-taker, not of a citizen who writes.
    "call_taker": "来电 市民反映 市民表示 市民称 市民来电 来电人 其表示 市民咨询 市民要求 市民投诉 核实处理 回电 工单 办件",
    "service": "停水 停电 停气 断电 断水 漏水 抢修 爆裂 断网",
    "question_mark": "？ ?",
    "exclamation": "！ !",
    "pause": "， 。 ；",
}
"""Group → its words, separated by spaces; a word belongs to one group."""

NEGATORS = "不想 不愿 不会 不要 避免 没有 从未 未曾 以免 防止 并非"
"""A serious word shortly after one of these is denied: 我们不想上访 asks for help, it does not threaten."""

SERIOUS = ("petition", "crowd", "media", "despair", "violence", "wages", "fraud", "hazard")
"""Groups whose words may be denied, and which count apart where they stand in the title."""

NEGATION_REACH = 4
"""Characters between a negator's end and the word it denies, at most."""

CUE_NAMES: tuple[str, ...] = (*CUE_WORDS, "denied", "serious_in_title", "has_title", "length", "length_squared")
"""Names of the features, in column order."""


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The table as sorted keys.

    Attributes:
        keys: uint64[w], ascending.
        groups: int64[w], group of each word; −1 for negators.
    """

    keys: Keys
    groups: NDArray[np.int64]


def cue_features(found: NgramOccurrences, texts: Sequence[str], title_lengths: Sequence[int]) -> Scores:
    """Count the cues of each text.

    Args:
        found: ``occurrences(fold(texts), orders=(1, 4))``.
        texts: Normalised, masked texts; the title, where there is one, comes first.
        title_lengths: Characters of each text that are title; 0 without one.

    Returns:
        float32[n, len(CUE_NAMES)]; counts as ln(1 + count).
    """
    lexicon = _lexicon()
    place = np.minimum(np.searchsorted(lexicon.keys, found.keys), len(lexicon.keys) - 1)
    hits = np.flatnonzero(lexicon.keys[place] == found.keys)
    groups, rows = lexicon.groups[place[hits]], found.texts[hits].astype(np.int64)
    starts, ends = found.positions[hits].astype(np.int64), found.positions[hits] + found.orders[hits].astype(np.int64)
    titles = np.asarray(title_lengths, dtype=np.int64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    # Texts laid out one after the other with a gap, so that one sorted search finds the negator before each word.
    offsets = np.cumsum(lengths + NEGATION_REACH + 1) - lengths
    serious = _is_serious()[groups] & (groups >= 0)
    denied = serious & _follows(starts + offsets[rows], np.sort((ends + offsets[rows])[groups < 0]))
    counted = (groups >= 0) & ~denied
    width = len(CUE_WORDS)
    counts = np.bincount(rows[counted] * width + groups[counted], minlength=len(texts) * width).reshape(-1, width)
    in_title = serious & ~denied & (starts < titles[rows])
    log_length = np.log1p(lengths)
    extra = (
        np.log1p(np.bincount(rows[denied], minlength=len(texts))),
        np.log1p(np.bincount(rows[in_title], minlength=len(texts))),
        titles > 0,
        log_length,
        log_length**2 / 10.0,
    )
    return np.asarray(np.column_stack([np.log1p(counts), *extra]), dtype=np.float32)


def _follows(starts: NDArray[np.int64], negator_ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether a negator ends at most `NEGATION_REACH` characters before each start."""
    if not len(negator_ends):
        return np.zeros(len(starts), dtype=bool)
    before = np.searchsorted(negator_ends, starts, side="right") - 1
    return (before >= 0) & (negator_ends[before] >= starts - NEGATION_REACH)


@cache
def _is_serious() -> NDArray[np.bool_]:
    return np.array([name in SERIOUS for name in CUE_WORDS])


@cache
def _lexicon() -> _Lexicon:
    words = {word: group for group, listed in enumerate(CUE_WORDS.values()) for word in listed.split()}
    words |= dict.fromkeys(NEGATORS.split(), -1)
    # Digits are folded in the texts, so they are in the table: 00户 stands for any number of two digits or more.
    keys = np.array([pack(word) for word in fold(list(words))], dtype=np.uint64)
    order = np.argsort(keys)
    return _Lexicon(keys[order], np.array(list(words.values()), dtype=np.int64)[order])
