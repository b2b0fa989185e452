"""Greetings and closings that say nothing about the matter (市民来电反映：…, 尊敬的领导，您好！…, 此致敬礼).

Two circles. *Courtesies* (您好, 打扰了, 谢谢, 此致敬礼) carry nothing at all: the models do not read them, so that a polite
letter is judged like a curt one. *Openers* are these and what only tells how the appeal came in or that it is meant
seriously (市民来电反映, 望领导重视): demands and explanations leave them out, the models read them. A unit that calls back
(城西派出所来电反馈) stays, because it tells who reports; so does 我要投诉, because it tells the type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from triage.text._tidy import without
from triage.text.aligned import AlignedText, Span
from triage.text.sentences import clause_starts

_CHANNEL = (
    r"来电|致电|微信|微博|网站|网上|网络|短信|公众号|公总号|市民云|电话|邮件|来信|来访|12345"
    r"|随手拍|APP|app|热线|留言"
)
_ACT = r"反映|反应|咨询|投诉|建议|求助|举报|表扬|撤销|补充|反馈|诉求|感谢"
_PERSON = r"市民|来电人|群众|网友|网民|诉求人|反映人|投诉人|来电者"
_LEADER = r"书记|市长|区长|县长|镇长|省长|局长|主任|处长|院长|校长|领导们?|同志们?|工作人员|部门|政府|平台"
# After these a clause starts but no sentence does.
_CLAUSE_MARKS = "，、）…"
_STOP = r"(?=[，。！？；：）\n ]|\Z)"

_WHO = (
    rf"(?:[A-Z]?(?:{_PERSON})(?:们|\[姓名\])?(?:再次|多次|又|二次|通过|在)*(?:{_CHANNEL}){{1,2}}|市民云|来电人|来电者)"
    rf"(?:再次|多次)?(?:{_ACT}){{1,2}}(?:称|道|说|表示)?[：，；、 ]*"
)
# 尊敬的领导我是… is a greeting of five characters; the name may only reach as far as a mark or 好 ends it.
_ADDRESS = (
    r"(?:尊敬|敬爱|亲爱)的(?:"
    rf"[^，。！？：\n我本因在请]{{0,30}}(?:{_LEADER})(?:们|先生|女士|负责人|同志)?"
    r"(?:您们?|你们?|大家)?好?[：，！。； ]+"
    rf"|[^，。！？：\n我本因在请]{{0,12}}?(?:{_LEADER})(?:们|(?:您们?|你们?|大家)?好)?)"
    rf"|各位[^，。！？：\n]{{0,6}}(?:{_LEADER}|朋友们?)[：，！。； ]+"
    r"|(?:市|区|县)?(?:领导|书记|市长|区长|县长)(?:们|同志)?：[ \n]*"
    rf"|[^，。！？：\n]{{0,10}}(?:{_LEADER})(?:们|同志|先生|女士)?[，：] *(?=大家好|[您你]们?好|见信好)"
)
_TIME_OF_DAY = r"(?:上午|下午|早上|晚上|中午)"
_HELLO = (
    rf"(?:(?:[^，。！？：；\n的]{{0,8}}(?:{_LEADER})|{_PERSON}|朋友们?|你们?|贵局)(?:{_TIME_OF_DAY}好|{_TIME_OF_DAY}?[您你]们?好)"
    rf"|(?:各位|全体)?(?:领导们?|大家)好|(?:大家|领导们?|您)?(?:{_TIME_OF_DAY}|[您你]们?)好)"
    r"(?:啊|呀|哈|吗)?[！，。：、；… ]+"
    r"|(?:亲爱|敬爱|尊敬)的[^，。！？：\n]{1,12}[您你]们?好(?:啊|呀|哈)?[！，。：、；… ]+"
    r"|(?:见信好|喂|嗨|哈[喽啰]|[Hh](?:ello|i)|HELLO|你好你好|(?:请问)?有人在?吗)[！，。：？… ]+"
)
_THEREFORE = rf"[故特现]?(?:此|特此|因此)?来电(?:{_ACT}){_STOP}"
_YOU = r"(?:您们?|你们?|大家|各位|领导们?|政府|贵局|贵单位|有关部门|相关部门|工作人员)"
_THANKS = (
    rf"(?:再次|非常|万分|十分|先行|在此|最后|先|不胜|真心|衷心|由衷|向您?)*(?:谢谢|感谢|多谢|跪谢|拜谢|叩谢|拜托|感激|感恩|致谢|谢过)+"
    rf"(?:不尽|之至|万分)?(?:{_YOU}|了|啦|哦|啊|哈|的|与|和|及|、|支持|关注|关心|帮助|理解|配合|重视|回复|阅读|聆听|耐心|辛勤|辛苦|工作|付出)*{_STOP}"
)
_WISHES = r"(?:健康|愉快|顺利|如意|快乐|幸福|安康|吉祥|平安|进步|兴隆|祺|好)"
_REGARDS = (
    rf"(?:再见|(?:给|向){_YOU}鞠躬了?|此致[，。！ \n]*(?:敬礼)?|敬礼|"
    rf"(?:并|敬|顺|谨)?祝(?:愿?{_YOU}[^，。！？\n]{{2,10}}|[^，。！？\n]{{1,8}}?{_WISHES})"
    rf"(?:[，、][^，。！？\n]{{1,6}}{_WISHES})*){_STOP}"
)
_SORRY = (
    rf"(?:很|真是|实在|非常)?(?:不好意思|冒昧|抱歉|对不起|打扰|打搅|麻烦|辛苦|有劳|劳烦|(?:又|给){_YOU}(?:又|再次)?添(?:了|些)?麻烦)"
    rf"(?:不好意思|打扰|打搅|麻烦|辛苦|{_YOU}|又|再次|到|一下|了|啦|啊){{0,6}}{_STOP}"
    rf"|(?:{_YOU}){{1,2}}都?辛苦了?啦?{_STOP}|(?:冒昧|打扰|叨扰|唐突)(?:{_YOU}|给|写信|来信|致电|之处|了){{0,4}}{_STOP}"
    rf"|(?:敬|还|多)?(?:请|望){_YOU}?(?:多多?)?(?:见谅|谅解|原谅|海涵|包涵){_STOP}|(?:让|劳){_YOU}费心了?{_STOP}"
    rf"|(?:想|要)?(?:耽误|占用){_YOU}(?:一点|一些|几分钟|两分钟|宝贵|的|一下)*(?:时间)?了?{_STOP}"
)
_BUSY = (
    rf"(?:非常|十分|万分)?(?:感谢|谢谢|希望|望|恳请|烦请|请)?{_YOU}?(?:能够?)?于?在?百忙之?[中余]"
    r"(?:抽空|抽出|宝贵|时间|能够?|来|听取?|听听|阅读?|阅览|查看|看[完到看]?|关注|过问|理会|我们?|的|这|此|封|条|信件?|来信|留言|邮件|诉求|一下|帖子)*"
    rf"{_STOP}"
)
_MATTER = r"(?:[一几两]?[个件点些]?(?:情况|问题|事情?|现象|困难))"
_ANNOUNCE = (
    rf"(?:我们?|本人)?(?:这边|这里)?(?:(?:有|遇到)(?:了)?{_MATTER})?(?:就?是?想要?|要|来|特|现|在此|需要|今天)*"
    rf"(?:[向跟和给同]{_YOU})?(?:反映|反应|说|讲|汇报|诉说|麻烦{_YOU})(?:一?下)?(?:如下|以下|下面|这样)?{_MATTER}?(?:如下)?{_STOP}"
)
_HEED = (
    rf"(?:恳请|请|敬请|望|希望|盼望?|还望|恳求)(?:各级|有关|相关|上级|市|区|县)?"
    rf"(?:领导们?|部门|政府)(?:能够?|予以|给予|引起|可以)?(?:高度|足够)?(?:重视|关注|明察|体恤|为盼){_STOP}"
)
_REPLY = (
    rf"(?:急?盼望?|期待|期盼|静候|坐等|等待|等候|(?:还|敬)?望|希望){_YOU}?(?:能够?)?(?:尽快|早日|及时|尽早|早点|速速?)?(?:给予|予以|给我们?)?"
    rf"(?:一?个)?{_YOU}?的?(?:回复|答复|回音|佳音|回信|好消息){_STOP}|盼复{_STOP}"
)
_PURPOSE = rf"特此(?:反映|投诉|举报|求助){_STOP}"
_COURTESIES = (_HELLO, _THANKS, _REGARDS, _SORRY, _BUSY, _ANNOUNCE, _REPLY)


@dataclass(frozen=True, slots=True)
class _Formulas:
    """What may stand at the start of any clause, and what only where a sentence starts."""

    at_clause: re.Pattern[str]
    at_sentence: re.Pattern[str]

    @classmethod
    def of(cls, at_clause: tuple[str, ...], at_sentence: tuple[str, ...]) -> _Formulas:
        return cls(re.compile("|".join(at_clause)), re.compile("|".join((*at_sentence, *at_clause))))

    def find(self, text: str) -> Iterator[Span]:
        at = 0
        for start in clause_starts(text):
            inside = start and _mark_before(text, start) in _CLAUSE_MARKS
            if start >= at and (match := (self.at_clause if inside else self.at_sentence).match(text, start)):
                yield Span(start, match.end())
                at = match.end()


_OPENER = _Formulas.of((*_COURTESIES, _THEREFORE, _HEED, _PURPOSE), (_WHO, _ADDRESS))
_COURTESY = _Formulas.of(_COURTESIES, (_ADDRESS,))


def find_openers(text: str) -> tuple[Span, ...]:
    """Find greetings and closings without content.

    Args:
        text: A normalised text (`triage.text.normalise`).

    Returns:
        Stretches in order, not overlapping. Linear in ``len(text)``.
    """
    return tuple(_OPENER.find(text))


def strip_courtesies(text: AlignedText) -> AlignedText:
    """Drop polite words that carry nothing, and the punctuation that only led to them.

    Args:
        text: A normalised text with its way back to the raw one.

    Returns:
        The text without courtesies; one that is nothing else stays as it is. Linear in its length.
    """
    # 市民来电反映：您好，路灯坏了 keeps its colon: what stands before it announces the rest, not the greeting.
    return without(text, _COURTESY.find(text.text), kept="：")


def _mark_before(text: str, start: int) -> str:
    """Return the last character before ``start`` that is no space; there is one behind every clause start but 0."""
    return text[start - 2] if text[start - 1] == " " and start > 1 else text[start - 1]
