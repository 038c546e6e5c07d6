"""Curriculum fine-tuning: one level of attribute -> expression -> emotion, from the policy of the level before.

For comparison, any level can start from the backbone, and all levels can be mixed.

A pack is one clip with several questions as a prefix tree, so that the clip is encoded once for all of them. The loss
is the negative log-likelihood of the answers' tokens, including the end of the turn, averaged over all answer tokens of
a step: every token weighs the same, so a caption weighs more than a one-word answer. Curriculum, optimiser and schedule
are VidEmo's (section 3.1); replay of earlier levels is this project's choice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from videmo.backbone.loading import load_policy
from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import PrefixTree, collate
from videmo.backbone.video import Video
from videmo.data.samples import Sample
from videmo.data.shards import open_dataset
from videmo.stages.report import StageReport
from videmo.stages.work import Work
from videmo.training.batches import Deck, Mixture, Order, Pack, answer_mask, clip_videos, sample_tree, tower_rests
from videmo.training.checkpoint import CHECKPOINTS, load_checkpoint, remove_checkpoints, save_checkpoint
from videmo.training.engine import TrainingEngine, learning_rate, save_model
from videmo.training.lora import add_lora, merge_lora
from videmo.training.processes import training_directory
from videmo.tree.model import LEVELS, Level

if TYPE_CHECKING:
    from videmo.settings.sections import SftSettings
    from videmo.settings.sft import Curriculum

MIXED: Literal["mixed"] = "mixed"  # in place of a level: all levels together
Taught = Level | Literal["mixed"]
FINAL_STEPS = 20  # the final loss is the mean over these last steps


@dataclass
class Pace:
    """Steps, tokens and seconds of this process."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def metrics(self) -> dict[str, float]:
        if not self.steps:  # resumed with nothing left to do
            return {}
        return {"seconds_per_step": self.seconds / self.steps, "tokens_per_second": self.tokens / self.seconds}


def run(params: SftSettings, inputs: Mapping[str, Path], output: Path, level: Taught) -> StageReport:
    """Fine-tune on the samples of `level` the policy among the inputs, that of the level before; the backbone where
    there is none, which has nothing to replay. Mixed, the batches are those of the whole curriculum, shuffled.

    Resumes from the newest checkpoint; the losses are then those of a run that was never stopped. Writes `model`, a
    Hugging Face directory. Raises ValueError without samples, FloatingPointError if the loss is not finite.
    """
    with training_directory(output, __name__, params, inputs) as work:
        dataset = open_dataset(inputs["data_build"])
        before = next((path for name, path in inputs.items() if name.startswith("sft_")), None)
        policy = _policy(params, before)
        videos = clip_videos(dataset, policy, tower_rests(params.backbone, params.execution))
        order = _batches(dataset.of("train"), params, level, replays=before is not None)
        adapted = add_lora(policy, params.sft.lora, params.sft.seed)
        engine = TrainingEngine(policy, params.execution, params.sft.gradient_clip, params.sft.weight_decay)
        pace = _train(engine, order, videos, params.sft, _peak(params), work)
        merge_lora(adapted)
        save_model(engine, work.path / "model")
        metrics = {"loss": _final_loss(work.path), "steps": float(order.steps), **pace.metrics()}
        remove_checkpoints(work.path / CHECKPOINTS, engine)
        return work.finish(metrics)


def _policy(params: SftSettings, before: Path | None) -> Policy:
    policy = load_policy(before / "model" if before else params.backbone.name, params.backbone.dtype)
    if params.backbone.freeze_vision:
        policy.tower.requires_grad_(False)
    return policy


def _batches(samples: Sequence[Sample], settings: SftSettings, level: Taught, replays: bool) -> Order | Mixture:
    if level == MIXED:
        return Mixture(tuple(_order(samples, settings, one, replays=True) for one in LEVELS), settings.sft.seed)
    return _order(samples, settings, level, replays)


def _order(samples: Sequence[Sample], settings: SftSettings, level: Level, replays: bool) -> Order:
    chosen, sft = settings.levels[level], settings.sft
    earlier = LEVELS[: LEVELS.index(level)] if replays else ()

    def deck(levels: Sequence[Level], seed: int) -> Deck:
        return Deck(tuple(sample for sample in samples if sample.level in levels), chosen.samples_per_clip, seed)

    return Order(
        deck([level], sft.seed),
        deck(earlier, sft.seed + 1) if earlier else None,
        sft.batch_clips * sft.accumulation,
        chosen.replay,
        chosen.epochs,
    )


def _peak(settings: SftSettings) -> float:
    """The peak learning rate; for mixed training, the mean over the levels."""
    rates = [level.learning_rate for level in settings.levels.values()]
    return sum(rates) / len(rates)


def _train(
    engine: TrainingEngine,
    order: Order | Mixture,
    videos: Callable[[str], Video],
    settings: Curriculum,
    peak: float,
    work: Work,
) -> Pace:
    checkpoints, pace = work.path / CHECKPOINTS, Pace()
    done = load_checkpoint(checkpoints, engine)
    work.rewind(done)
    engine.policy.model.train()
    for step in range(done, order.steps):
        started = time.monotonic()
        packs = order.packs(step)
        trees = [sample_tree(engine.policy, videos(pack.clip), pack.samples) for pack in packs]
        rate = learning_rate(step, order.steps, settings.warmup, peak)
        torch.manual_seed(settings.seed * 1_000_003 + step)  # for the adapter's dropout, the only random part
        loss = _step(engine, trees, packs, settings.batch_clips, rate, step + 1)
        pace.steps, pace.tokens = pace.steps + 1, pace.tokens + sum(map(len, trees))
        pace.seconds += time.monotonic() - started
        work.log(step + 1, loss=loss, learning_rate=rate)
        work.progress(step + 1, order.steps, f"loss {loss:.3f}")
        if (step + 1) % engine.settings.sft_checkpoint_steps == 0 and step + 1 < order.steps:
            save_checkpoint(checkpoints, engine, step + 1)
    engine.policy.model.eval()
    return pace


def _step(
    engine: TrainingEngine, trees: Sequence[PrefixTree], packs: Sequence[Pack], size: int, rate: float, step: int
) -> float:
    """One update on this process's share of the trees. Returns the mean loss over all answer tokens of the step."""
    counts = [sum(len(segment.tokens) for segment in tree.segments[2::2]) for tree in trees]
    own = engine.share(range(len(trees)))
    groups = [own[start : start + size] for start in range(0, len(own), size)]

    def loss_of(group: Sequence[int]) -> Callable[[], Tensor]:
        def compute() -> Tensor:
            batch = collate(engine.policy, [trees[index] for index in group])
            return -engine.logprobs(batch, answer_mask(batch)).sum() / sum(counts)

        return compute

    try:
        return engine.update([loss_of(group) for group in groups], rate)
    except FloatingPointError as error:
        level, samples = packs[0].samples[0].level, ", ".join(sample.id for pack in packs for sample in pack.samples)
        raise FloatingPointError(
            f"step {step}: {error}; lower sft.{level}.learning_rate, or check the samples {samples}"
        ) from error


def _final_loss(work: Path) -> float:
    rows = (work / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    losses = [json.loads(row)["loss"] for row in rows[-FINAL_STEPS:]]
    return sum(losses) / len(losses)
