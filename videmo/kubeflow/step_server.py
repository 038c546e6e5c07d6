"""The process that steps of a local run are forked from: it imports once what they all need.

`python -m videmo.kubeflow.step_server LOG [NEEDED..]` takes steps from standard input, a line of JSON each, and says a
word for each that has ended. All that the steps print goes to LOG. It imports while there is nothing else to do.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from select import select
from types import ModuleType

from videmo.kubeflow.pipeline_file import RUNTIME

DONE, FAILED = "done", "failed"
NVML_CHECK = "PYTORCH_NVML_BASED_CUDA_CHECK"
REGISTRY, MODELS = "registry", "models"  # what steps need that ask the registry, and what all others do


def run_component(command: Sequence[str]) -> bool:
    """Run a lightweight component in this process, as kfp's executor does in a container: the command contains
    everything.

    Returns whether it succeeded; the log has the error of one that did not.
    """
    from kfp.dsl.executor import Executor

    source, options = command[3], dict(zip(command[4::2], command[5::2], strict=True))
    name = options["--function_to_execute"]
    module = ModuleType(name)
    try:
        exec(compile(source, f"<component {name}>", "exec", dont_inherit=True), vars(module))
        Executor(json.loads(options["--executor_input"]), vars(module)[name]).execute()
    except Exception:
        traceback.print_exc()
        return False
    return True


def serve(log: str, needed: Sequence[str]) -> None:
    """Work on the steps of standard input until there are no more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with open(log, "ab") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.environ[RUNTIME] = "true"  # of kfp, only what a step's container imports
    os.environ[NVML_CHECK] = "1"  # to look for a GPU without CUDA, which survives no fork
    imports = deque(one for name in needed for one in IMPORTS[name])
    while True:
        if imports and not select([sys.stdin], [], [], 0)[0]:
            with suppress(Exception, SystemExit):  # the step that misses something will tell
                imports.popleft()()
        elif line := sys.stdin.readline():
            step = json.loads(line)
            succeeded = run_forked(step["command"], step["environment"])
            print(DONE if succeeded else FAILED, file=answers, flush=True)
        else:
            return


def run_forked(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run a component in a fork of this process. Returns whether it succeeded."""
    process = get_context("fork").Process(target=_run, args=(command, environment))
    process.start()
    process.join()
    return process.exitcode == 0


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    del os.environ[NVML_CHECK]
    os.environ.update(environment)
    succeeded = run_component(command)
    atexit._run_exitfuncs()  # a fork of multiprocessing ends without them, and leaves downloads behind
    sys.exit(0 if succeeded else 1)


def _mlflow() -> None:
    from videmo.registry.tracking import import_mlflow

    import_mlflow()


def _deepspeed() -> None:
    import torch

    from videmo.training.engine import import_deepspeed

    if not torch.cuda.is_available():  # it may touch a GPU, which no fork survives
        import_deepspeed()


# Imports and nothing else: threads and connections survive no fork.
IMPORTS: Mapping[str, tuple[Callable[[], object], ...]] = {
    REGISTRY: (
        partial(import_module, "kfp.dsl.executor"),
        _mlflow,
        partial(import_module, "videmo.evaluation.report"),
        partial(import_module, "videmo.registry.gate_stage"),
        partial(import_module, "videmo.registry.promotion"),
    ),
    MODELS: (
        partial(import_module, "videmo.training.sft"),
        partial(import_module, "videmo.training.tree_rl"),
        partial(import_module, "videmo.evaluation.answer_stage"),
        _deepspeed,
    ),
}


if __name__ == "__main__":
    try:
        serve(sys.argv[1], sys.argv[2:])
    except KeyboardInterrupt:  # the run, which was interrupted too, reports it
        sys.exit(130)
