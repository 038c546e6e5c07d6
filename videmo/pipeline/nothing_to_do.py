"""Whether another run would come to what the last one came to: the same steps, and the registry as it left it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress

from videmo.pipeline.dag import TABLE, PlannedStep
from videmo.pipeline.run_names import LATEST
from videmo.pipeline.step import Run
from videmo.registry.tracking import registry_digest
from videmo.stages.digest import code_of
from videmo.stages.files import write_json
from videmo.stages.store import home

FILE = "concluded.json"  # in the folder of a run that succeeded
REPORT = "videmo.pipeline.gate_and_report"


def conclude(run: Run, pipeline: str, stages: Sequence[str], plan: Sequence[PlannedStep]) -> None:
    """Note what a run that succeeded was made from, and how it left the registry. On a full disk nothing is noted.

    pipeline: a digest of the pipeline as compiled.
    """
    with suppress(OSError):
        write_json(run.folder / FILE, _seen(pipeline, stages, plan))


def last_run_like(pipeline: str, stages: Sequence[str], plan: Sequence[PlannedStep]) -> Run | None:
    """The last run, if running these stages of this pipeline now would come to the same; None if there is something to
    do.

    That is so if every output is in the store, and the registry, which must be a file, has not been written to.
    """
    makes = [step for step in plan if step.stage in stages and TABLE[step.stage].reusable]
    if not all(step.cached for step in makes) or any(TABLE[name].optional for name in stages):
        return None
    folder = (home() / "runs" / LATEST).resolve()
    if not (folder / FILE).exists() or not (folder / "report.html").exists() or registry_digest() is None:
        return None
    concluded = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return Run(folder.name) if concluded == _seen(pipeline, stages, plan) else None


def _seen(pipeline: str, stages: Sequence[str], plan: Sequence[PlannedStep]) -> dict[str, object]:
    return {
        "pipeline": pipeline,
        "steps": {step.stage: step.digest for step in plan if step.stage in stages},
        "report": code_of(REPORT).digest,
        "registry": registry_digest(),
    }
