"""The samplers, by their names in the settings."""

from __future__ import annotations

from importlib.util import find_spec

from videmo.backbone.policy import Policy
from videmo.generation.sampler import Sampler


def open_sampler(setting: str, name: str, policy: Policy, rows: int = 64) -> Sampler:
    """The sampler that `setting` calls `name`, over `policy`, decoding so many paths side by side.

    Raises ValueError where it is not installed.
    """
    if name == "vllm" and find_spec("vllm") is None:
        raise ValueError(
            f"{setting} = vllm: vLLM is not installed here; use hf, or install vLLM beside the project "
            "(docs/sampling.md says how)"
        )
    if name == "hf":
        from videmo.generation.hf import HfSampler

        return HfSampler(policy, rows)
    from videmo.generation.vllm import VllmSampler

    return VllmSampler(policy, rows)
