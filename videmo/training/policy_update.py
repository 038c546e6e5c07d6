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
from videmo.endpoint import Ask
from videmo.generation.hf import HfSampler
from videmo.generation.rollout import Rollout
from videmo.training.engine import TrainingEngine
from videmo.training.forest import micro_batches, per_token, rollout_mask, rollout_tree, sampled_logprobs
from videmo.training.objective import clipped_terms, kl_terms, token_mean
from videmo.training.prompts import CAPTION, Prompts
from videmo.training.scoring import Scored

if TYPE_CHECKING:
    from videmo.config import Rl


@dataclass(frozen=True)
class Learner:
    """What a step works with."""

    engine: TrainingEngine
    reference: Policy
    videos: Callable[[str], Video]
    settings: Rl
    ask: Ask | None = None  # the scorer of captions, where there is one


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
    """Grow this process's trees of a step: over the levels for captions, of one level and as many leaves for
    questions."""
    settings, engine = learner.settings, learner.engine
    captions, questions = asked.at(step)
    own = engine.share(captions + questions)
    rollouts: list[Rollout] = [Rollout(())] * len(own)
    sampler = HfSampler(engine.whole())
    for kind, branching in enumerate((settings.branching, (prod(settings.branching),))):
        places = [place for place, sample in enumerate(own) if (sample.part == CAPTION) == (kind == 0)]
        posed = [(learner.videos(own[place].clip), own[place].question) for place in places]
        seed = ((settings.seed * 1_000_003 + step) * engine.processes + engine.process) * 2 + kind
        grown = sampler.grow(posed, branching, settings.temperature, seed, settings.max_segment_tokens)
        for place, rollout in zip(places, grown, strict=True):
            rollouts[place] = rollout
    return own, rollouts


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
    tokens = int(learner.engine.total(sum(int(part.mask.sum()) for part in parts)))
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
