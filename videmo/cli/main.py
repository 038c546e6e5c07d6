"""The command line `videmo`: stages, plans, reports, evaluation and the registry."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videmo.cli.eval import evaluate_model, score_file
from videmo.cli.missing import missing_package
from videmo.cli.options import DEFAULT, Overrides, ParamsFile, explanation, settings_of
from videmo.cli.registry import registry
from videmo.settings.errors import SettingError

if TYPE_CHECKING:
    from videmo.settings.params import Params

# No markup: importing what draws boxes around the help takes longer than everything else that `--help` does.
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120},
)
backbone = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The base model.")
app.add_typer(backbone, name="backbone")
app.add_typer(registry, name="registry")
app.command("eval")(evaluate_model)
app.command("score")(score_file)


def main() -> None:
    try:
        app()
    except SettingError as error:
        print(f"videmo: {error}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        print(f"videmo: {missing_package(error)}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:  # a full or read-only disk
        print(f"videmo: {error.filename or 'the disk'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)


@app.command("plan")
def show_plan(
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
    explain: Annotated[
        str | None, typer.Option(help="Print what a setting or section is and where it comes from.", metavar="KEY")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="Write each digest to <stage>.txt in this directory.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check cached outputs and outside files again.")] = False,
) -> None:
    """Print each stage with its digest, and whether it is cached or why it would run."""
    if explain:
        print("\n".join(explanation(params, overrides, explain)))
        return
    from videmo.pipeline.dag import plan
    from videmo.pipeline.verify import verify_plan

    settings = _settings(params, overrides)
    if verify:
        verify_plan(settings)
    steps = plan(settings)
    for step in steps:
        print(f"{step.stage:<15}  {step.digest}  {'cached' if step.cached else f'run     {step.reason}'}")
        if write:
            write.mkdir(parents=True, exist_ok=True)
            (write / f"{step.stage}.txt").write_text(step.digest + "\n", encoding="utf-8")


@app.command("stage")
def run_one_stage(
    name: Annotated[str, typer.Argument(help="A stage of `videmo plan`.")],
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
    run: Annotated[str, typer.Option(help="The run that the step belongs to.")] = "stages",
    to: Annotated[Path | None, typer.Option(help="Link the output, metrics and plots in this directory.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run it even if the store has its output.")] = False,
) -> None:
    """Run one stage, unless the store has its output."""
    from videmo.pipeline.dag import TABLE
    from videmo.pipeline.door import check_step
    from videmo.pipeline.gate_and_report import save_params
    from videmo.pipeline.run_names import check_name
    from videmo.pipeline.step import Run, run_stage
    from videmo.registry.tracking import check_tracking
    from videmo.stages.errors import error_line

    if name not in TABLE:
        raise SettingError(f"{name}: no such stage; there are {', '.join(TABLE)}")
    if TABLE[name].concludes:
        raise SettingError(f"{name}: belongs to a whole run; use videmo {name} {run}")
    check_name(run)
    check_tracking()
    settings = settings_of(params, overrides)
    check_step(settings)
    inputs = {source: to / source for source in TABLE[name].inputs} if to else None
    save_params(Run(run), settings)
    try:
        report = run_stage(name, settings, Run(run, fresh=no_cache), inputs)
    except SettingError:
        raise
    except Exception as error:
        log = Run(run).folder / "logs" / f"{name}.log"
        print(f"{name} failed: {error_line(error)}\n  log: {os.path.relpath(log)}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(f"{name} {report.digest} {json.dumps(report.metrics)}")
    if to:
        from videmo.pipeline.dvc_export import export

        export(report, to)


@app.command("verify")
def verify_outputs(
    outputs: Annotated[list[Path] | None, typer.Argument(help="Outputs of stages; the whole store by default.")] = None,
) -> None:
    """Check every file of the store's outputs. Exit code 1 if any is damaged."""
    from videmo.stages.damage import find_damage, stored_outputs

    for missing in (output for output in outputs or () if not output.is_dir()):
        raise SettingError(f"{missing}: no such directory")
    checked = outputs or stored_outputs()
    damaged = {output: files for output in checked if (files := find_damage(output))}
    for output, files in damaged.items():
        print(f"damaged: remove {output} ({', '.join(files)})")
    print(f"{len(damaged)} of {len(checked)} outputs damaged")
    raise typer.Exit(int(bool(damaged)))


