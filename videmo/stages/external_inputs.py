"""What settings point at outside the store: a folder of videos, a directory of weights, the key of a large model."""

from __future__ import annotations

from pathlib import Path

from videmo.settings.backbone import Backbone
from videmo.settings.errors import SettingError
from videmo.settings.keys import read_key
from videmo.settings.params import Params
from videmo.settings.sections import StageSettings
from videmo.stages.content import path_digest
from videmo.stages.hub_cache import hub_cache_of


def outside_digests(settings: StageSettings) -> dict[str, str]:
    """Digest of the content of everything outside the store that the sections of a stage name."""
    data, backbone = getattr(settings, "data", None), getattr(settings, "backbone", None)
    named = {**(data.external_inputs() if data else {}), **(_weights(backbone) if backbone else {})}
    return {setting: path_digest(path) for setting, path in named.items()}


def check_outside(params: Params, here: bool = True) -> None:
    """Raise SettingError if a setting names something that is not there.

    `here` says that the steps run on this machine: a cluster may have weights in its volume that this one lacks.
    """
    params.data.check()
    check_model("backbone.name", params.backbone.name, here)
    if here:
        _check_keys(params)


def _check_keys(params: Params) -> None:
    judge = params.evaluation.endpoint if params.evaluation.judge == "endpoint" else None
    for setting, endpoint in (("rl.reward.scorer", params.rl.reward.scorer), ("evaluation.endpoint", judge)):
        if endpoint:
            read_key(endpoint.key_variable, setting)


def check_model(setting: str, name: str, here: bool = True) -> None:
    """Raise SettingError, which names `setting`, if there is no model of this name."""
    if name == "tiny":
        return
    if Path(name).is_dir():
        if not (Path(name) / "config.json").is_file():
            raise SettingError(f"{setting} = {name}: not a model: the directory has no config.json")
    elif name.count("/") != 1:
        raise SettingError(
            f"{setting} = {name}: use tiny, a directory of weights that exists, or a name such as "
            "Qwen/Qwen2.5-VL-3B-Instruct"
        )
    elif here and not hub_cache_of(name).is_dir():
        raise SettingError(
            f"{setting} = {name}: neither a directory nor in the local Hugging Face cache, and no step downloads "
            f"anything; if it is a model of the hub, run: hf download {name}"
        )


def _weights(backbone: Backbone) -> dict[str, Path]:
    weights = Path(backbone.name)
    return {"backbone.name": weights} if backbone.name != "tiny" and weights.is_dir() else {}
