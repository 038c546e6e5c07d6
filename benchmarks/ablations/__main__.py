"""What each part of the method adds: every setting of the ablations trained and evaluated, with several seeds.

python -m benchmarks.ablations [--params FILE] [--set SECTION.KEY=VALUE] [--seeds 0 1 2] [--jobs N] [--plan]

Outputs in the store are reused, so that a new start continues. Writes ablations.json, comparisons.json and
ablations.html to runs/ablations again after each setting.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.ablations.figures import Ablations
from benchmarks.ablations.page import write
from benchmarks.ablations.running import Task, get_ready, make_all
from benchmarks.ablations.steps import SETTINGS, Step, steps_of
from videmo.evaluation.interval import bounds_text
from videmo.evaluation.report_page.rendering import duration
from videmo.pipeline.door import check_run
from videmo.pipeline.gate_and_report import save_params
from videmo.pipeline.run_names import held_name
from videmo.pipeline.step import Run
from videmo.pipeline.stopping import end_children, stoppable
from videmo.settings.errors import SettingError
from videmo.settings.params import Params, load_params

RUN = Run("ablations")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 1 if a step failed, 2 if there is a mistake in the settings, 130 if it was stopped."""
    options = _options(arguments)
    try:
        params = load_params(options.params, options.set)
        check_run(params)
        with held_name(RUN.name), stoppable():
            return _run(params, options)
    except SettingError as error:
        print(f"ablations: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        end_children()
        print("\nstopped; run the same command again to continue from the last checkpoint")
        return 130


def tasks_of(answered: Mapping[int, Mapping[str, Step]]) -> list[Task]:
    """Every step once, in the order of the seeds and of their settings, named by the first that needs it."""
    tasks: dict[Path, Task] = {}
    for seed, steps in answered.items():
        for setting in SETTINGS:
            for step in steps[setting].chain():
                log = RUN.folder / "logs" / f"{seed}-{setting}-{step.stage.name}.log"
                tasks.setdefault(step.output, Task(f"seed {seed}, {setting}: {step.stage.name}", step, log))
    return list(tasks.values())


def _run(params: Params, options: argparse.Namespace) -> int:
    found = Ablations(params, {seed: steps_of(params, seed) for seed in options.seeds})
    tasks = tasks_of(found.answered)
    there = sum(task.step.done for task in tasks)
    print(f"{len(tasks)} steps: {there} in the store, {len(tasks) - there} to run", flush=True)
    if options.plan:
        print("\n".join(f"{'cached' if task.step.done else 'run':<8}{task.name}" for task in tasks))
        return 0
    save_params(RUN, params)
    get_ready(RUN.folder / "logs" / "imports.log")
    try:
        for place, (task, seconds) in enumerate(make_all(tasks, options.jobs or _jobs()), start=1):
            print(f"[{place}/{len(tasks)}] {task.name} {duration(seconds) if seconds else 'cached'}", flush=True)
            if found.take_in(task.step) and seconds:
                write(RUN.folder, found)
    except RuntimeError as error:
        print(error)
        return 1
    _print_figures(found, write(RUN.folder, found))
    return 0


def _jobs() -> int:
    """Two threads make the tiny model hardly faster than one; a GPU serves one step at a time."""
    import torch

    return 1 if torch.cuda.is_available() else min(os.cpu_count() or 1, 4)


def _print_figures(found: Ablations, page: Path) -> None:
    """The mean of the tasks of every setting: each seed's, and their mean with its interval."""
    figures, means = found.values(), found.means()
    print(f"\n{'mean of the tasks':<24}" + "".join(f"{f'seed {seed}':>9}" for seed in found.answered) + f"{'mean':>9}")
    for setting, of_seeds in figures.items():
        mean = means[setting]["mean15"]
        each = "".join(f"{of_seeds[str(seed)]['mean15']:>9.1f}" for seed in found.answered)
        print(f"{setting:<24}{each}{mean[0]:>9.1f} {bounds_text(mean)}")
    print(f"page: {os.path.relpath(page)}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.ablations", description=__doc__.partition("\n")[0])
    parser.add_argument("--params", type=Path, action="append", default=[], help="settings on top of params.yaml")
    parser.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help="change a setting")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the training; the data stay the same"
    )
    parser.add_argument(
        "--jobs", type=_number, help="steps side by side; by default up to four without a GPU, else one"
    )
    parser.add_argument("--plan", action="store_true", help="print the steps and what the store has; run nothing")
    return parser.parse_args(arguments)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of steps; use 1 or more")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
