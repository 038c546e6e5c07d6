"""Load and save a Qwen2.5-VL policy: a plain Hugging Face directory in safetensors, or the package's own `tiny`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.utils import logging

# Bars for weights that load in milliseconds, and advice to install torchvision, which the project does without.
logging.disable_progress_bar()
logging.set_verbosity_error()

TINY = Path(__file__).parent / "weights" / "tiny"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Policy:
    """A model and the tokenizer that speaks for it."""

    model: Qwen2_5_VLForConditionalGeneration
    tokenizer: PreTrainedTokenizerBase

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def config(self) -> Qwen2_5_VLConfig:
        return self.model.config

    @property
    def end_of_turn(self) -> int:
        return self.tokenizer.convert_tokens_to_ids("<|im_end|>")


def load_policy(name: str | Path, dtype: str = "float32") -> Policy:
    """The policy called `name`: `tiny`, a local Hugging Face directory, or a model in the local Hugging Face cache.

    Nothing is downloaded. Raises ValueError where there is no such model, or it is no Qwen2.5-VL in safetensors.
    """
    source = TINY if str(name) == "tiny" else name
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            source, dtype=DTYPES[dtype], use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"backbone.name = {name}: no Qwen2.5-VL in safetensors can be loaded from there ({reason}); "
            "use tiny, a local directory, or the name of a model in the local Hugging Face cache"
        ) from error
    return Policy(model.eval(), tokenizer)


def is_policy(name: str | Path) -> bool:
    """Whether `name` is to be loaded as a policy: all that is not a directory of a model of another kind."""
    config = Path(name) / "config.json"
    if not config.is_file():
        return True
    kind = json.loads(config.read_text(encoding="utf-8")).get("model_type")
    return kind in (None, Qwen2_5_VLConfig.model_type)


def to_gpu(policy: Policy) -> Policy:
    """The policy, on the GPU where there is one."""
    if torch.cuda.is_available():
        policy.model.cuda()
    return policy


def save_policy(policy: Policy, directory: Path) -> None:
    """Write `policy` as a Hugging Face directory: config, safetensors, tokenizer, chat template, preprocessor."""
    policy.model.save_pretrained(directory, safe_serialization=True)
    policy.tokenizer.save_pretrained(directory)
    image_processor(policy.config).save_pretrained(directory)


def image_processor(config: Qwen2_5_VLConfig):
    """The frame settings as transformers and vLLM expect them beside a Qwen2.5-VL."""
    from transformers import Qwen2VLImageProcessor

    vision = config.vision_config
    return Qwen2VLImageProcessor(
        patch_size=vision.patch_size,
        temporal_patch_size=vision.temporal_patch_size,
        merge_size=vision.spatial_merge_size,
    )
