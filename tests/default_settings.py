"""The settings of params.yaml, with what a test changes of them."""

from collections.abc import Mapping
from pathlib import Path

from videmo.settings.data import Validation
from videmo.settings.evaluation import Evaluation, Reasoning
from videmo.settings.execution import EndpointLimits, Execution
from videmo.settings.layers import stack
from videmo.settings.params import Params, resolve
from videmo.settings.promotion import Promotion
from videmo.settings.rl import Reward, Rl
from videmo.settings.sources import FacesData, FolderData

ROOT = Path(__file__).parents[1]


def params_with(sections: Mapping[str, object] = {}) -> Params:
    layers = stack([ROOT / "params.yaml"], [])
    layers.add({name: changes for name, changes in sections.items() if changes}, "the test")
    return resolve(layers)


def faces_data(**changes: object) -> FacesData:
    data = params_with({"data": changes}).data
    assert isinstance(data, FacesData)
    return data


def folder_data(path: Path, **changes: object) -> FolderData:
    data = params_with({"data": {"source": "folder", "path": path, **changes}}).data
    assert isinstance(data, FolderData)
    return data


def validation_settings(**changes: object) -> Validation:
    return params_with({"validation": changes}).validation


def rl_settings(**changes: object) -> Rl:
    return params_with({"rl": changes}).rl


def reward_settings(**changes: object) -> Reward:
    return params_with({"rl": {"reward": changes}} if changes else {}).rl.reward


def reasoning_settings(**changes: object) -> Reasoning:
    return params_with({"reasoning": changes}).reasoning


def evaluation_settings(**changes: object) -> Evaluation:
    return params_with({"evaluation": changes}).evaluation


def promotion_settings(**changes: object) -> Promotion:
    return params_with({"promotion": changes}).promotion


def execution_settings(**changes: object) -> Execution:
    return params_with({"execution": changes}).execution


def endpoint_limits(**changes: object) -> EndpointLimits:
    return params_with({"execution": {"endpoint": changes}} if changes else {}).execution.endpoint
