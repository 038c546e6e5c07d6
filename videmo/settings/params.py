"""params.yaml -> frozen models, checked once at the door: unknown keys, wrong types, ranges and cross-field rules.

Importing this module imports pydantic and yaml, nothing heavy.
"""

from __future__ import annotations

from math import isqrt
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from videmo.settings.backbone import Backbone
from videmo.settings.data import Data, Validation
from videmo.settings.errors import SettingError, describe
from videmo.settings.evaluation import Evaluation, Reasoning
from videmo.settings.execution import Execution
from videmo.settings.kinds import Section
from videmo.settings.promotion import Promotion
from videmo.settings.reading import override, read
from videmo.settings.rl import Rl
from videmo.settings.sft import Sft


class Params(Section):
    data: Data = Data()
    validation: Validation = Validation()
    backbone: Backbone = Backbone()
    sft: Sft = Sft()
    rl: Rl = Rl()
    reasoning: Reasoning = Reasoning()
    evaluation: Evaluation = Evaluation()
    promotion: Promotion = Promotion()
    execution: Execution = Execution()

    @model_validator(mode="after")
    def every_process_has_work(self) -> Params:
        shared = {
            "sft.batch_clips * sft.accumulation": self.sft.batch_clips * self.sft.accumulation,
            "rl.batch_clips": self.rl.batch_clips,
        }
        for setting, clips in shared.items():
            if clips < self.execution.processes:
                raise ValueError(
                    f"execution.processes = {self.execution.processes}: {setting} = {clips} cannot be shared out among "
                    f"so many; use at most {clips} processes, or larger batches"
                )
        return self

    @model_validator(mode="after")
    def frames_fit_the_backbone(self) -> Params:
        pixels, limit = self.data.frame_size**2, self.backbone.max_pixels
        if pixels > limit:
            raise ValueError(
                f"data.frame_size = {self.data.frame_size}: {pixels} pixels a frame, over backbone.max_pixels = "
                f"{limit}; use at most {isqrt(limit) // 28 * 28}"
            )
        return self


def load_params(path: Path, overrides: list[str] | None = None) -> Params:
    """Read and check a params file; `overrides` are `section.key=value`, the value in YAML.

    Raises SettingError on a missing or unreadable file, an unknown key, a value out of range.
    """
    settings = read(path)
    for change in overrides or []:
        override(settings, change)
    return check_params(settings, source=str(path))


def check_params(settings: dict[str, Any], source: str = "params") -> Params:
    try:
        return Params.model_validate(settings)
    except ValidationError as error:
        raise SettingError(f"{source}: " + "; ".join(describe(problem, Params) for problem in error.errors())) from None
