"""What settings point at outside the store: a folder of videos, a directory of weights, the key of a large model."""

from __future__ import annotations

from pathlib import Path

from videmo.settings.backbone import Backbone
from videmo.settings.data import Data
from videmo.settings.errors import SettingError
from videmo.settings.keys import read_key
from videmo.settings.params import Params
from videmo.settings.sections import StageSettings
from videmo.stages.content import path_digest
from videmo.stages.hub_cache import hub_cache_of


def outside_digests(settings: StageSettings) -> dict[str, str]:
    """Digest of the content of every directory that the sections of a stage name, and of labels outside theirs."""
    data, backbone = getattr(settings, "data", None), getattr(settings, "backbone", None)
    named = {**_directories(data, backbone), **(_labels(data) if data else {})}
    return {setting: path_digest(path) for setting, path in named.items()}


def check_outside(params: Params, here: bool = True) -> None:
    """Raise SettingError where a setting names something that is not there.

    `here` says that the steps run on this machine: a cluster may have weights in its volume that this one has not.
    """
    for setting, path in _directories(params.data, params.backbone).items():
        if not path.is_dir():
            raise SettingError(f"{setting} = {path}: no such directory (seen from {Path.cwd()})")
    check_labels(params)
    check_model("backbone.name", params.backbone.name, here)
    if here:
        _check_keys(params)


def check_labels(params: Params) -> None:
    """Raise SettingError where a folder of videos is without the file of labels that the settings name."""
    if params.data.source == "folder" and params.data.path and not (params.data.path / params.data.labels).is_file():
        raise SettingError(f"data.labels = {params.data.labels}: no such file in {params.data.path}")


def _check_keys(params: Params) -> None:
    judge = params.evaluation.endpoint if params.evaluation.judge == "endpoint" else None
    for setting, endpoint in (("rl.reward.scorer", params.rl.reward.scorer), ("evaluation.endpoint", judge)):
        if endpoint:
            read_key(endpoint.key_variable, setting)


def check_model(setting: str, name: str, here: bool = True) -> None:
    """Raise SettingError, which speaks of `setting`, where no model can be had by this name."""
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


def _directories(data: Data | None, backbone: Backbone | None) -> dict[str, Path]:
    directories = {}
    if data and data.source == "folder" and data.path is not None:
        directories["data.path"] = data.path
    if backbone and backbone.name != "tiny" and Path(backbone.name).is_dir():
        directories["backbone.name"] = Path(backbone.name)
    return directories


def _labels(data: Data) -> dict[str, Path]:
    """The file of labels, where it lies outside the folder of videos, with which it would enter."""
    if data.source != "folder" or data.path is None:
        return {}
    labels = data.path / data.labels
    return {} if labels.resolve().is_relative_to(data.path.resolve()) else {"data.labels": labels}
