"""Trust nothing that is remembered: read again what a plan would not look at."""

from __future__ import annotations

from videmo.pipeline.dag import plan
from videmo.settings.params import Params
from videmo.stages.content import forget_files
from videmo.stages.damage import find_damage
from videmo.stages.store import output_of


def verify_plan(params: Params) -> None:
    """Read the files outside the store and the outputs in it again; a plan made afterwards shows what has changed."""
    forget_files()
    for step in plan(params):
        if step.cached:
            find_damage(output_of(step.stage, step.digest))
