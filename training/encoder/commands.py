"""The command line of the encoder's training; torch is loaded only when a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="语义编码器的训练 / training of the encoder"
)

Config = Annotated[Path, typer.Option(help="训练配置 / recipe (TOML)")]
Corpus = Annotated[Path, typer.Option(help="语料目录 / folder of the corpora")]
Work = Annotated[Path, typer.Option(help="工作目录 / folder of checkpoints")]

_CONFIG = Path("training/configs/encoder_cpu.toml")
_CORPUS = Path("../shared/data")
_WORK = Path("out/encoder")
_FOLDER = Path("models/bundles/encoder")


@app.callback()
def encoder() -> None:
    """训练、评测、导出编码器 / Train, judge and export the encoder."""


@app.command()
def train(
    config: Config = _CONFIG,
    corpus: Corpus = _CORPUS,
    work: Work = _WORK,
    resume: Annotated[bool, typer.Option(help="从检查点继续 / go on from the last checkpoint")] = False,
) -> None:
    """训练编码器 / Train the encoder: vocabulary, language model, tasks and contrast."""
    from training.encoder.recipe import load_encoder_recipe
    from training.encoder.run import EncoderRun
    from training.encoder.watch import Watch

    with Watch() as watch:
        run = EncoderRun(load_encoder_recipe(config), corpus, work, say=watch.say, report=watch.report)
        run.train(resume=resume)


@app.command()
def evaluate(config: Config = _CONFIG, corpus: Corpus = _CORPUS, work: Work = _WORK) -> None:
    """评测最近的检查点 / Judge the last checkpoint on the fixed fold and the dev texts."""
    from training.encoder.card import figures_table
    from training.encoder.reading import network_reader
    from training.encoder.recipe import load_encoder_recipe
    from training.encoder.release import yardstick
    from training.encoder.run import EncoderRun
    from training.encoder.watch import Watch

    with Watch() as watch:
        run = EncoderRun(load_encoder_recipe(config), corpus, work, say=watch.say, report=watch.report)
        trained = run.load()
        figures = yardstick(trained, run.pool, corpus, work, say=watch.say).judge(network_reader(trained))
    typer.echo(f"{figures['date']}\n{figures_table(figures)}\n{figures['nearest']}")


@app.command()
def ship(
    config: Config = _CONFIG,
    corpus: Corpus = _CORPUS,
    work: Work = _WORK,
    output: Annotated[Path, typer.Option("-o", "--output", help="编码器目录 / folder of the encoder")] = _FOLDER,
) -> None:
    """导出、评测并写入编码器目录 / Export to int8, judge, and write the encoder's folder."""
    from training.encoder.recipe import load_encoder_recipe
    from training.encoder.release import release
    from training.encoder.run import EncoderRun
    from training.encoder.watch import Watch

    with Watch() as watch:
        run = EncoderRun(load_encoder_recipe(config), corpus, work, say=watch.say, report=watch.report)
        typer.echo(release(run, corpus, output, say=watch.say))
