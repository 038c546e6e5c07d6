"""Qwen2.5-VL: the only folder that knows its shapes, chat format, positions, decoder and vision tower."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videmo.backbone.family import Family
from videmo.backbone.qwen2_5_vl.shapes import shapes, stored

if TYPE_CHECKING:
    from videmo.backbone.policy import Policy


def _policy() -> type[Policy]:
    from videmo.backbone.qwen2_5_vl.policy import Qwen25VLPolicy

    return Qwen25VLPolicy


FAMILY = Family(
    model_type="qwen2_5_vl",
    special={"video_token_id": ("<|video_pad|>", 151656), "image_token_id": ("<|image_pad|>", 151655)},
    shapes=shapes,
    stored=stored,
    optional=frozenset({"lm_head.weight"}),  # tied embeddings may be stored twice
    policy=_policy,
)
