"""The interface to a model: all that sampling, training and evaluation ask of it. Each family's folder implements it.

The model reads tokens. A video is a run of pads among them, in whose place the family puts what its vision tower makes
of the pixels; how, and at which layers, is the family's own matter, and so are the axes of its positions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from videmo.backbone.video import Video


class KeyValues(Protocol):
    """A cache of keys and values. position (rows,): rotary position of each row's next token, on every axis."""

    position: Tensor

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object) -> tuple[Tensor, Tensor]:
        """Append the new columns of one layer; returns all columns, the new ones included."""


class Policy(ABC):
    """A model with its tokenizer."""

    architecture: ClassVar[type[PreTrainedModel]]  # the class of `model`
    adapted: ClassVar[str]  # regular expression of the modules that get low-rank adapters

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase):
        self.model = model
        self.tokenizer = tokenizer

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def config(self) -> PretrainedConfig:
        return self.model.config

    def with_model(self, model: PreTrainedModel) -> Self:
        """The same tokenizer with another model of the same shape."""
        return type(self)(model, self.tokenizer)

    @property
    @abstractmethod
    def tower(self) -> nn.Module:
        """The vision tower."""

    @property
    @abstractmethod
    def decoder(self) -> nn.Module:
        """The language model, without its output layer."""

    @property
    @abstractmethod
    def end_of_turn(self) -> int:
        """The token that ends an answer."""

    @property
    @abstractmethod
    def video_pad(self) -> int:
        """The token that stands for a patch of a video."""

    @property
    @abstractmethod
    def never_said(self) -> tuple[int, ...]:
        """Tokens that have no place in an answer, such as pads."""

    @abstractmethod
    def pack(self, frames: NDArray[np.uint8]) -> Video:
        """frames: uint8 (time, height, width, 3), RGB. Raises ValueError where they do not divide into patches."""

    @abstractmethod
    def video_tokens(self, video: Video) -> Tensor:
        """(tokens,) int64: everything before the question's text, with a pad for each token of the video."""

    @abstractmethod
    def question_tokens(self, question: str) -> Tensor:
        """(tokens,) int64: the question, the end of the user's turn and the start of the assistant's."""

    @abstractmethod
    def look(self, pixels: Tensor, grids: Tensor) -> Sequence[Tensor]:
        """One pass of the vision tower: (tokens, width) for each video, to be given to `read`.

        pixels: those of all videos, one after the other.  grids: (videos, 3).
        """

    @abstractmethod
    def positions(self, tokens: Tensor, grid: Tensor) -> Tensor:
        """(3, n) rotary positions of a prompt of n tokens that shows one video. Text after it runs on from the last
        token's, which is the same on all axes."""

    @abstractmethod
    def read(
        self,
        tokens: Tensor,
        positions: Tensor,
        mask: Tensor,
        features: Sequence[Tensor] = (),
        cache: KeyValues | None = None,
    ) -> Tensor:
        """(B, L, hidden): the last hidden state of every token.

        tokens (B, L); positions (3, B, L); mask (B, 1, L, columns) additive; features: what `look` gave for the videos
        among the tokens, in their order; cache: keys and values of the columns before, to which the new ones are added.
        """

    @abstractmethod
    def read_one(self, tokens: Tensor, mask: Tensor, cache: KeyValues) -> Tensor:
        """(rows, hidden): as `read`, of one token of text behind every row of the cache, without gradient; fast.

        tokens (rows,), at the positions `cache.position`; mask (rows, 1, 1, columns) additive, the new column included.
        """

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., vocabulary) of hidden states that `read` or `read_one` returned."""
        return self.model.get_output_embeddings()(hidden)

    def features(self, videos: Sequence[Video]) -> list[Tensor]:
        """(tokens, width) of each video: as it holds them, or from one pass of the vision tower over all of them."""
        held = [video.features.to(self.device) for video in videos if video.features is not None]
        if len(held) == len(videos):
            return held
        pixels = torch.cat([video.pixels for video in videos if video.pixels is not None])
        grids = torch.stack([video.grid for video in videos])
        return list(self.look(pixels.to(self.device), grids.to(self.device)))

    def look_at(self, video: Video) -> Video:
        """The video with its features in place of its pixels: good for as long as the vision tower does not change."""
        with torch.no_grad():
            (features,) = self.features([video])
        return Video(None, video.grid, video.tokens, features.cpu())

    def answer_tokens(self, answer: str, end: bool = True) -> Tensor:
        """(tokens,) int64: the answer, and the end of the turn."""
        tokens = self.encode(answer)
        return torch.cat([tokens, torch.tensor([self.end_of_turn])]) if end else tokens

    def encode(self, text: str) -> Tensor:
        """(tokens,) int64 of a text as it stands."""
        return torch.tensor(self.tokenizer.encode(text, add_special_tokens=False), dtype=torch.long)

    def decode(self, tokens: Tensor) -> str:
        """The text of generated tokens, without the end of the turn."""
        return self.tokenizer.decode(tokens.tolist(), skip_special_tokens=True)

    def save_settings(self, directory: Path) -> None:
        """Write all but the weights: config, tokenizer with chat template, and what the family has besides."""
        self.config.save_pretrained(directory)
        self.tokenizer.save_pretrained(directory)
