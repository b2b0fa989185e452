"""``triage terms`` and ``triage admission``: what is due and overdue, by which rules, and what may go down to the grid."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from triage.commands.stores import Data, cells, group, opened, show, table

terms = group("办理时限：在办、督办清单、规则 / Terms: open ones, what to supervise, the rules.")
admission = group("准入清单：列表、导入 / Admission list: list, import.")

_STATES = {True: "超期", False: "在办"}


@terms.callback()
def _terms() -> None:
    pass


@admission.callback()
def _admission() -> None:
    pass


@terms.command("list")
def list_command(
    overdue: Annotated[bool, typer.Option("--overdue", help="只列超期 / Only what is over.")] = False,
    unit: Annotated[str, typer.Option(help="只列该单位 / Only this unit's.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="最多列出 / At most.")] = 50,
    data: Data = None,
) -> None:
    """列出在办时限，先到期的在前 / List open terms, what ends first at the top."""
    from datetime import UTC, datetime

    from triage.casework import term_lists
    from triage.store.access import SYSTEM

    wanted = term_lists.TermFilter(overdue=True if overdue else None, unit=unit)
    with opened(data) as store:
        page = term_lists.standing(store.database, SYSTEM, wanted, now=datetime.now(UTC), limit=limit)
    rows = table("编号", "诉求", "环节", "单位", "截止", "状态", "依据")
    for view in page.items:
        term = view.term
        number = view.reference or str(term.appeal_id)
        rows.add_row(*cells(number, view.title, view.name, term.unit, term.due_at, _STATES[view.overdue], term.rule))
    show(rows)
    if page.next:
        typer.echo(f"仅列出前 {limit} 项", err=True)


@terms.command("supervision")
def supervision_command(
    limit: Annotated[int, typer.Option(min=1, max=200, help="最多列出 / At most.")] = 50,
    data: Data = None,
) -> None:
    """列出应督办的诉求：超期、重复、多次退单 / List what should be supervised: overdue, repeated, returned."""
    from datetime import UTC, datetime

    from triage.casework import term_lists
    from triage.rules import color
    from triage.store.access import SYSTEM

    with opened(data) as store:
        found = term_lists.to_supervise(store.database, SYSTEM, now=datetime.now(UTC), limit=limit)
    rows = table("编号", "诉求", "区划", "单位", "风险", "截止", "原因")
    for one in found:
        number = one.reference or str(one.appeal_id)
        reasons = "；".join(one.reasons)
        rows.add_row(*cells(number, one.title, one.district, one.unit, color(one.risk_level), one.due_at, reasons))
    show(rows)


@terms.command("rules")
def rules_command(
    year: Annotated[
        int | None, typer.Option(help="核对该年放假安排是否已知 / Is this year's calendar known?", show_default=False)
    ] = None,
) -> None:
    """核对并列出现行规则（TRIAGE_RULES、TRIAGE_PRESET） / Check and show the rules in force."""
    from datetime import UTC, datetime

    from triage.casework.channels import ChannelBook
    from triage.rules.book import CityRules, rules_folder
    from triage.rules.deadlines import STEPS

    rules = CityRules.read(os.environ)
    book = ChannelBook.of_city(rules_folder(os.environ))
    deadlines = rules.deadlines
    rows = table("环节", "紧急", "水电气热", "其余", "依据")
    for step, terms_of in {"accept": deadlines.accept, "finish": deadlines.finish, **deadlines.steps}.items():
        urgent = [str(terms_of.get(kind, "")) for kind in ("emergency", "utilities")]
        others = "、".join(
            f"{kind} {term}" if kind != "*" else str(term)
            for kind, term in terms_of.items()
            if kind not in ("emergency", "utilities")
        )
        rows.add_row(*cells(STEPS[step], *urgent, others, deadlines.basis.get(step, "")))
    show(rows)
    extension = (
        f"可延期{deadlines.extensions}次，每次最长{deadlines.extension}" if deadlines.extension else "不允许延期"
    )
    typer.echo(
        f"{deadlines.title}：{extension}；准入清单 {len(rules.admission.items)} 项；渠道 {len(book.channels)} 个"
    )
    this = datetime.now(UTC).year
    for wanted in (year,) if year else (this, this + 1):
        if not deadlines.calendar.knows(wanted):
            typer.echo(f"{wanted}年放假安排未知，工作日仅按周末推算；请在 holidays.json 中补充", err=True)


@admission.command("list")
def admission_list_command(data: Data = None) -> None:
    """列出现行准入清单 / Show the admission list in force."""
    from triage.casework.admission import in_force
    from triage.rules.book import CityRules
    from triage.store.access import SYSTEM

    with opened(data) as store:
        view = in_force(store.database, SYSTEM, rules=CityRules.read(os.environ))
    rows = table("事项", "最低层级", "适用词", "除外词")
    for item in view.items:
        rows.add_row(*cells(item.name, item.lowest, item.words, item.barred))
    show(rows)
    typer.echo("来源：导入的清单" if view.imported else "来源：规则文件")


@admission.command("import")
def admission_import_command(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="准入清单 json / The list, as admission.json.", show_default=False)
    ],
    data: Data = None,
) -> None:
    """以此清单取代现有清单，旧记录保留 / Make this list the valid one; earlier items are kept."""
    from datetime import UTC, datetime

    from triage.casework.admission import apply_admission
    from triage.store.access import SYSTEM

    with opened(data) as store:
        done = apply_admission(store.database, SYSTEM, source, at=datetime.now(UTC))
    typer.echo(f"新增 {done.added}，变更 {done.changed}，撤出 {done.withdrawn}，未变 {done.unchanged}")
