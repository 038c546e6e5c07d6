"""What each part of the method adds: every setting of the ablations trained and evaluated, with several seeds.

python -m benchmarks.ablations [--params FILE] [--set SECTION.KEY=VALUE] [--seeds 0 1 2] [--plan]

Step by step, from the store where it has the output; started again, it goes on. Writes ablations.json,
comparisons.json and ablations.html to runs/ablations, anew after each setting.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ablations.figures import Ablations
from benchmarks.ablations.page import write
from benchmarks.ablations.running import get_ready, make
from benchmarks.ablations.steps import SETTINGS, Step, steps_of
from videmo.config import Params, SettingError, load_params
from videmo.evaluation.page.rendering import duration
from videmo.orchestration.local import end_children, stoppable
from videmo.orchestration.names import held_name
from videmo.orchestration.outcome import save_params
from videmo.orchestration.outside import check_outside
from videmo.orchestration.step import Run

RUN = Run("ablations")


@dataclass(frozen=True)
class Task:
    """A step, and the first setting and seed that need it."""

    step: Step
    setting: str
    seed: int

    @property
    def name(self) -> str:
        return f"seed {self.seed}, {self.setting}: {self.step.stage.name}"

    @property
    def log(self) -> Path:
        return RUN.folder / "logs" / f"{self.seed}-{self.setting}-{self.step.stage.name}.log"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 where a step failed, 2 where there is a mistake in the settings, 130 where it was stopped."""
    options = _options(arguments)
    try:
        params = load_params(options.params, options.set)
        check_outside(params)
        with held_name(RUN.name), stoppable():
            return _run(params, options.seeds, options.plan)
    except SettingError as error:
        print(f"ablations: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        end_children()
        print("\nstopped; the same command goes on from the last checkpoint")
        return 130


def tasks_of(answered: Mapping[int, Mapping[str, Step]]) -> list[Task]:
    """Every step once, in the order of the seeds and of their settings."""
    tasks: dict[Path, Task] = {}
    for seed, steps in answered.items():
        for setting in SETTINGS:
            for step in steps[setting].chain():
                tasks.setdefault(step.output, Task(step, setting, seed))
    return list(tasks.values())


def _run(params: Params, seeds: Sequence[int], only_plan: bool) -> int:
    found = Ablations(params, {seed: steps_of(params, seed) for seed in seeds})
    tasks = tasks_of(found.answered)
    there = sum(task.step.done for task in tasks)
    print(f"{len(tasks)} steps: {there} in the store, {len(tasks) - there} to run", flush=True)
    if only_plan:
        print("\n".join(f"{'cached' if task.step.done else 'run':<8}{task.name}" for task in tasks))
        return 0
    save_params(RUN, params)
    if there < len(tasks):
        get_ready(RUN.folder / "logs" / "imports.log")
    for place, task in enumerate(tasks, start=1):
        print(f"[{place}/{len(tasks)}] {task.name} ", end="", flush=True)
        cached = task.step.done
        try:
            print("cached" if cached else duration(make(task.step, task.log)), flush=True)
        except RuntimeError as error:
            print(f"failed: {error}\n  log: {os.path.relpath(task.log)}")
            return 1
        if found.take_in(task.step) and not cached:
            write(RUN.folder, found)
    _print_figures(found, write(RUN.folder, found))
    return 0


def _print_figures(found: Ablations, page: Path) -> None:
    """The mean of the tasks of every setting: each seed's, and their mean with its interval."""
    figures, means = found.values(), found.means()
    print(f"\n{'mean of the tasks':<24}" + "".join(f"{f'seed {seed}':>9}" for seed in found.answered) + f"{'mean':>9}")
    for setting, of_seeds in figures.items():
        value, low, high = means[setting]["mean15"]
        each = "".join(f"{of_seeds[str(seed)]['mean15']:>9.1f}" for seed in found.answered)
        print(f"{setting:<24}{each}{value:>9.1f} " + (f"[{low:.1f}, {high:.1f}]" if high - low < 100 else "± ?"))
    print(f"page: {os.path.relpath(page)}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.ablations", description=__doc__.partition("\n")[0])
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="settings")
    parser.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help="change a setting")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the training; the data stay the same"
    )
    parser.add_argument("--plan", action="store_true", help="print the steps and what the store has; run nothing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
