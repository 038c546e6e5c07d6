"""One step of tree RL on the policy: sample rollouts and, once they are scored, update on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import PackedBatch, PrefixTree, collate, token_logprobs
from videmo.backbone.video import Video
from videmo.data.samples import Sample
from videmo.generation.draws import seed_of
from videmo.generation.hf import HfSampler
from videmo.generation.rollout import Rollout
from videmo.llm.client import Ask
from videmo.training.engine import TrainingEngine
from videmo.training.forest import (
    Piece,
    micro_batches,
    per_token,
    pieces,
    rollout_mask,
    rollout_tree,
    sampled_logprobs,
)
from videmo.training.objective import clipped_terms, kl_terms, sequence_weights, token_weights
from videmo.training.prompts import CAPTION, Prompts
from videmo.training.scoring import Scored
from videmo.training.tally import Tally

if TYPE_CHECKING:
    from videmo.settings.rl import Rl


@dataclass(frozen=True)
class Learner:
    """What a step needs besides its prompts."""

    engine: TrainingEngine
    reference: Policy
    videos: Callable[[str], Video]
    settings: Rl
    ask: Ask | None = None  # the scorer of captions, if there is one


@dataclass(frozen=True)
class MicroBatch:
    """Packed pieces of rollouts with, for each token, its log-probabilities, advantage and weight in the loss.

    mask: the sampled tokens.  own: those that count here and not in another piece.
    """

    batch: PackedBatch
    mask: Tensor
    own: Tensor
    sampled: Tensor
    reference: Tensor
    advantages: Tensor
    weights: Tensor


def own_samples(learner: Learner, prompts: Prompts, step: int) -> list[Sample]:
    """The captions and questions that this process asks in a step."""
    captions, questions = prompts.at(step)
    return learner.engine.share(captions + questions)


def sample_rollouts(learner: Learner, samples: Sequence[Sample], step: int) -> list[Rollout]:
    """Grow a tree for each sample: over all levels for a caption, one level with as many leaves for a question.

    What is drawn for a sample depends on its place in the step, not on how many processes share the step.
    """
    settings, engine = learner.settings, learner.engine
    rollouts: list[Rollout] = [Rollout(())] * len(samples)
    sampler = HfSampler(engine.whole())
    for kind, branching in enumerate((settings.branching, (prod(settings.branching),))):
        places = [place for place, sample in enumerate(samples) if (sample.part == CAPTION) == (kind == 0)]
        prompts = [(learner.videos(samples[place].clip), samples[place].question) for place in places]
        seeds = [seed_of(settings.seed, step, engine.places(len(samples))[place]) for place in places]
        grown = sampler.grow(prompts, seeds, branching, settings.temperature, settings.max_segment_tokens)
        for place, rollout in zip(places, grown, strict=True):
            rollouts[place] = rollout
    return rollouts


def update(learner: Learner, scored: Sequence[Scored]) -> list[Tally]:
    """`optimisation_epochs` optimiser steps on all rollouts together. Returns the metrics of each.

    Where all siblings agree everywhere there is no step and no metrics: momentum alone would move the policy.
    """
    engine, settings = learner.engine, learner.settings
    parts = _parts(learner, scored)
    total = engine.total(sum(float(part.weights.sum()) for part in parts))
    if not total:
        return []
    # All processes need the same number of micro-batches: one with fewer adds some that weigh and count nothing.
    nothing = replace(parts[0], own=torch.zeros_like(parts[0].own), weights=torch.zeros_like(parts[0].weights))
    parts += [nothing] * (int(engine.most(len(parts))) - len(parts))
    epochs = []
    for _ in range(settings.optimisation_epochs):
        tally = Tally()
        loss = engine.update([_loss_of(learner, part, total, tally) for part in parts], settings.learning_rate)
        tally.add("loss", loss)
        epochs.append(tally)
    return epochs


def _parts(learner: Learner, scored: Sequence[Scored]) -> list[MicroBatch]:
    policy, budget = learner.engine.policy, learner.engine.settings.micro_tokens
    cut: list[tuple[Scored, Piece, PrefixTree]] = []
    for one in scored:
        video, question = learner.videos(one.sample.clip), one.sample.question
        prefix = len(rollout_tree(policy, video, question, Rollout(())))
        rollout_pieces = pieces(one.rollout, prefix, budget)
        cut += [(one, piece, rollout_tree(policy, video, question, piece.of(one.rollout))) for piece in rollout_pieces]
    groups = micro_batches([tree for *_, tree in cut], budget)
    return [_part(learner, [cut[index] for index in group]) for group in groups]


def _part(learner: Learner, cut: Sequence[tuple[Scored, Piece, PrefixTree]]) -> MicroBatch:
    policy, settings = learner.engine.policy, learner.settings
    batch = collate(policy, [tree for *_, tree in cut])
    mask = rollout_mask(batch)

    def spread(values: Callable[[Scored], Tensor]) -> Tensor:
        return per_token([values(one)[list(piece.nodes)] for one, piece, _ in cut], batch)

    own = per_token([torch.tensor(piece.own) for _, piece, _ in cut], batch) > 0
    sampled = sampled_logprobs([piece.of(one.rollout) for one, piece, _ in cut], mask)
    with torch.no_grad():
        reference = token_logprobs(learner.reference, batch, mask, settings.temperature)
    advantages = spread(lambda one: one.advantages.advantages)
    weights = spread(lambda one: _weights(one, settings.aggregation)) * own
    return MicroBatch(batch, mask, own, sampled, reference, advantages, weights)


def _weights(one: Scored, aggregation: str) -> Tensor:
    counted = one.advantages.choice >= 0
    if aggregation == "token":
        return token_weights(counted)
    return sequence_weights(counted, [len(node.tokens) for node in one.rollout.nodes], one.rollout.parents)


def _loss_of(learner: Learner, part: MicroBatch, total: float, tally: Tally) -> Callable[[], Tensor]:
    """The micro-batch's share of the loss: the weighted mean of the clipped objective plus kl times the penalty."""
    settings = learner.settings

    def compute() -> Tensor:
        logprobs = learner.engine.logprobs(part.batch, part.mask, settings.temperature)
        terms, clipped = clipped_terms(logprobs, part.sampled, part.advantages, settings.clip_low, settings.clip_high)
        kl = kl_terms(logprobs, part.reference, part.sampled)
        with torch.no_grad():
            shift = (torch.exp(logprobs - part.sampled) - 1).abs()
            # `entropy` is estimated by the log-probabilities of the sampled tokens.
            metrics = {"kl": kl, "clip_share": clipped.to(kl), "ratio_shift": shift, "entropy": -logprobs}
            for name, values in metrics.items():
                tally.add(name, float(values[part.own].sum()), int(part.own.sum()))
        return ((terms + settings.kl * kl) * part.weights).sum() / total

    return compute
