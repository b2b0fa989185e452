"""Column names: which column of a city's table holds the id, the content, the time …

Every system exports other headers (留言编号, 工单编号, ticket_id …). A header is compared after folding:
full-width forms, case, spaces, byte-order marks and a trailing remark such as ``诉求内容（必填）*`` do not
matter. What is written after an appeal was handled (reply, closing_note, last_update, status …) has no
canonical name on purpose: it never becomes input.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from triage.errors import InputError

ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": (
        "id", "ticket_id", "appeal_id", "case_id", "order_id", "order_no", "ticket_no", "工单编号",
        "工单号", "工单号码", "留言编号", "诉求编号", "受理编号", "信访编号", "登记编号", "案件编号",
        "案件号", "事件单号", "受理单号", "流水号", "业务编号", "任务号", "单号", "编号", "工单id", "主键",
    ),
    "title": (
        "title", "subject", "标题", "留言主题", "留言标题", "工单标题", "诉求标题", "诉求主题", "来电主题",
        "信件标题", "信件主题", "事件标题", "问题标题", "主题", "题目",
    ),
    "content": (
        "content", "text", "description", "body", "message", "诉求内容", "留言详情", "留言内容", "工单内容",
        "来电内容", "反映内容", "反映问题", "问题描述", "问题内容", "诉求描述", "诉求详情", "事件描述",
        "事件内容", "信件内容", "来信内容", "投诉内容", "信访内容", "主要内容", "详细内容", "内容描述",
        "工单描述", "具体内容", "正文", "内容", "诉求", "描述",
    ),
    "created_at": (
        "created_at", "created_date", "create_time", "created", "time", "date", "datetime", "timestamp",
        "received_at", "时间", "留言时间", "受理时间", "来电时间", "登记时间", "创建时间", "诉求时间",
        "提交时间", "来信时间", "反映时间", "上报时间", "投诉时间", "工单时间", "建单时间", "受理日期",
        "来电日期", "登记日期", "创建日期", "留言日期", "日期",
    ),
    "user": (
        "user", "username", "user_name", "user_id", "caller", "appellant", "用户", "留言用户", "来电人",
        "来电人姓名", "姓名", "诉求人", "诉求人姓名", "反映人", "投诉人", "信访人", "市民姓名", "联系人",
        "用户名", "来信人", "写信人", "举报人", "申请人",
    ),
    "address": (
        "address", "location", "地址", "诉求地址", "事发地址", "事发地点", "事件地址", "问题地址",
        "发生地址", "发生地点", "地点", "详细地址", "案发地址", "位置",
    ),
    "channel": (
        "channel", "渠道", "来源", "受理渠道", "来源渠道", "诉求渠道", "诉求来源", "工单来源", "受理方式",
        "来电渠道", "信息来源", "上报来源",
    ),
    "unit": (
        "unit", "处置单位", "承办单位", "主办单位", "办理单位", "处理单位", "责任单位", "承办部门",
        "处置部门", "主办部门", "办理部门", "处理部门", "责任部门", "派遣单位",
    ),
    "l1": ("l1", "一级类别", "一级分类", "一级标签", "一级类目", "诉求一级分类"),
    "l2": ("l2", "二级类别", "二级分类", "二级标签", "二级类目", "诉求二级分类"),
    "dept": ("dept", "function", "职能", "职能部门", "职能局"),
    "type": ("type", "诉求类型", "工单类型", "诉求类别", "业务类型", "事项类型", "信件类型", "类型"),
    "risk": ("risk", "risk_level", "风险", "风险等级", "风险级别"),
    "factors": ("factors", "risk_factors", "风险因素", "风险因子"),
    "evidence": ("evidence", "风险依据", "证据"),
    "event": ("event", "event_id", "事件编号", "同一事件", "事件id"),
    "batch": ("batch", "批次"),
    "emergency": ("emergency", "紧急", "是否紧急", "应急"),
}  # fmt: skip
"""Canonical name → headers that mean it, the preferred first."""

INPUTS = ("id", "title", "content", "created_at", "user", "address", "channel")
"""What a decision may read: known at the moment the appeal arrives."""

_REMARK = re.compile(r"\([^()]{0,40}\)$")
_IGNORED = re.compile(r"[\s_\-:*\ufeff\u200b-\u200f\u2060]+")


def fold_header(header: str) -> str:
    """Return the comparison form of a column header, e.g. ``' Ｔicket ID（必填）'`` → ``'ticketid'``."""
    text = _IGNORED.sub("", unicodedata.normalize("NFKC", header[:200]).casefold())
    return _REMARK.sub("", text) or text


_CANONICAL: Mapping[str, tuple[str, int]] = {
    fold_header(alias): (name, rank) for name, aliases in ALIASES.items() for rank, alias in enumerate(aliases)
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnMap:
    """Which source columns feed which canonical names, for one header.

    Attributes:
        sources: Canonical name → source header; for ``created_at`` the first of `times`.
        times: All source headers that hold a time of arrival; of two, the earlier time wins.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    times: tuple[str, ...] = ()

    def source(self, name: str) -> str:
        """Return the source header of canonical ``name``; ``name`` itself where no column has it."""
        return self.sources.get(name, name)


