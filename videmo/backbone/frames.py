"""Frames into the patches that Qwen2.5-VL's vision tower takes; agrees with transformers' own video processor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from videmo.backbone.policy import Policy

# OpenAI CLIP's statistics, which every Qwen2-VL preprocessor carries.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, eq=False)
class Video:
    """One clip as patches, or as what a vision tower that does not learn makes of them.

    pixels: (patches, channels * temporal * patch * patch) float32; grid: (3,) time, height and width in patches.
    features: (tokens, hidden); None where the tower is still to look at the pixels, which are None where it has.
    """

    pixels: Tensor | None
    grid: Tensor
    features: Tensor | None = None

    def tokens(self, merge: int) -> int:
        """How many tokens of the language model this video takes."""
        return int(self.grid.prod()) // merge**2


def pack_frames(frames: np.ndarray, policy: Policy) -> Video:
    """frames: uint8 (time, height, width, 3), RGB; time a multiple of the temporal patch, sides of patch * merge.

    Raises ValueError where a side or the number of frames does not divide.
    """
    vision = policy.config.vision_config
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
    return Video(patches.contiguous(), torch.tensor(grid))
