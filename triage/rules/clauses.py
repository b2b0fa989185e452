"""What surrounds a cue: denied, supposed, asked or quoted words are no statement about now."""

from __future__ import annotations

import re

# A cue right behind one of these is denied: 没有受贿, 并未着火, 不是贪污. 不 alone is left out: 不作为 is
# itself a cue.
_DENIED = re.compile(
    r"(?:没有?|并未|并没有?|未|不是|并非|无|不要|不得|不能|不许|不存在|否认|绝不|不会|不再)[^，。；！？\s]{0,2}$"
)
# The clause talks about what might be: 如果着火怎么办, 以免燃气泄漏, 容易发生火灾, 是否乱收费.
_SUPPOSED = re.compile(
    r"如果|要是|万一|假如|假设|一旦|倘若|以免|避免|防止|杜绝|预防|容易|可能|恐怕|会不会|担心|怕|是否|有没有|随时会|将会"
    r"|会导致|会发生|引发|演练|演习|宣传|讲座|知识|比如|例如"
)
_ASKED = re.compile(
    r"如何|怎么|怎样|咨询|请问|什么流程|哪些材料|在哪里?|去哪|流程|需要什么|可不可以|能不能|能否|可否|可以"
)
# 关于…的问题》工单内容: the call-back repeats an earlier ticket.
_QUOTED = re.compile(r"工单|办件结果|答复[：:]|来电反馈|回复如下|处理结果")
# The clause repeats what others advise or what the law demands of them.
_ADVICE = re.compile(r"建议|可以|可依法|应当|应该|只能|告知|需要|必须|让(?:我|其|我们|他)|要求其|称")
_STOP = re.compile(r"[。！？；!?;\n]")
_PAUSE = re.compile(r"[，。！？；,!?;\n]")
_REACH = 40
_QUOTE_REACH = 400


def is_denied(text: str, start: int) -> bool:
    """Say whether a negation stands right before the cue at ``start``."""
    return _DENIED.search(text, max(0, start - 6), start) is not None


def is_supposed(text: str, start: int) -> bool:
    """Say whether the cue's clause speaks of a possibility, a fear or an exercise."""
    return _SUPPOSED.search(clause_before(text, start)) is not None


def is_asked(text: str, start: int, end: int) -> bool:
    """Say whether the cue's sentence asks how to do it."""
    return _ASKED.search(sentence(text, start, end)) is not None


def is_advice(text: str, start: int) -> bool:
    """Say whether the cue's clause repeats advice or a duty of others (建议向法院起诉, 只能依法申请强制执行)."""
    return _ADVICE.search(clause_before(text, start)) is not None


def is_quoted(text: str, start: int) -> bool:
    """Say whether the cue stands in a quoted earlier ticket."""
    return _QUOTED.search(text, max(0, start - _QUOTE_REACH), start) is not None


def sentence(text: str, start: int, end: int) -> str:
    """Return the sentence around ``[start, end)``, at most 40 characters to either side."""
    before = text[max(0, start - _REACH) : start]
    stops = list(_STOP.finditer(before))
    behind = text[end : end + _REACH]
    stop = _STOP.search(behind)
    return before[stops[-1].end() if stops else 0 :] + text[start:end] + behind[: stop.start() if stop else len(behind)]


def clause_before(text: str, start: int) -> str:
    """Return what stands in the clause before ``start``, at most 40 characters."""
    before = text[max(0, start - _REACH) : start]
    pauses = list(_PAUSE.finditer(before))
    return before[pauses[-1].end() if pauses else 0 :]
