"""`triage train` and `triage evaluate`: light to import, so that `triage --help` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from triage.commands.run import Instructions
from triage.commands.stores import Data


def train(
    tickets: Annotated[
        Path | None, typer.Argument(help="历史工单 / handled tickets (csv, xlsx, jsonl)", show_default=False)
    ] = None,
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="模型包目录 / folder of the new bundle")],
    from_store: Annotated[
        bool, typer.Option("--from-store", help="从数据库中的人工派单学习 / learn from people's decisions in the store")
    ] = False,
    data: Data = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="学习最近多少天 / how far back, with --from-store")] = 730,
    promote: Annotated[
        bool, typer.Option("--promote", help="不差于现用模型即启用 / make it active unless it is worse")
    ] = False,
    label: Annotated[str, typer.Option(help="答案列 / column with the right answer")] = "unit",
    units: Annotated[Path | None, typer.Option(help="单位名录 / list of units (csv, xlsx)")] = None,
    dev: Annotated[Path | None, typer.Option(help="检验工单 / tickets to judge the bundle on")] = None,
    instructions: Annotated[
        Instructions, typer.Option(help="话务员派单指令：保留或去除 / call-takers' instructions")
    ] = Instructions.STRIP,
    titles: Annotated[bool, typer.Option(help="是否使用标题 / use titles")] = True,
    column: Annotated[list[str] | None, typer.Option(help="列名对应 / e.g. content=诉求描述")] = None,
    config: Annotated[Path | None, typer.Option(help="训练配置 / recipe (TOML)")] = None,
    encoder: Annotated[bool, typer.Option(help="是否使用语义编码器 / let the shipped encoder read too")] = True,
) -> None:
    """用本市历史工单训练本地模型包 / Train a local bundle on a city's history."""
    from training.train_command import TrainOptions, run_train

    run_train(
        TrainOptions(
            tickets=tickets,
            output=output,
            label=label,
            units=units,
            dev=dev,
            strip=instructions is Instructions.STRIP,
            titles=titles,
            columns=tuple(column or ()),
            config=config,
            from_store=from_store,
            data=data,
            days=days,
            promote=promote,
            encoder=encoder,
        )
    )


def evaluate(
    file: Annotated[Path, typer.Argument(help="带标注列的工单 / appeals with gold columns (csv, xlsx, jsonl)")],
    bundle: Annotated[Path | None, typer.Option(help="模型包目录 / bundle folder; default: the base bundle")] = None,
    label: Annotated[str, typer.Option(help="答案列 / column with the right answer")] = "unit",
    units: Annotated[Path | None, typer.Option(help="单位名录 / list of units (csv, xlsx)")] = None,
    events: Annotated[Path | None, typer.Option(help="同事件标注 / same-event file (id, event, batch)")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="对照：用此文件训练 TF-IDF+SVM 与 fastText / train baselines on this file")
    ] = None,
    precision: Annotated[float, typer.Option(min=0.5, max=0.999, help="自动派单目标准确率 / target")] = 0.95,
    instructions: Annotated[Instructions | None, typer.Option(help="默认同训练时 / default: as trained")] = None,
    column: Annotated[list[str] | None, typer.Option(help="列名对应 / e.g. content=诉求描述")] = None,
    encoder: Annotated[bool, typer.Option(help="是否使用语义编码器 / let the shipped encoder read too")] = True,
    output: Annotated[Path, typer.Option("-o", "--output", help="指标文件 / metrics file")] = Path("metrics.json"),
) -> None:
    """按标注列评测 / Judge decisions against gold columns; prints a table and writes metrics.json."""
    from training.evaluate_command import EvaluateOptions, run_evaluate

    run_evaluate(
        EvaluateOptions(
            file=file,
            bundle=bundle,
            label=label,
            units=units,
            events=events,
            baseline=baseline,
            precision=precision,
            strip=None if instructions is None else instructions is Instructions.STRIP,
            columns=tuple(column or ()),
            output=output,
            encoder=encoder,
        )
    )