@app.command("report")
def write_report_again(run: Annotated[str, typer.Argument(help="Name of the run.")] = "latest") -> None:
    """Write the report of a run again: report.html and metrics.json."""
    from videmo.pipeline.gate_and_report import write_run_report
    from videmo.pipeline.run_names import folder_of
    from videmo.registry.tracking import check_tracking

    check_tracking()
    folder = folder_of(run)
    settings = settings_of([folder / "params.yaml"], None)
    print(os.path.relpath(write_run_report(settings.model_dump(mode="json"), {"name": folder.name})))


@app.command()
def drift(before: Path, now: Path) -> None:
    """Compare the labels of two data sets (outputs of data_build). Exit code 1 if any has drifted."""
    from videmo.data.drift import compare

    for output in (before, now):
        if not (output / "stage.json").is_file():
            raise SettingError(f"{output}: not an output of data_build")
    found = compare(before, now)
    for row in found:
        print(f"{row.part:<28} index {row.index:6.3f}  p {row.p:.3g}  {row.before} -> {row.now} answers"
              f"{'  moved' if row.moved else ''}")  # fmt: skip
    raise typer.Exit(int(any(row.moved for row in found)))


@app.command()
def schedule(
    file: Annotated[Path, typer.Argument(help="A pipeline, such as pipelines/retrain.py.")],
    cron: Annotated[str, typer.Option(help="Minute, hour, day of month, month, day of week, as in crontab.")],
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
    endpoint: Annotated[str, typer.Option(help="Schedule it on this Kubeflow Pipelines server.", metavar="URL")] = "",
    name: Annotated[str, typer.Option(help="Name of the recurring run on the server.")] = "videmo",
) -> None:
    """Run a pipeline at fixed times, on a server or here while this command runs."""
    from videmo.kubeflow import pipeline_file
    from videmo.kubeflow.schedule import check_cron, schedule_here, schedule_there
    from videmo.kubeflow.submit import check_endpoint

    pipeline_file.check_path(file)
    settings = _settings(params, overrides, here=not endpoint)
    check_cron(cron)
    if endpoint:
        check_endpoint(endpoint)
        print(schedule_there(pipeline_file.load(file), settings, endpoint, name, cron))
    else:
        changes = [part for override in overrides or [] for part in ("--set", override)]
        files = [part for path in params or () for part in ("--params", str(path))]
        schedule_here([str(file), *files, *changes], cron)


@app.command("trainjob")
def show_train_job(
    name: Annotated[str, typer.Argument(help="A training stage.")],
    run: Annotated[str, typer.Option(help="The run that the step belongs to.")],
    nodes: Annotated[int, typer.Option(min=1, help="Nodes to divide execution.processes among.")] = 1,
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
) -> None:
    """Print the TrainJob that runs a training stage on several nodes."""
    import yaml

    from videmo.kubeflow.train_job import train_job
    from videmo.pipeline.dag import TABLE, plan
    from videmo.pipeline.launch import write_job
    from videmo.pipeline.run_names import check_name
    from videmo.pipeline.step import Run, planned_inputs
    from videmo.stages.store import output_of

    if name not in TABLE or not TABLE[name].distributed:
        raise SettingError(f"{name}: is not a training stage")
    check_name(run)
    settings = _settings(params, overrides)
    if settings.execution.processes % nodes:
        raise SettingError(f"execution.processes = {settings.execution.processes}: not a multiple of --nodes {nodes}")
    digest = next(step.digest for step in plan(settings) if step.stage == name)
    job = Run(run).folder / f"{name}.json"
    write_job(job, TABLE[name], settings, planned_inputs(TABLE[name], settings, Run(run)), output_of(name, digest))
    print(yaml.safe_dump(train_job(name, run, nodes, settings.execution.processes // nodes), sort_keys=False))


@backbone.command("pretrain-tiny")
def pretrain_tiny(
    output: Annotated[Path, typer.Argument(help="Directory to write the weights to.")],
    seed: int = 0,
) -> None:
    """Pretrain the tiny base model on captions of procedural scenes and faces."""
    from videmo.pretraining.pretrain_tiny import Schedule, pretrain

    print(json.dumps(pretrain(output, Schedule(seed=seed))))


def _settings(params: list[Path] | None, overrides: list[str] | None, here: bool = True) -> Params:
    """The settings of a run of the whole DAG."""
    from videmo.pipeline.door import check_run

    settings = settings_of(params, overrides)
    check_run(settings, here)
    return settings
