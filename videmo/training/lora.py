"""Adapters of low rank (Hu et al. 2021) in the language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from videmo.backbone.policy import Policy

if TYPE_CHECKING:
    from peft import PeftModel

    from videmo.settings.sft import Lora


def add_lora(policy: Policy, settings: Lora | None, seed: int) -> PeftModel | None:
    """Put adapters into the model in place and freeze all else; None if the settings want none."""
    if settings is None:
        return None
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, target_modules=policy.adapted
    )
    return get_peft_model(policy.model, config)


def merge_lora(adapted: PeftModel | None) -> None:
    """Add the adapters to the weights that they stand beside, in place, so that a plain model is left."""
    if adapted is not None:
        adapted.merge_and_unload()
