"""params.yaml -> frozen models, checked once, as they are read: unknown keys, types, ranges and cross-field rules.

Importing this module imports pydantic and yaml, nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby
from math import isqrt
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic import SerializeAsAny, ValidationError, field_validator, model_validator

from videmo.settings.backbone import Backbone
from videmo.settings.data import Data, Validation
from videmo.settings.errors import SHOWN, SettingError, describe
from videmo.settings.evaluation import Evaluation, Reasoning
from videmo.settings.execution import Execution
from videmo.settings.kinds import Section
from videmo.settings.layers import Layers, settings_in, stack
from videmo.settings.promotion import Promotion
from videmo.settings.rl import Rl
from videmo.settings.sft import Sft
from videmo.settings.sources import data_of

SETTING = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")  # of a setting: rl.steps


class Params(Section):
    data: SerializeAsAny[Data]  # those of its source, and written with them
    validation: Validation
    backbone: Backbone
    sft: Sft
    rl: Rl
    reasoning: Reasoning
    evaluation: Evaluation
    promotion: Promotion
    execution: Execution

    @field_validator("data", mode="before")
    @classmethod
    def data_are_those_of_their_source(cls, data: object) -> object:
        return data_of(data) if isinstance(data, Mapping) else data

    @model_validator(mode="after")
    def every_process_has_work(self) -> Params:
        shared = {
            "sft.batch_clips * sft.accumulation": self.sft.batch_clips * self.sft.accumulation,
            "rl.batch_clips": self.rl.batch_clips,
        }
        for setting, clips in shared.items():
            if clips < self.execution.processes:
                raise ValueError(
                    f"execution.processes = {self.execution.processes}: {setting} = {clips} gives some of them "
                    f"no clip; use at most {clips} processes, or larger batches"
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


def load_params(
    files: Path | Sequence[Path] = (), overrides: Sequence[str] | None = None, near: Path | None = None
) -> Params:
    """Read and check the settings in `stack`: params.yaml, `files` on it, and `overrides` on top.

    Raises SettingError on a missing or unreadable file, an unknown key, a value out of range.
    """
    return resolve(stack([files] if isinstance(files, Path) else files, overrides or (), near))


def resolve(layers: Layers) -> Params:
    """The settings of all layers together. Raises SettingError as `load_params` does."""
    return check_params(layers.values, layers)


def explain(params: Params, layers: Layers, key: str) -> list[str]:
    """What `key`, a setting or a section, is and where it comes from, a line each.

    Raises SettingError if there is no such key."""
    values = dict.fromkeys(settings_in(params.model_dump(mode="json")))
    named = [setting for setting in values if setting == key or setting.startswith(f"{key}.")]
    if not named:
        close = get_close_matches(key, values, n=1)
        raise SettingError(f"--explain {key}: no such setting" + (f"; did you mean {close[0]}?" if close else ""))
    return [f"{setting} = {_value(params, setting)}  ({origin_of(layers, setting)})" for setting in named]


def origin_of(layers: Layers, setting: str) -> str:
    """The layer that the value of a setting comes from."""
    return layers.origins.get(setting, f"the default of {setting.rpartition('.')[0]}")


def _value(params: Params, setting: str) -> Any:
    value: Any = params.model_dump(mode="json")
    for part in setting.split("."):
        value = value[part]
    return value


def check_params(settings: dict[str, Any], layers: Layers | None = None) -> Params:
    """The settings as models. Raises SettingError, each problem after the layers that it comes from."""
    try:
        return Params.model_validate(settings)
    except ValidationError as error:
        problems = [(_layers_behind(problem, layers), describe(problem, Params)) for problem in error.errors()]
    by_layers = groupby(problems, key=itemgetter(0))
    raise SettingError("; ".join(f"{names}: {'; '.join(told for _, told in group)}" for names, group in by_layers))


def _layers_behind(problem: Any, layers: Layers | None) -> str:
    """The files and options that a problem comes from. A rule over several settings names them in its message."""
    named = SETTING.findall(problem["msg"]) if problem["type"] == "value_error" else []
    settings = [name for name in named if name.partition(".")[0] in Params.model_fields]
    behind = layers.behind(settings or [".".join(map(str, problem["loc"]))]) if layers else []
    # An option with a url is shown without its value: it may hold a key.
    shown = (name.partition("=")[0] if "://" in name else name[:SHOWN] for name in behind)
    return ", ".join(shown) or "params"
