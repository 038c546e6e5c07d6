"""The process shared by those steps of a local run that ask the registry: commands in, a word for each out.

`python -m videmo.kubeflow.shared_process LOG`; all that the steps print goes to LOG.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import ModuleType

from videmo.kubeflow.pipeline_file import RUNTIME

DONE, FAILED = "done", "failed"


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


def work(log: str) -> None:
    """Work on the commands of standard input until there are no more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with open(log, "ab") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.environ[RUNTIME] = "true"  # of kfp, only what a step's container imports
    _import_what_they_need()
    for line in sys.stdin:
        print(DONE if run_component(json.loads(line)) else FAILED, file=answers, flush=True)


def _import_what_they_need() -> None:
    """Import while the run gets to the first of these steps; if something is missing, the step will tell."""

    import videmo.evaluation.report
    import videmo.registry.gate_stage
    import videmo.registry.promotion  # noqa: F401
    from videmo.registry.tracking import connect

    with suppress(Exception):
        connect()


if __name__ == "__main__":
    try:
        work(sys.argv[1])
    except KeyboardInterrupt:  # the run, which was interrupted too, reports it
        sys.exit(130)
