"""The `kfp` command: `kfp run FILE.py`, added to the stock command line, which gets everything else untouched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer

from videmo.config import Params, SettingError, load_params
from videmo.orchestration.outside import check_outside

if TYPE_CHECKING:
    from videmo.orchestration.pipeline_file import PipelineFile

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def main() -> None:
    """Entry point of `kfp`."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"] and not _is_stock(arguments[1:]):
        sys.exit(_run(arguments[1:]))
    from kfp.cli.__main__ import main as stock_main

    stock_main()


@app.command(
    name="run", epilog="In --params and --set, settings that are not named have the defaults of videmo.config."
)
def run_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.py", help="A file with one pipeline, such as pipelines/full.py.")
    ],
    params: Annotated[Path | None, typer.Option(help="Settings; params.yaml by default.", metavar="FILE")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting.", metavar="SECTION.KEY=VALUE")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would run and why; run nothing.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Make again what the store has.")] = False,
    endpoint: Annotated[str, typer.Option(help="Submit to this Kubeflow Pipelines server.", metavar="URL")] = "",
    name: Annotated[str, typer.Option(help="Name of the run; the date and time by default.")] = "",
) -> None:
    """Run the pipeline in FILE.py on this machine, or on a server with --endpoint."""
    from videmo.orchestration import pipeline_file

    pipeline_file.check_path(file)
    settings = load_params(params or _default_params(file), set_)
    check_outside(settings)
    run_name = pipeline_file.run_name(name)
    if endpoint:
        from videmo.orchestration.submit import check_endpoint

        check_endpoint(endpoint)
    pipeline = pipeline_file.load(file)
    if plan:
        _show_plan(settings, pipeline)
    elif endpoint:
        from videmo.orchestration.submit import submit

        print(submit(pipeline, settings, endpoint, run_name, fresh=no_cache))
    else:
        from videmo.orchestration.local import run_here

        raise typer.Exit(run_here(pipeline, settings, run_name, fresh=no_cache))


def _run(arguments: list[str]) -> int:
    if not arguments or arguments in (["--help"], ["-h"]):
        return _help(exit_code=0 if arguments else 2)
    command = typer.main.get_command(app)
    try:
        return command.main(arguments, prog_name="kfp run", standalone_mode=False) or 0
    except SettingError as error:
        return _refuse(str(error))
    except click.UsageError as error:
        return _refuse(error.format_message())
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130


def _refuse(message: str) -> int:
    print(f"kfp run: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _is_stock(arguments: list[str]) -> bool:
    """Whether `kfp run ARGUMENTS` is for the stock command line: its first word is one of the stock subcommands."""
    first = arguments[0] if arguments else ""
    if not first or first.startswith("-") or first.endswith(".py"):
        return False
    return first in _stock_run().commands


def _help(exit_code: int) -> int:
    command = typer.main.get_command(app)
    print(command.get_help(typer.Context(command, info_name="kfp run")))
    print("\nWith a server, the stock commands (kfp [--endpoint URL] run COMMAND):")
    for name, stock in sorted(_stock_run().commands.items()):
        print(f"  {name:<12} {stock.get_short_help_str(limit=90)}")
    return exit_code


def _stock_run() -> click.Group:
    from kfp.cli.run import run

    return run


def _default_params(file: Path) -> Path:
    """params.yaml of the current directory, or of the nearest directory above the pipeline."""
    places = (Path.cwd(), *file.resolve().parents)
    return next((place / "params.yaml" for place in places if (place / "params.yaml").is_file()), Path("params.yaml"))


def _show_plan(params: Params, pipeline: PipelineFile) -> None:
    from videmo.orchestration.dag import plan

    steps = [step for step in plan(params) if step.stage in pipeline.stages]
    width = max((len(step.stage) for step in steps), default=0)
    for step in steps:
        print(f"{step.stage:<{width}}  {step.digest}  {'cached' if step.cached else 'run   '}  {step.reason}")
    print(f"{sum(not step.cached for step in steps)} of {len(steps)} steps would run")
