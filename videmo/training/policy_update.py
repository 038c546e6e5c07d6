"""One step of tree RL on the policy: sample rollouts, and update on them once they are scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from videmo.backbone.frames import Video
from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import PackedBatch, collate, token_logprobs
from videmo.data.samples import Sample
from videmo.generation.hf import HfSampler
from videmo.generation.rollout import Rollout
from videmo.training.engine import TrainingEngine
from videmo.training.forest import micro_batches, per_token, rollout_mask, rollout_tree, sampled_logprobs
from videmo.training.objective import clipped_terms, kl_terms, token_mean
from videmo.training.prompts import Prompts
from videmo.training.scoring import Scored

if TYPE_CHECKING:
    from videmo.config import Rl


@dataclass(frozen=True)
class Learner:
    """What a step works with."""

    engine: TrainingEngine
    sampler: HfSampler
    reference: Policy
    videos: Callable[[str], Video]
    settings: Rl


@dataclass(frozen=True)
class MicroBatch:
    """Packed rollouts; for each of their tokens what sampling and the reference say of it, and its advantage."""

    batch: PackedBatch
    mask: Tensor
    sampled: Tensor
    reference: Tensor
    advantages: Tensor


@dataclass
class Sums:
    """Sums over the tokens of an update, for the log."""

    tokens: int = 0
    kl: float = 0.0
    held: float = 0.0
    surprise: float = 0.0
    loss: list[float] = field(default_factory=list)

    def add(self, logprobs: Tensor, kl: Tensor, held: Tensor, mask: Tensor) -> None:
        self.tokens += int(mask.sum())
        self.kl += float((kl.detach() * mask).sum())
        self.held += float((held & mask).sum())
        self.surprise -= float(logprobs.detach().sum())

    def means(self) -> dict[str, float]:
        """`entropy` is its estimate by the sampled tokens' own log-probabilities."""
        tokens = max(self.tokens, 1)
        means = {"kl": self.kl / tokens, "clip_share": self.held / tokens, "entropy": self.surprise / tokens}
        return {**means, "loss": sum(self.loss) / max(len(self.loss), 1)}


def sample_rollouts(learner: Learner, asked: Prompts, step: int) -> tuple[list[Sample], list[Rollout]]:
    """Grow the trees of a step: over the levels for captions, of one level and as many leaves for questions."""
    settings = learner.settings
    rollouts: list[Rollout] = []
    captions, questions = asked.at(step)
    seed = settings.seed * 1_000_003 + 2 * step
    with learner.engine.whole():
        for samples, branching in ((captions, settings.branching), (questions, (prod(settings.branching),))):
            posed = [(learner.videos(sample.clip), sample.question) for sample in samples]
            rollouts += learner.sampler.grow(
                posed, branching, settings.temperature, seed + len(branching) % 2, settings.max_segment_tokens
            )
    return captions + questions, rollouts


def update(learner: Learner, scored: Sequence[Scored]) -> Sums:
    """`optimisation_epochs` steps of the optimiser on all rollouts together."""
    policy, settings = learner.engine.policy, learner.settings
    trees = [rollout_tree(policy, learner.videos(one.sample.clip), one.sample.question, one.rollout) for one in scored]
    parts = []
    for group in micro_batches(trees, settings.micro_tokens):
        batch = collate(policy, [trees[index] for index in group])
        mask = rollout_mask(batch)
        sampled = sampled_logprobs([scored[index].rollout for index in group], mask)
        advantages = per_token([scored[index].advantages.advantages for index in group], batch)
        with torch.no_grad():
            reference = token_logprobs(learner.reference, batch, mask, settings.temperature)
        parts.append(MicroBatch(batch, mask, sampled, reference, advantages))
    tokens = sum(int(part.mask.sum()) for part in parts)
    sums = Sums()
    for _ in range(settings.optimisation_epochs):
        losses = [_loss_of(learner, part, tokens, sums) for part in parts]
        sums.loss.append(learner.engine.update(losses, settings.learning_rate))
    return sums


def _loss_of(learner: Learner, part: MicroBatch, tokens: int, sums: Sums) -> Callable[[], Tensor]:
    """The micro-batch's part in the loss: token mean of clipped objective plus kl times the penalty."""
    settings = learner.settings

    def compute() -> Tensor:
        logprobs = learner.engine.logprobs(part.batch, part.mask, settings.temperature)
        terms, held = clipped_terms(logprobs, part.sampled, part.advantages, settings.clip_low, settings.clip_high)
        kl = kl_terms(logprobs, part.reference)
        sums.add(logprobs, kl, held, part.mask)
        return token_mean(terms + settings.kl * kl, part.mask, tokens)

    return compute
