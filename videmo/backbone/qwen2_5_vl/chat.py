"""Qwen2.5-VL's chat template, cut at the question."""

from __future__ import annotations

from functools import lru_cache

from transformers import PreTrainedTokenizerBase

PAD = "<|video_pad|>"
END_OF_TURN = "<|im_end|>"
_QUESTION = "\N{SYMBOL FOR SUBSTITUTE}"


@lru_cache(maxsize=8)
def template(tokenizer: PreTrainedTokenizerBase) -> tuple[str, str]:
    """The rendered template before the question, with a single pad for the video, and after it.

    Raises ValueError where the template does not show a video and a question.
    """
    content = [{"type": "video", "video": ""}, {"type": "text", "text": _QUESTION}]
    rendered = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    head, question, tail = rendered.partition(_QUESTION)
    if head.count(PAD) != 1 or not question:
        raise ValueError(f"chat template: must render one {PAD} for a video, and the question after it")
    return head, tail
