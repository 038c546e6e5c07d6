"""Frames into the patches that Qwen2.5-VL's vision tower takes; agrees with transformers' own video processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from videmo.backbone.video import Video

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLConfig, Qwen2VLImageProcessor

# OpenAI CLIP's statistics, which every Qwen2-VL preprocessor carries.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def pack(frames: NDArray[np.uint8], config: Qwen2_5_VLConfig) -> Video:
    """frames: uint8 (time, height, width, 3), RGB; time a multiple of the temporal patch, sides of patch * merge.

    Raises ValueError where a side or the number of frames does not divide.
    """
    vision = config.vision_config
    patch, merge, temporal = vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size
    time, height, width, _ = frames.shape
    if time % temporal or height % (patch * merge) or width % (patch * merge):
        raise ValueError(
            f"data.frames = {time} and frames of {width}x{height} do not divide into patches; "
            f"use a multiple of {temporal} frames and sides that are multiples of {patch * merge} pixels"
        )
    pixels = (torch.from_numpy(frames).float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    grid = (time // temporal, height // patch, width // patch)
    blocks = pixels.view(
        grid[0], temporal, grid[1] // merge, merge, patch, grid[2] // merge, merge, patch, 3
    )  # t, temporal, h, merge, patch, w, merge, patch, channel
    patches = blocks.permute(0, 2, 5, 3, 6, 8, 1, 4, 7).reshape(int(np.prod(grid)), -1)
    return Video(patches.contiguous(), torch.tensor(grid), int(np.prod(grid)) // merge**2)


def image_processor(config: Qwen2_5_VLConfig) -> Qwen2VLImageProcessor:
    """The frame settings as transformers and vLLM expect them beside a Qwen2.5-VL."""
    from transformers import Qwen2VLImageProcessor

    vision = config.vision_config
    return Qwen2VLImageProcessor(
        patch_size=vision.patch_size,
        temporal_patch_size=vision.temporal_patch_size,
        merge_size=vision.spatial_merge_size,
    )
