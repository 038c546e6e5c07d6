"""Load and save policies: plain Hugging Face directories in safetensors, or the package's own `tiny`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from transformers import AutoTokenizer, PreTrainedModel
from transformers.utils import logging

from videmo.backbone.families import FAMILIES
from videmo.backbone.policy import Policy
from videmo.backbone.weights_check import check_policy, find_model, model_type
from videmo.stages.errors import first_line

# Bars for weights that load in milliseconds, and advice to install torchvision, which the project does without.
logging.disable_progress_bar()
logging.set_verbosity_error()

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load_policy(name: str | Path, dtype: str = "float32") -> Policy:
    """The policy called `name`: `tiny`, a local Hugging Face directory, or a model in the local Hugging Face cache.

    Nothing is downloaded, and no code of the model is run. Raises ValueError, which names file and fault, where there
    is no such model, it is of no known family, its files are damaged or incomplete, or a weight is not finite.
    """
    directory = find_model(name)
    if directory is None:
        raise ValueError(
            f"{name}: no such model; use tiny, a local directory, or a name in the local Hugging Face cache"
        )
    try:
        check_policy(directory)
        return _load(directory, DTYPES[dtype])
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{name}: {first_line(error)}") from error


def _load(directory: Path, dtype: torch.dtype) -> Policy:
    family = FAMILIES[model_type(directory)].policy()
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    model, info = family.architecture.from_pretrained(
        directory,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    check_loaded(model, info)
    policy = family(model.eval(), tokenizer)
    policy.question_tokens("")  # raises where the chat template is not the family's
    vocabulary = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > vocabulary:
        raise ValueError(f"the tokenizer has {len(tokenizer)} tokens, the weights have {vocabulary}")
    return policy


def check_loaded(model: PreTrainedModel, info: Mapping[str, Iterable[object]]) -> None:
    """Raise ValueError where a tensor was missing, left over or of another shape when `model` was loaded, or holds
    values that are not finite. info: transformers' own account of the loading."""
    for fault in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if names := sorted(map(str, info[fault])):
            raise ValueError(f"weights: {len(names)} {fault.replace('_', ' ')}, such as {names[0]}")
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            raise ValueError(f"weights: {name} holds values that are not finite (NaN or infinity)")


def to_gpu(policy: Policy) -> Policy:
    """The policy, on the GPU where there is one."""
    if torch.cuda.is_available():
        policy.model.cuda()
    return policy


def save_policy(policy: Policy, directory: Path) -> None:
    """Write `policy` as a Hugging Face directory: config, safetensors, tokenizer, chat template, preprocessor."""
    policy.model.save_pretrained(directory, safe_serialization=True)
    policy.save_settings(directory)
