"""The process that the steps of a local run are forked from: it imports once what they all need.

`python -m videmo.kubeflow.step_server LOG` takes requests from standard input, as JSON lines, and says a word for each
step that has ended. All that the steps print goes to LOG.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from types import ModuleType

from videmo.kubeflow.pipeline_file import RUNTIME

DONE, FAILED = "done", "failed"
REGISTRY, MODELS = "registry", "models"  # what steps need: that of those that ask the registry, and of all others


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


def serve(log: str) -> None:
    """Answer the requests of standard input until there are no more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with open(log, "ab") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.environ[RUNTIME] = "true"  # of kfp, only what a step's container imports
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # to look for a GPU without CUDA, which survives no fork
    for line in sys.stdin:
        request = json.loads(line)
        if "import" in request:
            with suppress(Exception):  # the step that misses something will tell
                _import(request["import"])
        else:
            succeeded = run_forked(request["command"], request["environment"])
            print(DONE if succeeded else FAILED, file=answers, flush=True)


def run_forked(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run a component in a fork of this process. Returns whether it succeeded."""
    process = get_context("fork").Process(target=_run, args=(command, environment))
    process.start()
    process.join()
    return process.exitcode == 0


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    sys.exit(0 if run_component(command) else 1)


def _import(needed: str) -> None:
    """Import, and do nothing else: threads and connections survive no fork."""

    if needed == REGISTRY:
        from videmo.registry.tracking import import_mlflow

        import_mlflow()
        names = (
            "kfp.dsl.executor",
            "videmo.evaluation.report",
            "videmo.registry.gate_stage",
            "videmo.registry.promotion",
        )
    else:
        from videmo.training.engine import import_deepspeed

        import_deepspeed()
        names = ("videmo.training.sft", "videmo.training.tree_rl", "videmo.evaluation.answer_stage")
    for name in ("kfp.dsl.executor", *names):
        import_module(name)


if __name__ == "__main__":
    try:
        serve(sys.argv[1])
    except KeyboardInterrupt:  # the run, which was interrupted too, reports it
        sys.exit(130)
