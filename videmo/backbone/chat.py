"""The chat template cut into the three pieces that a prefix tree is made of: video, question, answer."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from videmo.backbone.frames import Video
from videmo.backbone.policy import Policy

_PAD = "<|video_pad|>"
_QUESTION = "\N{SYMBOL FOR SUBSTITUTE}"


def video_tokens(policy: Policy, video: Video) -> Tensor:
    """(tokens,) int64: everything before the question's text, with one pad for each token of the video."""
    head, _ = _template(policy.tokenizer)
    return _encode(policy, head.replace(_PAD, _PAD * video.tokens(policy.config.vision_config.spatial_merge_size)))


def question_tokens(policy: Policy, question: str) -> Tensor:
    """(tokens,) int64: the question, the end of the user's turn and the start of the assistant's."""
    _, tail = _template(policy.tokenizer)
    return _encode(policy, question + tail)


def answer_tokens(policy: Policy, answer: str, end: bool = True) -> Tensor:
    """(tokens,) int64: the answer, and the end of the turn."""
    tokens = _encode(policy, answer)
    return torch.cat([tokens, torch.tensor([policy.end_of_turn])]) if end else tokens


def decode(policy: Policy, tokens: Tensor) -> str:
    """The text of generated tokens, without the end of the turn."""
    return policy.tokenizer.decode(tokens.tolist(), skip_special_tokens=True)


@lru_cache(maxsize=8)
def _template(tokenizer: PreTrainedTokenizerBase) -> tuple[str, str]:
    """The rendered template before and after the question."""
    content = [{"type": "video", "video": ""}, {"type": "text", "text": _QUESTION}]
    rendered = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    head, _, tail = rendered.partition(_QUESTION)
    assert head.count(_PAD) == 1, "the chat template of a Qwen2.5-VL shows one video pad"
    return head, tail


def _encode(policy: Policy, text: str) -> Tensor:
    return torch.tensor(policy.tokenizer.encode(text, add_special_tokens=False), dtype=torch.long)
