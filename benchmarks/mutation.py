"""How many small changes of the code the tests notice: a seeded sample of mutants, each run with its room's tests.

    python -m benchmarks.mutation --mutants 60 --rooms tree,tasks

The changes are cosmic-ray's, and three of our own (benchmarks/left_out.py). A place in the code is drawn first and then
one of its changes, so that a number, which has two, counts as much as a `<`, which has seven. Every worker has a copy
of the working tree, so nothing is changed in place. A mutant that takes much more time than the tests do is noticed.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import math
import os
import queue
import random
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider
from cosmic_ray.testing import run_tests
from cosmic_ray.work_item import TestOutcome

from benchmarks.left_out import LeftOutArgument, LeftOutCall, LeftOutStatement

ROOT = Path(__file__).parents[1]
SAFETY = 900  # seconds by the clock, whatever happens
MEMORY = 12 * 2**30  # bytes that a mutant may allocate, such as one that gets the length of an array wrong
PYTEST = "-m pytest -x -q -p no:cacheprovider -p no:xdist --hypothesis-profile=mutation"


@dataclass(frozen=True)
class Room:
    code: tuple[str, ...]  # patterns of files
    tests: tuple[str, ...]  # the same


ROOMS = {
    "tree": Room(("videmo/tree/*.py",), ("tests/tree/test_*.py",)),
    "tasks": Room(("videmo/tasks/*.py",), ("tests/tasks/test_*.py",)),
    "objective": Room(("videmo/training/objective.py",), ("tests/training/test_objective.py",)),
    "gate": Room(("videmo/registry/gate.py",), ("tests/registry/test_gate.py",)),
    "statistics": Room(
        ("videmo/evaluation/statistics.py",),
        ("tests/evaluation/test_statistics.py", "tests/evaluation/test_resampling.py"),
    ),
    "stages": Room(("videmo/stages/*.py",), ("tests/stages/test_*.py", "tests/pipeline/test_dag.py")),
}


@dataclass(frozen=True)
class Mutant:
    room: str
    file: str
    line: int
    operator: str
    before: str  # the whole file
    after: str

    def difference(self) -> str:
        lines = list(difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), n=0, lineterm=""))
        return "\n".join(line for line in lines[2:] if not line.startswith("@@"))


def main() -> None:
    options = arguments()
    rooms = options.rooms.split(",")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(1) as beside:
        copies = [copy_of_the_tree(Path(directory) / str(worker)) for worker in range(options.jobs)]
        allowed = beside.submit(lambda: {room: seconds_allowed(room, copies[0]) for room in rooms})
        sources = [(room, file) for room in rooms for file in files(ROOMS[room], copies[-1])]
        mutants = sample(sources, copies[-1], options.mutants, options.seed)
        limits = allowed.result()
        survivors = [mutant for mutant, noticed in tried(mutants, copies, limits) if not noticed]
    killed = {room: rate([m for m in mutants if m.room == room], survivors) for room in rooms}
    print(json.dumps({"killed": rate(mutants, survivors), **killed, "seconds": round(time.monotonic() - begun)}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="how many run side by side")
    parser.add_argument("--rooms", default=",".join(ROOMS), help=f"of {', '.join(ROOMS)}, joined by commas")
    return parser.parse_args()


def files(room: Room, root: Path) -> list[Path]:
    return sorted(path for pattern in room.code for path in root.glob(pattern))


def sample(sources: list[tuple[str, Path]], root: Path, count: int, seed: int) -> list[Mutant]:
    """One change at each of `count` places, by file: code that is compiled is then compiled anew only where it must."""
    places = [(room, file, *place) for room, file in sources for place in sorted(changes(file.read_text()).items())]
    draw = random.Random(seed)
    mutants: list[Mutant] = []
    for room, file, (line, _), ways in draw.sample(places, len(places)):
        code = file.read_text()
        for operator, occurrence in draw.sample(ways, len(ways)):
            mutated = changed(code, operator, occurrence)
            if mutated is not None and does_something_else(code, mutated):
                name = file.relative_to(root).as_posix()
                mutants.append(Mutant(room, name, line, type(operator).__name__, code, mutated))
                break
        if len(mutants) == count:
            break
    return sorted(mutants, key=lambda mutant: (mutant.file, mutant.line))


def changes(code: str) -> dict[tuple[int, int], list[tuple[Operator, int]]]:
    """By place, as line and column, the changes that can be made there: an operator and which of its occurrences."""
    found: dict[tuple[int, int], list[tuple[Operator, int]]] = {}
    nodes = list(ast_nodes(get_ast(code)))
    for operator in operators():
        places = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, start in enumerate(places):
            found.setdefault(start, []).append((operator, occurrence))
    return found


def changed(code: str, operator: Operator, occurrence: int) -> str | None:
    try:
        return mutate_code(code, operator, occurrence)
    except AttributeError:  # cosmic-ray 8.7 cannot replace a dotted name: `except json.JSONDecodeError`
        return None


def operators() -> Iterator[Operator]:
    provider = OperatorProvider()
    yield from (made() for made in map(provider.__getitem__, provider) if not made.arguments())
    yield from (LeftOutArgument(), LeftOutCall(), LeftOutStatement())


def does_something_else(code: str, mutated: str) -> bool:
    """Whether the changed code runs: annotations do not (in every module here they are strings)."""
    try:
        return without_annotations(mutated) != without_annotations(code)
    except SyntaxError:
        return False


def without_annotations(code: str) -> str:
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg | ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def copy_of_the_tree(directory: Path) -> Path:
    names = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, text=True)
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    return directory


def seconds_allowed(room: str, copy: Path) -> int:
    """Processor time that a mutant gets: half as much again as the tests take on the code as it is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    outcome, output = run_tests(command(room, copy), SAFETY)
    if outcome is not TestOutcome.SURVIVED:
        sys.exit(f"the tests of {room} fail without any change:\n{output}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 5 + math.ceil(1.5 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))


def command(room: str, copy: Path, file: str = "", seconds: int = SAFETY) -> str:
    """The tests of a room in a copy of the tree; those that are named after the file come first."""
    # Compiled code checks its indices here, or one that is out of bounds would read what happens to lie there.
    compiled = (f"NUMBA_CACHE_DIR={copy / '.numba'}", "NUMBA_BOUNDSCHECK=1")
    settings = [f"PYTHONPATH={copy}", "OMP_NUM_THREADS=1", *compiled]
    tests = sorted(path for pattern in ROOMS[room].tests for path in copy.glob(pattern))
    tests.sort(key=lambda path: path.stem != f"test_{Path(file).stem}")
    run = shlex.join(["env", "-C", str(copy), *settings, sys.executable, *PYTEST.split(), *map(str, tests)])
    return shlex.join(["sh", "-c", f"ulimit -v {MEMORY // 1024}; ulimit -t {seconds}; exec {run}"])


def tried(mutants: list[Mutant], copies: list[Path], limits: dict[str, int]) -> list[tuple[Mutant, bool]]:
    """Each mutant with whether its room's tests noticed it."""
    idle: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for copy in copies:
        idle.put(copy)

    def attempt(mutant: Mutant) -> tuple[Mutant, bool]:
        copy = idle.get()
        begun = time.monotonic()
        (copy / mutant.file).write_text(mutant.after)
        outcome, _ = run_tests(command(mutant.room, copy, mutant.file, limits[mutant.room]), SAFETY)
        (copy / mutant.file).write_text(mutant.before)
        idle.put(copy)
        noticed = outcome is TestOutcome.KILLED
        told = "killed  " if noticed else "SURVIVED"
        shown = "" if noticed else f"\n{mutant.difference()}"
        seconds = time.monotonic() - begun
        print(f"{told} {seconds:5.1f} s  {mutant.file}:{mutant.line} {mutant.operator}{shown}", flush=True)
        return mutant, noticed

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(attempt, mutants))


def rate(mutants: list[Mutant], survivors: list[Mutant]) -> str:
    return f"{len(mutants) - len([mutant for mutant in survivors if mutant in mutants])} of {len(mutants)}"


if __name__ == "__main__":
    os.environ.pop("VIDEMO_HOME", None)
    main()
