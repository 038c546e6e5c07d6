"""The command line `videmo`: single stages, plans, reports, and the commands of the rooms."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from videmo.config import Params, SettingError, load_params
from videmo.orchestration.dag import TABLE, plan

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
backbone = typer.Typer(no_args_is_help=True, help="The model that everything starts from.")
app.add_typer(backbone, name="backbone")

ParamsFile = Annotated[Path, typer.Option("--params", help="Settings.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a setting.", metavar="SECTION.KEY=VALUE")]
DEFAULT = Path("params.yaml")


def main() -> None:
    try:
        app()
    except SettingError as error:
        print(f"videmo: {error}", file=sys.stderr)
        sys.exit(2)


@app.command("plan")
def show_plan(
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
    write: Annotated[Path | None, typer.Option(help="Write each digest to <stage>.txt in this directory.")] = None,
) -> None:
    """Print each stage, its digest, and whether it is cached or why it would run."""
    steps = plan(_settings(params, overrides))
    for step in steps:
        print(f"{step.stage:<15}  {step.digest}  {'cached' if step.cached else f'run     {step.reason}'}")
        if write:
            write.mkdir(parents=True, exist_ok=True)
            (write / f"{step.stage}.txt").write_text(step.digest + "\n", encoding="utf-8")


@app.command("stage")
def run_one_stage(
    name: Annotated[str, typer.Argument(help=", ".join(TABLE))],
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
    run: Annotated[str, typer.Option(help="The run that the step belongs to.")] = "stages",
    to: Annotated[
        Path | None, typer.Option(help="Link the output, its metrics and plots below this directory.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Make the output again.")] = False,
) -> None:
    """Run one stage, or find its output in the store."""
    from videmo.orchestration.outcome import save_params
    from videmo.orchestration.step import Run, run_stage

    if name not in TABLE:
        raise SettingError(f"{name}: no such stage; there are {', '.join(TABLE)}")
    settings = _settings(params, overrides)
    inputs = {source: to / source for source in TABLE[name].inputs} if to else None
    save_params(Run(run), settings)
    report = run_stage(name, settings, Run(run, fresh=no_cache), inputs)
    print(f"{name} {report.digest} {json.dumps(report.metrics)}")
    if to:
        from videmo.orchestration.export import export

        export(report, to)


@app.command("report")
def write_report_again(run: Annotated[str, typer.Argument(help="Name of the run.")] = "latest") -> None:
    """Write report.html and metrics.json of a run again."""
    from videmo.orchestration.outcome import write_run_report
    from videmo.stage import home

    folder = home() / "runs" / run
    if not folder.is_dir():
        raise SettingError(f"{run}: no such run in {home() / 'runs'}")
    settings = load_params(folder / "params.yaml")
    print(os.path.relpath(write_run_report(settings.model_dump(mode="json"), {"name": folder.resolve().name})))


@backbone.command("pretrain-tiny")
def pretrain_tiny(
    output: Annotated[Path, typer.Argument(help="Directory to write the weights to.")],
    seed: int = 0,
) -> None:
    """Teach the tiny backbone to see and to speak, on plain captions of procedural scenes and faces."""
    from videmo.training.pretrain_tiny import Schedule, pretrain

    print(json.dumps(pretrain(output, Schedule(seed=seed))))


def _settings(params: Path, overrides: list[str] | None) -> Params:
    from videmo.orchestration.outside import check_outside

    settings = load_params(params, overrides)
    check_outside(settings)
    return settings
