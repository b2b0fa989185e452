"""What a reader should know about the figures: gaps in the data, and how things were counted."""

from __future__ import annotations

from triage.reports.content import QualityNote
from triage.reports.making import Making, key_of
from triage.reports.material import MOST_TRACED, NONE
from triage.reports.period import Kind
from triage.reports.wording import THIS, moment_words

QUALITY = "数据说明"

_SMALL = 30
"""Below so many tickets rates and changes are mostly chance."""

_LACKING = {
    "district": "未能确定所属区划",
    "unit": "未能确定承办单位",
    "l1": "未能确定类别",
}

_REMARKS = {
    "no_time": "行没有可读的时间，未计入任何周期",
    "rejected": "行无法读取（空白、编号重复等），未计入",
    "supplements": "件为对已有诉求的补充，不单独计数",
    "erased": "件已按申请删除个人信息，计数保留，不再引用其内容",
    "no_words": "件尚未提取关键词，未参加主题分析",
}


def quality(making: Making) -> tuple[QualityNote, ...]:
    """Return what limits the figures."""
    found = [*_history(making), *_small(making), *_lacking(making)]
    for code, words in _REMARKS.items():
        count = making.material.remarks.get(code, 0)
        if count:
            found.append(QualityNote(code=code, text=f"有{count}{words}。", count=count))
    if making.total > len(making.material.tickets):
        listed = len(making.material.tickets)
        text = f"本期诉求{making.total}件，超过可逐件列出的{MOST_TRACED}件，附表只列{listed}件；各项统计仍按全部计算。"
        found.append(QualityNote(code="trace", text=text, count=making.total - listed))
    return tuple(found)


def _history(making: Making) -> list[QualityNote]:
    request, found = making.request, []
    if request.made_at < request.period.until:
        text = f"本期尚未结束，数据截至{moment_words(request.made_at)}，与往期比较仅供参考。"
        found.append(QualityNote(code="unfinished", text=text, count=making.total))
    if not making.total:
        return found
    start = making.material.first_day
    begin = f"记录自{start.year}年{start.month}月{start.day}日起，" if start else ""
    if not making.compare.before:
        found.append(QualityNote(code="no_previous", text=f"{begin}缺少完整的上期数据，不作环比。", count=0))
    if not making.compare.year:
        found.append(QualityNote(code="no_year", text=f"{begin}缺少完整的去年同期数据，不作同比。", count=0))
    return found


def _small(making: Making) -> list[QualityNote]:
    if not 0 < making.total < _SMALL:
        return []
    kind = making.request.period.kind
    text = f"{THIS[kind]}诉求仅{making.total}件，各项比率和升降受偶然因素影响较大。"
    return [QualityNote(code="small", text=text, count=making.total)]


def _lacking(making: Making) -> list[QualityNote]:
    found = []
    for table, words in _LACKING.items():
        missing = making.material.table(table).get(("",), NONE).now
        if missing:
            one = making.one(table, ("",), section=QUALITY, label=words)
            found.append(QualityNote(code=f"no_{table}", text=f"有{missing}件{words}。", count=missing, key=one.key))
    lost = sum(counts.now for group, counts in making.material.table("street").items() if group[0] and not group[1])
    if lost:
        ids = [one.ticket.id for one in making.material.tickets if one.ticket.district and not one.ticket.street]
        key = key_of("street", ("", "unknown"))
        making.trace.note_ids(key, section=QUALITY, label="未能确定街镇", value=lost, ids=ids)
        found.append(QualityNote(code="no_street", text=f"有{lost}件未能确定所属街镇。", count=lost, key=key))
    return found


def basis(making: Making) -> tuple[str, ...]:
    """Return where the figures come from and how they were counted."""
    request = making.request
    said = ["诉求按收到的自然日（北京时间）计入周期，对已有诉求的补充不单独计数。"]
    if making.material.source == "file":
        said.append(
            "数据来自一次性导入的文件，类别、区划、承办单位和风险均为系统研判结果，未经人工确认；办理情况不详。"
        )
    else:
        said.append("承办单位以实际派单为准，未派单的以系统首选建议计；处理状态以生成报告时为准。")
        said.append("判断突增时，往期诉求超过2万件的，以其中约2万件的随机样本为准。")
        said.append("按期办结率为办结时限在本期到期的诉求中按期办结的比例；满意率含基本满意，只计有评价的诉求。")
    if request.period.kind == Kind.DAY:
        said.append("“较前一日”为与前一自然日相比，“同比”为与上年同日相比。")
    else:
        said.append("环比为与上一周期相比，同比为与上年同期相比；“明显”指变化在统计上超出偶然（错误发现率1%）。")
    said.append("热度为0至100的指数，由数量、增长、人数、风险、范围五项相加。")
    return tuple(said)