def map_columns(header: Iterable[str], mapping: Mapping[str, str]) -> ColumnMap:
    """Recognise the columns of ``header``.

    Args:
        header: Column names as the file has them.
        mapping: Canonical name → source column, as the user gave it; wins over recognition and is
            exclusive, so a mapped ``created_at`` switches the rule of the earlier time off.

    Returns:
        The map; names in ``mapping`` whose column is absent are left out (see `check_mapping`).
    """
    present = {fold_header(name): name for name in reversed(list(header))}
    chosen: dict[str, list[tuple[int, str]]] = {}
    for folded, name in present.items():
        if folded in _CANONICAL:
            canonical, rank = _CANONICAL[folded]
            chosen.setdefault(canonical, []).append((rank, name))
    sources = {canonical: min(found)[1] for canonical, found in chosen.items()}
    times = tuple(name for _, name in sorted(chosen.get("created_at", [])))
    for canonical, wanted in mapping.items():
        source = present.get(fold_header(wanted))
        if source is not None:
            sources[canonical] = source
            times = (source,) if canonical == "created_at" else times
    return ColumnMap(sources=sources, times=times)


def check_mapping(header: Sequence[str], mapping: Mapping[str, str], required: Collection[str]) -> None:
    """Refuse a mapping to columns that do not exist, and a table without a required column.

    Raises:
        InputError: Names the missing column, the columns present and the remedy.
    """
    listed = "、".join(name[:40] for name in header[:60] if name.strip()) or "（无）"
    present = {fold_header(name) for name in header}
    for canonical, wanted in mapping.items():
        if canonical not in ALIASES:
            names = "、".join(ALIASES)
            raise InputError(f"--column 不认识“{canonical}”；可用的名称：{names}")
        if fold_header(wanted) not in present:
            raise InputError(f"--column {canonical}={wanted}：表中没有“{wanted}”列；现有的列：{listed}")
    found = map_columns(header, mapping).sources
    for name in required:
        if name not in found:
            raise InputError(f"没有找到{_LABELS[name]}列；请用 --column {name}=列名 指定；现有的列：{listed}")


_LABELS: Mapping[str, str] = {
    "id": "编号", "title": "标题", "content": "诉求内容", "created_at": "时间", "user": "用户",
    "address": "地址", "channel": "渠道",
    "unit": "承办单位", "l1": "一级类别", "l2": "二级类别", "dept": "职能", "type": "诉求类型",
    "risk": "风险等级",
    "factors": "风险因素", "evidence": "风险依据", "event": "事件编号", "batch": "批次",
    "emergency": "紧急",
}  # fmt: skip
