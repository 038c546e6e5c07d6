"""When a challenger becomes the champion."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

from pydantic import Field, field_validator

from videmo.settings.kinds import Points, Section
from videmo.tasks.catalog import TASKS


class Promotion(Section):
    """When a challenger becomes the champion."""

    min_gain: float  # points of mean15 that the lower end of the interval must exceed
    task_tolerance: Points  # points any one task may fall
    task_tolerances: dict[str, Points]  # task -> points, for tasks with a tolerance of their own
    # What MLflow accepts as a name, in URIs such as models:/videmo@champion and in searches.
    model_name: Annotated[str, Field(max_length=200, pattern=r"^[^/:?'\s\x00-\x1f][^/:?'\x00-\x1f]*$")]

    @field_validator("task_tolerances")
    @classmethod
    def tolerances_are_of_tasks(cls, tolerances: dict[str, float]) -> dict[str, float]:
        if strange := [task for task in tolerances if task not in TASKS]:
            close = get_close_matches(strange[0], TASKS, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"there are {', '.join(TASKS)}"
            raise ValueError(f"promotion.task_tolerances = {tolerances}: {strange[0]} is not a task; {remedy}")
        return tolerances

    @field_validator("model_name")
    @classmethod
    def name_is_not_that_of_a_log(cls, name: str) -> str:
        if name.endswith("-history"):
            raise ValueError(
                f"promotion.model_name = {name}: names in -history are for the log of champions; choose another"
            )
        return name
