"""A Qwen2.5-VL behind the interface of `Policy`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Qwen2_5_VLForConditionalGeneration

from videmo.backbone.policy import KeyValues, Policy
from videmo.backbone.qwen2_5_vl.chat import END_OF_TURN, PAD, template
from videmo.backbone.qwen2_5_vl.decoder import one_token
from videmo.backbone.qwen2_5_vl.frames import image_processor, pack
from videmo.backbone.video import Video


class Qwen25VLPolicy(Policy):
    """Width, height and time have a rotary axis each; the tower's features replace the embeddings of pads."""

    architecture = Qwen2_5_VLForConditionalGeneration
    # Every projection of the language model; the tower's own layers carry other names or stay as they are.
    adapted = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"

    @property
    def tower(self) -> nn.Module:
        return self.model.model.visual

    @property
    def decoder(self) -> nn.Module:
        return self.model.model.language_model

    @property
    def end_of_turn(self) -> int:
        return self.tokenizer.convert_tokens_to_ids(END_OF_TURN)

    @property
    def video_pad(self) -> int:
        return self.config.video_token_id

    @property
    def never_said(self) -> tuple[int, ...]:
        return self.config.image_token_id, self.config.video_token_id

    def pack(self, frames: NDArray[np.uint8]) -> Video:
        return pack(frames, self.config)

    def video_tokens(self, video: Video) -> Tensor:
        head, _ = template(self.tokenizer)
        return self.encode(head.replace(PAD, PAD * video.tokens))

    def question_tokens(self, question: str) -> Tensor:
        _, tail = template(self.tokenizer)
        return self.encode(question + tail)

    def look(self, pixels: Tensor, grids: Tensor) -> Sequence[Tensor]:
        return self.model.model.get_video_features(pixels, grids).pooler_output

    def positions(self, tokens: Tensor, grid: Tensor) -> Tensor:
        kinds = (tokens == self.video_pad).int() * 2
        positions, _ = self.model.model.get_rope_index(
            tokens[None], mm_token_type_ids=kinds[None], video_grid_thw=grid[None]
        )
        return positions[:, 0]

    def read(
        self,
        tokens: Tensor,
        positions: Tensor,
        mask: Tensor,
        features: Sequence[Tensor] = (),
        cache: KeyValues | None = None,
    ) -> Tensor:
        embeds = self.model.get_input_embeddings()(tokens)
        if features:
            pads = (tokens == self.video_pad)[..., None]
            embeds = embeds.masked_scatter(pads, torch.cat(list(features)).to(embeds.dtype))
        return self.decoder(
            inputs_embeds=embeds,
            position_ids=positions,
            attention_mask={"full_attention": mask},
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state

    def read_one(self, tokens: Tensor, mask: Tensor, cache: KeyValues) -> Tensor:
        return one_token(self.decoder, cache, self.model.get_input_embeddings()(tokens), mask)

    def save_settings(self, directory: Path) -> None:
        super().save_settings(directory)
        image_processor(self.config).save_pretrained(directory)
