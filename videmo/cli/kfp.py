"""The `kfp` command: `kfp run FILE.py`, added to the stock command line, which still handles everything else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from videmo.cli.missing import missing_package
from videmo.settings.errors import SettingError

if TYPE_CHECKING:
    from videmo.kubeflow.pipeline_file import PipelineFile
    from videmo.settings.params import Params

# What the stock command has below `run`; asking it takes as long as importing every client of every cloud.
STOCK_COMMANDS = {
    "archive": "Archive a pipeline run.",
    "create": "Submit a pipeline run.",
    "delete": "Delete a pipeline run.",
    "get": "Get information about a pipeline run.",
    "list": "List pipeline runs.",
    "unarchive": "Unarchive a pipeline run.",
}


def main() -> None:
    """Entry point of `kfp`."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"] and not _is_stock(arguments[1:]):
        sys.exit(_while_read(_run, arguments[1:]))
    from kfp.cli.__main__ import main as stock_main

    stock_main()


@click.command(name="run", epilog="Settings stack: params.yaml, then each --params, then --set.")
@click.argument("file", metavar="FILE.py", type=click.Path(path_type=Path))
@click.option(
    "--params",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings on top of params.yaml; repeatable.",
)
@click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Change a setting; repeatable.")
@click.option("--explain", metavar="KEY", help="Print a setting and where its value comes from.")
@click.option("--plan", is_flag=True, help="Show what would run and why, without running it.")
@click.option("--verify", is_flag=True, help="Check cached outputs and outside files by content.")
@click.option("--no-cache", is_flag=True, help="Run every step, even if the store has its output.")
@click.option("--endpoint", metavar="URL", help="Submit to this Kubeflow Pipelines server.")
@click.option("--name", help="Name of the run; the date and time by default.")
def run_file(
    file: Path,
    params: tuple[Path, ...],
    overrides: tuple[str, ...],
    explain: str | None,
    plan: bool,
    verify: bool,
    no_cache: bool,
    endpoint: str | None,
    name: str | None,
) -> int | None:
    """Run the pipeline in FILE.py on this machine, or on a server with --endpoint."""
    from videmo.kubeflow import pipeline_file

    pipeline_file.check_path(file)
    from videmo.settings import params as settings_of_run
    from videmo.settings.layers import stack

    layers = stack(params, overrides, near=file)
    settings = settings_of_run.resolve(layers)
    if explain:
        print("\n".join(settings_of_run.explain(settings, layers, explain)))
        return None
    _check(settings, name, endpoint)
    pipeline = pipeline_file.load(file, here=endpoint is None)
    if verify:
        from videmo.pipeline.verify import verify_plan

        verify_plan(settings)
    if plan:
        _show_plan(settings, pipeline, fresh=no_cache)
        return None
    return _start(pipeline, settings, layers.origins, endpoint, name, fresh=no_cache)


def _check(settings: Params, name: str | None, endpoint: str | None) -> None:
    """Refuse at the door what would only fail later: on this machine, or on the server at `endpoint`."""
    from videmo.pipeline.door import check_run
    from videmo.pipeline.run_names import check_name

    check_run(settings, here=endpoint is None)
    check_name(name)
    if endpoint is not None:
        from videmo.kubeflow.submit import check_endpoint

        check_endpoint(endpoint)


def _start(
    pipeline: PipelineFile,
    settings: Params,
    origins: Mapping[str, str],
    endpoint: str | None,
    name: str | None,
    fresh: bool,
) -> int:
    """Run the pipeline here, or submit it to the server at `endpoint`. Returns the exit code."""
    if endpoint is None:
        from videmo.kubeflow.local_runner import run_here

        return run_here(pipeline, settings, name, fresh=fresh, origins=origins)
    from videmo.kubeflow.submit import submit
    from videmo.pipeline.run_names import free_name

    print(submit(pipeline, settings, endpoint, name or free_name(), fresh=fresh))
    return 0


def _run(arguments: list[str]) -> int:
    if not arguments or arguments in (["--help"], ["-h"]):
        return _help(exit_code=0 if arguments else 2)
    try:
        return run_file.main(arguments, prog_name="kfp run", standalone_mode=False) or 0
    except SettingError as error:
        return _refuse(str(error))
    except click.UsageError as error:
        return _refuse(error.format_message())
    except (KeyboardInterrupt, click.Abort):
        return 130
    except BrokenPipeError:
        raise
    except ModuleNotFoundError as error:
        _refuse(missing_package(error))
        return 1
    except OSError as error:
        _refuse(f"{error.filename or 'the run'}: {error.strerror or error}")
        return 1


def _while_read(run: Callable[[list[str]], int], arguments: list[str]) -> int:
    """Run, and end quietly when the reader of a pipe is gone: `kfp run --help | head`."""
    try:
        code = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's own flush at the end
        return 1
    return code


def _refuse(message: str) -> int:
    print(f"kfp run: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _is_stock(arguments: list[str]) -> bool:
    """Whether `kfp run ARGUMENTS` is for the stock command line, because it names a stock subcommand."""
    first = arguments[0] if arguments else ""
    if not first or first.startswith("-") or first.endswith(".py"):
        return False
    return first in STOCK_COMMANDS


def _help(exit_code: int) -> int:
    print(run_file.get_help(click.Context(run_file, info_name="kfp run")))
    print("\nWith a server, the stock commands (kfp [--endpoint URL] run COMMAND):")
    for name, purpose in STOCK_COMMANDS.items():
        print(f"  {name:<12} {purpose}")
    return exit_code


def _show_plan(params: Params, pipeline: PipelineFile, fresh: bool) -> None:
    from videmo.pipeline.dag import plan

    steps = [step for step in plan(params) if step.stage in pipeline.stages]
    if fresh:
        steps = [replace(step, cached=False, reason="--no-cache" if step.cached else step.reason) for step in steps]
    width = max((len(step.stage) for step in steps), default=0)
    for step in steps:
        print(f"{step.stage:<{width}}  {step.digest}  {'cached' if step.cached else f'run     {step.reason}'}")
    print(f"{sum(not step.cached for step in steps)} of {len(steps)} steps would run")


if __name__ == "__main__":
    main()
