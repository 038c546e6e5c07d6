"""TRL's GRPOTrainer on the tiny model, one step at a time, for `benchmarks.tree_rollout`. Imports trl."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from PIL import Image
from torch import Tensor
from transformers import PrinterCallback, ProcessorMixin, Qwen2VLImageProcessor, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from videmo.backbone.policy import Policy
from videmo.backbone.qwen2_5_vl.frames import image_processor
from videmo.backbone.weights_check import TINY
from videmo.settings.rl import Rl


class ImageProcessor(ProcessorMixin):
    """Qwen2.5-VL's processor for images alone: the whole one wants torchvision, for videos."""

    return_mm_token_type_ids = True

    def __init__(self, image_processor: Qwen2VLImageProcessor, tokenizer: Any, chat_template: str | None = None):
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id, self.video_token_id = tokenizer.convert_tokens_to_ids([self.image_token, self.video_token])
        super().__init__(image_processor, tokenizer, chat_template=chat_template)

    def replace_image_token(self, image_inputs: dict, image_idx: int, **_: Any) -> str:
        patches = image_inputs["image_grid_thw"][image_idx].prod()
        return self.image_token * int(patches // self.image_processor.merge_size**2)


@dataclass(frozen=True)
class Shape:
    """Optimiser steps; completions of a clip in each, and their tokens; where the trainer may write."""

    steps: int
    leaves: int
    tokens: int
    output: Path


class Trainer(GRPOTrainer):
    """Keeps what it last generated: prompts, completions, the reference's log-probabilities."""

    made: dict[str, Any]
    clips: list[str]

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        self.made = super()._generate_and_score_completions(inputs)
        self.clips = [row["clip"] for row in inputs]
        return self.made


class Between(TrainerCallback):
    """Calls `between` with the number of the step before each of the trainer's steps, which `lap` then times."""

    def __init__(self, between: Callable[[int], None], lap: Callable[[], AbstractContextManager[None]]):
        self.between = between
        self.lap = lap
        self.running: AbstractContextManager[None] | None = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.between(state.global_step)
        self.running = self.lap()
        self.running.__enter__()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        assert self.running is not None
        self.running.__exit__(None, None, None)


def open_trainer(policy: Policy, pictures: Mapping[str, Any], question: str, shape: Shape, settings: Rl) -> Trainer:
    """A trainer on one picture a clip, every clip in every step."""
    prompt = [{"role": "user", "content": question}]
    rows = [{"prompt": prompt, "images": [Image.fromarray(shown)], "clip": clip} for clip, shown in pictures.items()]
    config = GRPOConfig(
        output_dir=str(shape.output),
        max_steps=shape.steps,
        per_device_train_batch_size=len(rows) * shape.leaves,
        num_generations=shape.leaves,
        max_completion_length=shape.tokens,
        generation_kwargs={"min_new_tokens": shape.tokens},
        temperature=settings.temperature,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant",
        max_grad_norm=settings.gradient_clip,
        beta=settings.kl,
        epsilon=settings.clip_low,
        epsilon_high=settings.clip_high,
        model_init_kwargs={"dtype": "float32"},
        gradient_checkpointing=False,  # which would only cost it time here
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        report_to="none",
        logging_strategy="no",
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=str(TINY),
        reward_funcs=arbitrary_rewards,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=ImageProcessor(
            image_processor(policy.config), policy.tokenizer, policy.tokenizer.chat_template
        ),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def completions(trainer: Trainer) -> list[tuple[str, list[int], Tensor]]:
    """Of the last step: the clip, the tokens and the reference's log-probabilities, of every completion.

    Raises SystemExit if one ended early.
    """
    if not trainer.made["completion_mask"].all():
        raise SystemExit("a completion of TRL's ended early: there would be fewer tokens on its side")
    tokens, logprobs = trainer.made["completion_ids"], trainer.made["ref_per_token_logps"].detach()
    return list(zip(trainer.clips, tokens.tolist(), logprobs, strict=True))


def arbitrary_rewards(completion_ids: Sequence[Sequence[int]], **_: Any) -> list[float]:
    """In [0, 1), by the tokens alone: scoring is no part of what is compared."""
    return [sum(tokens) % 97 / 97 for tokens in completion_ids]
