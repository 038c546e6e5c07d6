"""The record of a step, which a run keeps of each and its report is made of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepRecord:
    """What happened to a stage in a run. `status`: running, succeeded, failed, skipped or not run."""

    stage: str
    digest: str
    output: str
    inputs: list[str] = field(default_factory=list)
    cached: bool = False
    seconds: float = 0.0
    status: str = "running"
    error: str | None = None
