"""What is checked before any work: settings that would fail a run hours later, or that name what is not there."""

from __future__ import annotations

from videmo.backbone.weights_check import check_setting
from videmo.generation.samplers import check_sampler
from videmo.settings.errors import SettingError
from videmo.settings.params import Params
from videmo.stages.external_inputs import check_outside


def check_step(params: Params, here: bool = True) -> None:
    """Raise SettingError if something that the settings name is not there or cannot be used.

    `here` says that the steps run on this machine.
    """
    check_outside(params, here)
    check_setting("backbone.name", params.backbone.name)


def check_run(params: Params, here: bool = True) -> None:
    """Raise SettingError if a run of the whole DAG would fail, as `check_step` does."""
    check_step(params, here)
    if params.data.test_share == 1:
        raise SettingError("data.test_share = 1: nobody is left to train on; use less than 1, such as 0.2")
    if here:
        check_sampler("evaluation.sampler", params.evaluation.sampler)
