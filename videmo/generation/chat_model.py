"""Answers of any other model that transformers knows and that talks about a video, or about several pictures.

Asked as its own processor and `generate` would have it: nothing is shared among the questions about a clip, so that it
takes longer than `HfSampler` does with a Qwen2.5-VL. A model whose processor takes videos gets the frames as one (it
needs torchvision, and was not tried); any other one gets them as pictures in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    GenerationConfig,
    LogitsProcessor,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from videmo.backbone.loading import DTYPES, check_loaded
from videmo.backbone.weights_check import check_model
from videmo.generation.prompts import each
from videmo.generation.rollout import Answer
from videmo.generation.sampler import Answering
from videmo.stages.errors import first_line

Content = list[dict[str, object]]  # what of a message shows the clip


class ChatModel(Answering[Content]):
    """The model in a local Hugging Face directory, in safetensors; none of the code beside its weights is run.

    rows: questions that are answered side by side.  Raises ValueError where it cannot be loaded.
    """

    def __init__(self, name: str | Path, dtype: str, rows: int):
        self.rows = rows
        try:
            check_model(Path(name))
            self._processor = AutoProcessor.from_pretrained(name, local_files_only=True, trust_remote_code=False)
            self._model = _load(name, dtype)
        except (OSError, ValueError, KeyError, ImportError) as error:
            reason = first_line(error)
            raise ValueError(
                f"{name}: no model for questions about videos can be loaded from there ({reason})"
            ) from error
        if self._processor.chat_template is None:
            raise ValueError(f"{name}: has no chat template, so that there is no way to put a question to it")
        if torch.cuda.is_available():
            self._model.cuda()

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self._processor.tokenizer

    def see(self, frames: NDArray[np.uint8]) -> Content:
        """As `Answering` says."""
        if hasattr(self._processor, "video_processor"):
            return [{"type": "video", "video": frames}]
        return [{"type": "image", "image": Image.fromarray(frame)} for frame in frames]

    @torch.inference_mode()
    def answer(self, prompts: Sequence[tuple[Content, str]], max_new_tokens: int | Sequence[int] = 200) -> list[Answer]:
        """As `Answering` says."""
        limits = each(max_new_tokens, prompts)
        answers: dict[int, Answer] = {}
        # Alike in length: a batch takes as long as its longest answer.
        order = sorted(range(len(prompts)), key=lambda index: (limits[index], prompts[index][1]))
        for start in range(0, len(order), self.rows):
            indices = order[start : start + self.rows]
            generated = self._generate([prompts[index] for index in indices], max(limits[index] for index in indices))
            for index, (tokens, logprobs) in zip(indices, generated, strict=True):
                answers[index] = self._answer(tokens[: limits[index]], logprobs)
        return [answers[index] for index in range(len(prompts))]

    def _generate(self, prompts: Sequence[tuple[Content, str]], limit: int) -> list[tuple[list[int], list[float]]]:
        """The likeliest tokens of every answer, and their log-probabilities."""
        messages = [
            [{"role": "user", "content": [*clip, {"type": "text", "text": question}]}] for clip, question in prompts
        ]
        inputs = self._processor.apply_chat_template(
            messages,
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            processor_kwargs={"return_tensors": "pt", "padding": True, "padding_side": "left"},
        ).to(self._model.device, self._model.dtype)
        recorder = _Logprobs()
        tokens = self._model.generate(**inputs, generation_config=self._greedy(limit), logits_processor=[recorder])
        answers = tokens[:, inputs["input_ids"].shape[1] :].tolist()
        logprobs = torch.stack(recorder.steps, dim=1).tolist()
        return [(self._ended(row), steps) for row, steps in zip(answers, logprobs, strict=True)]

    def _greedy(self, limit: int) -> GenerationConfig:
        """Plain greedy decoding, without the sampling and the penalties of the model's own settings."""
        own = self._model.generation_config
        end = own.eos_token_id if own.eos_token_id is not None else self.tokenizer.eos_token_id
        return GenerationConfig(
            do_sample=False, max_new_tokens=limit, eos_token_id=end, pad_token_id=self.tokenizer.pad_token_id
        )

    def _ended(self, tokens: list[int]) -> list[int]:
        """Up to the end of the turn, and with it."""
        end = self._greedy(1).eos_token_id
        ends = set(end if isinstance(end, list) else [end])
        first = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
        return tokens[: first + 1]

    def _answer(self, tokens: list[int], logprobs: list[float]) -> Answer:
        text = self.tokenizer.decode(tokens, skip_special_tokens=True).strip()
        return Answer(text, tuple(tokens), tuple(logprobs[: len(tokens)]))


def _load(name: str | Path, dtype: str) -> PreTrainedModel:
    """The model. Raises ValueError where tensors are missing, left over or not finite."""
    model, info = AutoModelForImageTextToText.from_pretrained(
        name,
        dtype=DTYPES[dtype],
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    check_loaded(model, info)
    return model.eval()


class _Logprobs(LogitsProcessor):
    """Keeps the log-probability of the likeliest token of every step, (rows,) each."""

    def __init__(self) -> None:
        self.steps: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self.steps.append(torch.log_softmax(scores.float(), dim=-1).amax(dim=-1))
        return scores
