"""The stage promotion: carries out what the gate decided, and decides nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from videmo.registry.champion import promote
from videmo.registry.gate_stage import read_gate
from videmo.registry.history import Change
from videmo.registry.tracking import connect
from videmo.settings.sections import PromotionSettings
from videmo.stages.report import StageReport
from videmo.stages.work import stage_directory


def run(params: PromotionSettings, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Make the challenger champion if the gate passed it; do nothing if it did not, or if it is champion already.

    inputs: gate.  Raises Refused if another model has become champion since the gate decided.
    """
    with stage_directory(output, __name__, params, inputs) as work:
        verdict, challenger = read_gate(inputs["gate"])
        if verdict.passed and challenger.verdict:
            change = Change(challenger.version, "gate", verdict.after, verdict.reason, challenger.verdict)
            promote(connect(), params.promotion.model_name, change)
        champion = verdict.passed or challenger.verdict is None
        return work.finish({"promoted": float(champion), "version": float(challenger.version)})
