"""The samplers, by their names in the settings."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from videmo.settings.errors import SettingError

if TYPE_CHECKING:
    from videmo.backbone.policy import Policy
    from videmo.generation.sampler import Sampler


def check_sampler(setting: str, name: str) -> None:
    """Raise SettingError where the sampler that `setting` calls `name` is not installed."""
    if name == "vllm" and find_spec("vllm") is None:
        raise SettingError(
            f"{setting} = vllm: vLLM is not installed here; use hf, or install vLLM beside the project "
            "(docs/sampling.md says how)"
        )


def open_sampler(setting: str, name: str, policy: Policy, rows: int = 64) -> Sampler:
    """The sampler that `setting` calls `name`, over `policy`, decoding so many paths side by side.

    Raises SettingError where it is not installed.
    """
    check_sampler(setting, name)
    if name == "hf":
        from videmo.generation.hf import HfSampler

        return HfSampler(policy, rows)
    from videmo.generation.vllm import VllmSampler

    return VllmSampler(policy, rows)
