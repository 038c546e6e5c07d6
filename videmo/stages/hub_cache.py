"""Where huggingface_hub keeps models, as its documentation says; importing it would take half a second."""

from __future__ import annotations

import os
from pathlib import Path


def hub_cache_of(model: str) -> Path:
    """The directory of `model`, such as Qwen/Qwen2.5-VL-3B-Instruct, in the local Hugging Face cache, whether it exists
    or not."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    hub = Path(os.environ.get("HF_HOME") or f"{base}/huggingface") / "hub"
    cache = Path(os.environ.get("HF_HUB_CACHE") or hub).expanduser()
    return cache / f"models--{model.replace('/', '--')}"
