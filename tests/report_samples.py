"""Reports about an invented city, and the same with hostile texts: what the tests of documents render."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

from triage.reports.content import (
    Assessment,
    AssessmentRow,
    AssessmentTable,
    Categories,
    CategoryRow,
    Count,
    DayCount,
    DistrictRow,
    Districts,
    EscalationRow,
    EventRow,
    Events,
    FrequentRow,
    Heat,
    HeatPart,
    HeatTable,
    HighFrequency,
    Overdue,
    OverdueRow,
    Overview,
    QualityNote,
    Quote,
    Report,
    Risk,
    RiskRow,
    Share,
    ThemeRow,
    Ticket,
    Topics,
    Trace,
    TracedNumber,
    UnitRow,
    Units,
)
from triage.reports.period import CHINA, Kind, Period, of

Say = Callable[[str], str]

DISTRICTS = ("临澜区", "南汀区", "望江区", "青石县", "云栖区", "东麓县")
MATTERS = {
    "城乡建设": ("噪声污染", "违法建设", "道路破损", "物业管理"),
    "劳动保障": ("拖欠工资", "社会保险", "劳动合同"),
    "交通运输": ("违法停车", "公交线路", "网约车"),
    "市场监管": ("消费纠纷", "食品安全"),
    "教育文体": ("校外培训", "入学政策"),
    "卫生健康": ("医保报销", "诊疗服务"),
    "公共安全": ("消防隐患",),
    "生态环境": ("油烟扰民", "污水直排"),
    "农业农村": ("土地承包",),
}
TITLES = (
    "锦绣花园夜间施工噪声",
    "望江路路面塌陷",
    "东麓工业园拖欠工资",
    "青石县三桥公交停运",
    "云栖广场餐饮油烟",
    "澜湖小区停水",
    "南汀中学周边违法停车",
    "学府里物业费上涨",
    "北塘村污水直排",
    "红枫苑电梯故障",
    "临澜大道占道经营",
    "滨江新城延期交房",
)
STORY = "工地每晚十一点后还在打桩，孩子第二天要上学，[姓名]等多户居民反映多次，物业说管不了，希望有关部门到现场看一看"


def same(text: str) -> str:
    return text


def empty_report(kind: str = "week", day: date = date(2026, 9, 14)) -> Report:
    """A period without a single ticket, from a file: nothing is known about anything before it."""
    period = of(Kind(kind), day)
    return Report(
        kind=kind,
        title="南汀市12345热线诉求" + {"day": "日报", "week": "周报", "month": "月报", "quarter": "季报"}[kind],
        issue=period.issue,
        office="",
        area="",
        period=period,
        previous=period.before(),
        last_year=period.year_before(),
        made_at=datetime(2026, 10, 9, 7, 30, tzinfo=CHINA),
        summary=(f"{period.name}没有受理诉求。",),
        overview=_overview(period, 0, same),
        categories=Categories(text=(), rows=()),
        districts=Districts(text=(), rows=(), heat=HeatTable(of="区县", rows=(), columns=(), counts=(), keys=())),
        units=Units(text=(), rows=(), others=0),
        events=Events(text=("没有两件以上的同类事件。",), rows=(), total=0),
        topics=Topics(text=(), themes=(), emerging=(), method=""),
        high_frequency=HighFrequency(text=(), rows=(), total=0),
        risk=_no_risk(),
        overdue=None,
        quality=(QualityNote(code="empty", text="本期没有诉求，各表从略。", count=0),),
        assessment=None,
        basis=("数据来源于导入的文件。",),
        trace=Trace(tickets=(), numbers=(), complete=True, note=""),
    )


def full_report(kind: str = "week", *, total: int = 486, say: Say = same, day: date = date(2026, 9, 14)) -> Report:
    """A period with everything in it.

    Args:
        kind: day, week, month or quarter.
        total: Tickets.
        say: Changes every text that comes from outside, such as into a hostile one.
        day: Within the period.
    """
    period = of(Kind(kind), day)
    report = empty_report(kind, day)
    trace = _trace(period, total, say)
    return replace(
        report,
        title=say(report.title) if say is not same else report.title,
        office=say("南汀市12345政务服务便民热线中心"),
        summary=(
            f"{period.name}全市共受理诉求{total}件，比上期增加12.4%。",
            "城乡建设、劳动保障、交通运输三类占比较高，合计占58.2%。",
            say("锦绣花园夜间施工噪声等3个事件热度较高，新出现东麓工业园拖欠工资苗头。"),
            "新增红色、橙色诉求17件，超期未办结26件，请有关单位抓紧办理。",
        ),
        overview=_overview(period, total, say),
        categories=Categories(text=("城乡建设类居首，噪声污染上升较快。",), rows=_categories(total, say)),
        districts=Districts(
            text=("临澜区、南汀区受理量居前，两区合计占全市的47.6%。",),
            rows=tuple(_district(index, name, total, say) for index, name in enumerate((*DISTRICTS, "区划不明"))),
            heat=_heat(total, say),
        ),
        units=Units(text=("住建、人社、交警部门承办量居前。",), rows=_units(total, say), others=37),
        events=Events(text=("本期有两件以上诉求的事件共63个。",), rows=_events(period, say), total=63),
        topics=Topics(
            text=("新出现苗头2个。",),
            themes=tuple(_theme(index, say, emerging=False) for index in range(9)),
            emerging=tuple(_theme(index, say, emerging=True) for index in range(2)),
            method="以各主题自身历史为期望，按负二项分布检验，并控制错误发现率不高于5%。",
        ),
        high_frequency=HighFrequency(text=("高频诉求11个，其中本期新增4个。",), rows=_frequent(period, say), total=11),
        risk=_risk(period, say),
        overdue=_overdue(period, say),
        quality=(
            QualityNote(code="time", text="3件诉求没有受理时间，未计入每日走势。", count=3, key="quality.time"),
            QualityNote(code="unit", text="12件诉求尚未确定承办单位。", count=12, key="quality.unit"),
        ),
        assessment=_assessment(say) if kind in ("month", "quarter") else None,
        basis=("数据取自系统记录，以受理时间计入各期。", "同一诉求人的多次来电分别计数。"),
        trace=trace,
    )


def wordy_report(kind: str = "day") -> Report:
    """A report whose sentences are as long as an office would ever write them."""
    report, long = full_report(kind), ("据统计，" + "本日受理诉求情况总体平稳，" * 30 + "。",) * 4
    return replace(
        report,
        summary=long,
        overview=replace(report.overview, text=long),
        events=replace(report.events, text=long),
        topics=replace(report.topics, text=long),
        risk=replace(report.risk, text=long),
        quality=tuple(replace(note, text=long[0]) for note in report.quality),
    )


def many_report(tickets: int) -> Report:
    """A week with so many tickets, every one of them in the trace of six figures."""
    return full_report("week", total=tickets)


def _count(name: str, count: int, key: str, *, previous: int | None = None, notable: bool = False) -> Count:
    before = previous if previous is not None else max(0, count - 3)
    return Count(
        name=name, count=count, previous=before, last_year=count + 5, notable=notable, share=count / 1000, key=key
    )


def _overview(period: Period, total: int, say: Say) -> Overview:
    fourteen = tuple(period.end - timedelta(days=13 - index) for index in range(14))
    days = fourteen if period.kind == Kind.DAY else period.all_days()
    each = total // max(1, len(days))
    daily = tuple(DayCount(day=day, count=each + (index * 7) % 11 if total else 0) for index, day in enumerate(days))
    before = tuple(
        DayCount(day=entry.day - timedelta(days=len(days)), count=max(0, entry.count - 6 + index % 5))
        for index, entry in enumerate(daily)
    )
    if not total:
        nothing = tuple(Count(name=name, count=0) for name in ("红", "橙", "黄", "蓝", "无"))
        return Overview(
            text=("没有受理诉求。",),
            total=Count(name="", count=0),
            daily=daily,
            previous_daily=(),
            channels=(),
            types=(),
            risks=nothing,
            appellants=None,
            automatic=None,
            closed=None,
        )
    return Overview(
        text=(
            f"共受理诉求{total}件，日均{each}件，比上期增加12.4%，比去年同期增加8.1%。",
            "其中热线来电占七成，投诉类占比上升3.2个百分点。",
        ),
        total=_count("", total, "total", previous=int(total / 1.124), notable=True),
        daily=daily,
        previous_daily=before,
        channels=tuple(
            _count(say(name), total // part, f"channel.{name}")
            for name, part in (("热线", 2), ("微信", 4), ("网站", 8))
        ),
        types=tuple(
            _count(say(name), total // part, f"type.{name}") for name, part in (("投诉", 2), ("求助", 3), ("咨询", 6))
        ),
        risks=tuple(
            _count(name, count, f"risk.{name}")
            for name, count in (("红", 3), ("橙", 14), ("黄", 52), ("蓝", 120), ("无", total - 189))
        ),
        appellants=total - 20,
        automatic=Share(part=total // 2, whole=total, key="automatic"),
        closed=Share(part=total // 3, whole=total, key="closed"),
    )


def _categories(total: int, say: Say) -> tuple[CategoryRow, ...]:
    return tuple(
        CategoryRow(
            total=_count(say(l1), total // (index + 3), f"l1.{l1}", notable=index == 0),
            children=tuple(
                _count(say(l2), total // ((index + 3) * (place + 2)), f"l2.{l2}") for place, l2 in enumerate(children)
            ),
        )
        for index, (l1, children) in enumerate(MATTERS.items())
    )


def _district(index: int, name: str, total: int, say: Say) -> DistrictRow:
    last = name == "区划不明"
    return DistrictRow(
        rank=0 if last else index + 1,
        total=_count(say(name), total // (index + 4), f"district.{name}", notable=index == 1),
        streets=()
        if last
        else tuple(
            _count(say(street), 20 - 4 * place, f"street.{name}.{street}")
            for place, street in enumerate(("江湾街道", "学府街道", "白沙镇", "柳溪镇"))
        ),
        leading="" if last else say("噪声污染"),
    )


def _heat(total: int, say: Say) -> HeatTable:
    columns = tuple(MATTERS)
    counts = tuple(
        tuple(total // (4 + 3 * row + 2 * column) if (row + column) % 7 else 0 for column in range(len(columns)))
        for row in range(len(DISTRICTS))
    )
    keys = tuple(tuple(f"heat.{row}.{column}" for column in columns) for row in DISTRICTS)
    return HeatTable(
        of="区县", rows=tuple(map(say, DISTRICTS)), columns=tuple(map(say, columns)), counts=counts, keys=keys
    )


def _units(total: int, say: Say) -> tuple[UnitRow, ...]:
    names = (
        "市住房和城乡建设局",
        "市人力资源和社会保障局",
        "市公安局交通警察支队",
        "临澜区综合行政执法局",
        "南汀区市场监督管理局",
        "市水务集团",
        "望江区卫生健康委员会",
        "青石县农业农村局",
        "云栖区江湾街道办事处",
        "市教育局",
    )
    return tuple(
        UnitRow(
            rank=index + 1,
            total=_count(say(name), total // (index + 6), f"unit.{name}", notable=index == 2),
            on_time=Share(part=90 - index, whole=100, key=f"unit.{name}.on_time"),
            returned=Share(part=index, whole=100, key=f"unit.{name}.returned"),
            satisfied=Share(part=40 - index, whole=45, key=f"unit.{name}.satisfied") if index % 3 else None,
        )
        for index, name in enumerate(names)
    )


def _moment(period: Period, index: int) -> datetime:
    return period.since + timedelta(hours=7 + 5 * index, minutes=13 * index)


def _events(period: Period, say: Say) -> tuple[EventRow, ...]:
    parts = (("件数", 34.0), ("增长", 18.5), ("诉求人", 12.0), ("风险", 9.5))
    return tuple(
        EventRow(
            rank=index + 1,
            id=f"E2026{index:04d}",
            title=say(title),
            keywords=tuple(map(say, ("施工", "噪声", "夜间", "打桩"))),
            district=say(DISTRICTS[index % 6]),
            unit=say("市住房和城乡建设局" if index % 2 else "临澜区综合行政执法局"),
            state="已办结" if index % 4 == 3 else "处理中",
            count=_count("", 24 - 2 * index, f"event.{index}", notable=index == 0),
            size=31 - 2 * index,
            appellants=20 - index,
            first_at=_moment(period, index),
            last_at=_moment(period, index + 9),
            growth=None if index == 4 else 1.5 - 0.3 * index,
            risk_level=max(0, 4 - index // 2),
            high_frequency=period.start if index % 3 == 0 else None,
            heat=Heat(
                value=max(0.0, 74.0 - 5 * index),
                parts=tuple(HeatPart(name=name, value=3.0, points=points) for name, points in parts),
            ),
            daily=tuple((index + 3 * place) % 7 for place in range(period.days)),
            quotes=(
                Quote(appeal=f"A{index}", number=f"RX2026091400{index:02d}", text=say(STORY)),
                Quote(appeal=f"B{index}", number=f"RX2026091500{index:02d}", text=say("已经反映三次，仍未解决。")),
            ),
        )
        for index, title in enumerate(TITLES)
    )


def _theme(index: int, say: Say, *, emerging: bool) -> ThemeRow:
    l1, children = list(MATTERS.items())[index]
    return ThemeRow(
        rank=index + 1,
        name=say(f"{children[0]}（{l1}）"),
        l1=say(l1),
        l2=say(children[0]),
        keywords=(say("夜间"), say("扰民")),
        level=("市", "区县", "街镇")[index % 3],
        place=say(("", "临澜区", "南汀区学府街道")[index % 3]),
        count=_count("", 40 - 3 * index, f"theme.{index}", notable=index == 0),
        expected=11.3 + index if emerging else None,
        significance=0.0004 * (index + 1) if emerging else None,
        since=date(2026, 9, 12 + index) if emerging else None,
        heat=Heat(value=60.0 - 4 * index, parts=()),
        note="每年夏季同期偏高。" if index == 1 else "",
    )


def _frequent(period: Period, say: Say) -> tuple[FrequentRow, ...]:
    return tuple(
        FrequentRow(
            id=f"E2026{index:04d}",
            title=say(title),
            district=say(DISTRICTS[index % 6]),
            unit=say("市住房和城乡建设局"),
            began=period.start,
            new=index % 2 == 0,
            count=_count("", 9 - index, f"frequent.{index}"),
            size=12 - index,
        )
        for index, title in enumerate(TITLES[:8])
    )


def _no_risk() -> Risk:
    return Risk(
        text=(),
        new=(),
        new_total=0,
        escalations=(),
        escalations_total=0,
        open=(),
        open_total=0,
        unacknowledged=None,
    )


def _risk(period: Period, say: Say) -> Risk:
    rows = tuple(
        RiskRow(
            appeal=f"R{index}",
            number=f"RX20260914{index:04d}",
            received_at=_moment(period, index),
            level=4 if index < 3 else 3,
            color="红" if index < 3 else "橙",
            district=say(DISTRICTS[index % 6]),
            unit=say("市人力资源和社会保障局"),
            category=say("拖欠工资"),
            reason=say("群体性；上访倾向：明天到市政府门口讨说法"),
            state="处理中",
            event=say(TITLES[index % 12]) if index % 2 else "",
        )
        for index in range(17)
    )
    rises = tuple(
        EscalationRow(
            at=_moment(period, index),
            event=f"E2026{index:04d}",
            title=say(TITLES[index]),
            district=say(DISTRICTS[index % 6]),
            level_from=2,
            level_to=3 + index % 2,
            ground="repeat",
            reason=say("3日内同一事件新增5件，涉及诉求人4名"),
            number=f"RX20260915{index:04d}",
        )
        for index in range(7)
    )
    return Risk(
        text=("新增红色诉求3件、橙色14件，预警2条尚未签收。",),
        new=rows,
        new_total=17,
        escalations=rises,
        escalations_total=7,
        open=rows[3:12],
        open_total=19,
        unacknowledged=2,
    )


def _overdue(period: Period, say: Say) -> Overdue:
    rows = tuple(
        OverdueRow(
            appeal=f"O{index}",
            number=f"RX20260820{index:04d}",
            district=say(DISTRICTS[index % 6]),
            unit=say("青石县农业农村局"),
            category=say("土地承包"),
            step="办结",
            due_at=_moment(period, -index),
            days=26 - index,
            order=f"督〔2026〕{index + 1}号" if index % 2 else "",
        )
        for index in range(14)
    )
    by_unit = (_count(say("青石县农业农村局"), 14, "overdue.unit.0"), _count(say("市水务集团"), 12, "overdue.unit.1"))
    return Overdue(text=("超期未办结26件，最长超期26天。",), rows=rows, total=26, by_unit=by_unit)


def _assessment(say: Say) -> Assessment:
    def table(title: str, of_what: str, names: tuple[str, ...]) -> AssessmentTable:
        rows = tuple(
            AssessmentRow(
                rank=index + 1 if index < len(names) - 1 else 0,
                name=say(name),
                count=120 - 9 * index if index < len(names) - 1 else 4,
                responded=Share(part=98 - index, whole=100, key=f"{title}.{index}.responded"),
                finished=Share(part=95 - index, whole=100, key=f"{title}.{index}.finished"),
                on_time=Share(part=93 - index, whole=100, key=f"{title}.{index}.on_time"),
                returned=Share(part=2 + index, whole=100, key=f"{title}.{index}.returned"),
                solved=Share(part=80 - index, whole=90, key=f"{title}.{index}.solved"),
                satisfied=Share(part=0, whole=0, key=f"{title}.{index}.satisfied")
                if index == 3
                else Share(part=70 - index, whole=80, key=f"{title}.{index}.satisfied"),
                score=96.4 - 1.7 * index if index < len(names) - 1 else None,
                note="" if index < len(names) - 1 else "不足10件，不参与排名",
            )
            for index, name in enumerate(names)
        )
        formula = "得分＝响应率×10＋办结率×20＋按期率×20＋（1－退单率）×10＋解决率×20＋满意率×20。"
        return AssessmentTable(title=title, of=of_what, rows=rows, formula=formula)

    units = (
        "市住房和城乡建设局",
        "市人力资源和社会保障局",
        "市公安局交通警察支队",
        "市水务集团",
        "市教育局",
        "市体育局",
    )
    return Assessment(
        text=("本期考核承办单位5个、区县6个，满意率按回访评价计算。",),
        tables=(table("承办单位考核", "承办单位", units), table("区县考核", "区县", (*DISTRICTS, "高新区"))),
    )


def _trace(period: Period, total: int, say: Say) -> Trace:
    tickets = tuple(
        Ticket(
            id=f"A{index:06d}",
            number=say(f"RX202609{index:06d}"),
            received_at=period.since + timedelta(minutes=index % 1400),
            channel="热线",
            district=say(DISTRICTS[index % 6]),
            street="江湾街道",
            unit=say("市住房和城乡建设局"),
            l1="城乡建设",
            l2="噪声污染",
            type="投诉",
            risk_level=index % 5,
            event=f"E2026{index % 12:04d}",
        )
        for index in range(total)
    )
    every = tuple(range(total))
    numbers = [
        TracedNumber(key="total", section="总体情况", label="诉求总量", value=total, tickets=every),
        *(
            TracedNumber(
                key=f"risk.{name}",
                section="总体情况",
                label=f"{name}色诉求",
                value=len(every[level::5]),
                tickets=every[level::5],
            )
            for level, name in enumerate(("无", "蓝", "黄", "橙", "红"))
        ),
    ]
    return Trace(tickets=tickets, numbers=tuple(numbers), complete=True, note="")
