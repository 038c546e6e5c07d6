"""A step of tree RL, rollouts and training pass, beside TRL's GRPOTrainer and beside this project's own chains.

python -m benchmarks.tree_rollout        needs TRL, which the project does not: docs/measurements.md says how

The tiny model, eight clips, eight leaves each. The frames of a clip are laid out in one picture, since TRL trains on
images (with a video it generates from it, and computes the loss without it); both sides get the same picture, and the
same question, as the same number of tokens. Segments are as long as the captions of drawn faces are on average, and
are forced to be: none ends before or after. Both sides sample, get arbitrary rewards, run the frozen reference and the
policy over the samples, and step AdamW. First, log-probabilities of the same completions have to agree: TRL's of its
own samples with ours, and those of trees with those of chains. Then five interleaved repeats, medians.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from videmo.backbone.loading import load_policy
from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import collate, token_logprobs
from videmo.backbone.qwen2_5_vl.policy import Qwen25VLPolicy
from videmo.backbone.video import Video
from videmo.data.samples import Sample
from videmo.data.sources.faces import stage
from videmo.drawn.draw import draw_frames
from videmo.generation.decoding import Ending, Segments
from videmo.generation.draws import seed_of
from videmo.generation.growth import Growth, GrowthLevel
from videmo.generation.hf import HfSampler
from videmo.generation.paths import Paths
from videmo.generation.rollout import Rollout, RolloutNode
from videmo.settings.params import load_params
from videmo.tasks.catalog import PARTS
from videmo.training.engine import TrainingEngine
from videmo.training.forest import rollout_mask, rollout_tree
from videmo.training.objective import level_advantages, node_values
from videmo.training.policy_update import Learner, update
from videmo.training.scoring import Scored

REPEATS = 5
THREADS = 2
CLIPS = 8
TREE, CHAIN = (2, 2, 2), (8, 1, 1)
LENGTHS = {"attribute": 96, "expression": 32, "emotion": 12}  # tokens; drawn faces' captions: 98, 32 and 10
FRAME = 84  # pixels; four frames in a picture are 36 tokens, as a clip is by default
NAMESPACE = 16  # people of their own
QUESTION = PARTS["fine_caption"].question
AGREES = 1e-4
PARAMS = load_params(overrides=["rl.learning_rate=1.0e-5", "rl.temperature=1.0"])
SETTINGS = PARAMS.rl


class ForcedSampler(HfSampler):
    """Every segment is as long as its level says, and goes on."""

    _closers = frozenset()  # type: ignore[assignment]

    def _grow(
        self,
        growth: Growth,
        paths: Paths,
        level: GrowthLevel,
        ending: Ending,
        temperature: float,
        numbers: torch.Tensor,
    ) -> Paths:
        return super()._grow(growth, paths, level, replace(ending, tokens=LENGTHS[level.level]), temperature, numbers)

    def _node(self, level: str, segments: Segments, row: int, parent: int) -> RolloutNode:
        return replace(super()._node(level, segments, row, parent), complete=True)


class Endless(Qwen25VLPolicy):
    """No token ends a turn."""

    @property
    def end_of_turn(self) -> int:
        return -1


class TokenCount:
    """Counts every position that goes into the language models of `models`, padding too: every token embedded."""

    def __init__(self, *models: Any):
        self.tokens = 0
        for model in models:
            model.get_input_embeddings().register_forward_pre_hook(self._add)

    def _add(self, _: torch.nn.Module, inputs: tuple[Tensor]) -> None:
        self.tokens += inputs[0].numel()


@dataclass
class Measured:
    """Of each repeat the seconds, and the tokens that went through language models."""

    seconds: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    @contextmanager
    def lap(self, count: TokenCount) -> Iterator[None]:
        begun, before = time.perf_counter(), count.tokens
        yield
        self.seconds.append(time.perf_counter() - begun)
        self.tokens.append(count.tokens - before)


def main() -> None:
    if find_spec("trl") is None:
        raise SystemExit("TRL is not installed here; docs/measurements.md says how to run this benchmark beside it")
    from benchmarks.trl_peer import Between, Shape, completions, open_trainer

    torch.set_num_threads(THREADS)
    pictures = {f"clip-{number}": contact_sheet(number) for number in range(CLIPS)}
    policy, reference = (load_policy("tiny") for _ in range(2))
    videos = {clip: policy.pack(np.stack([picture] * 2)) for clip, picture in pictures.items()}
    modes = {"tree": Measured(), "chain": Measured(), "TRL": Measured()}
    with TemporaryDirectory(prefix="videmo-trl-") as output:
        shape = Shape(1 + REPEATS, prod(TREE), sum(LENGTHS.values()), Path(output))
        # First of all: where processes have been joined already, the trainer wraps its model for several.
        trainer = open_trainer(policy, pictures, QUESTION, shape, SETTINGS)
        engine = TrainingEngine(policy, PARAMS.execution, SETTINGS.gradient_clip)
        learner = Learner(engine, reference, videos.__getitem__, SETTINGS)
        own, peer = TokenCount(policy.model, reference.model), TokenCount(trainer.model, trainer.ref_model)

        def between(step: int) -> None:
            if step == 1:  # the first one was to warm up
                check_equal(reference, videos, completions(trainer))
            for mode, branching in (("tree", TREE), ("chain", CHAIN)):
                with modes[mode].lap(own):
                    own_step(learner, videos, branching, step)

        trainer.add_callback(Between(between, partial(modes["TRL"].lap, peer)))
        trainer.train()
    report(modes)


def contact_sheet(number: int) -> np.ndarray:
    """Frames of a drawn clip in one picture, uint8 (2 FRAME, 2 FRAME, 3)."""
    performance = stage(0, NAMESPACE, number, 0)
    last = len(performance.figures[0].acting.head) - 1
    a, b, c, d = draw_frames(performance, FRAME, [round(place * last / 3) for place in range(4)])
    return np.vstack([np.hstack([a, b]), np.hstack([c, d])])


def own_step(learner: Learner, videos: Mapping[str, Video], branching: tuple[int, int, int], seed: int) -> None:
    rollouts = grow(learner.engine.whole(), videos, branching, seed)
    update(learner, [scored(clip, rollout) for clip, rollout in zip(videos, rollouts, strict=True)])


def grow(policy: Policy, videos: Mapping[str, Video], branching: tuple[int, int, int], seed: int) -> list[Rollout]:
    sampler = ForcedSampler(Endless(policy.model, policy.tokenizer))
    prompts = [(video, QUESTION) for video in videos.values()]
    seeds = [seed_of(seed, place) for place in range(len(prompts))]
    return sampler.grow(prompts, seeds, branching, SETTINGS.temperature, max(LENGTHS.values()))


def scored(clip: str, rollout: Rollout) -> Scored:
    """With rewards that depend on the tokens alone."""
    said = [
        [token for node in rollout.path(i) for token in rollout.nodes[node].tokens] for i in range(len(rollout.nodes))
    ]
    rewards = torch.tensor([sum(tokens) % 97 / 97 for tokens in said])
    advantages = level_advantages(node_values(rewards, torch.zeros_like(rewards), rollout.parents), rollout.parents)
    return Scored(Sample(clip, clip, "fine_caption", "emotion", "train", QUESTION, ""), rollout, (), advantages)


def check_equal(policy: Policy, videos: Mapping[str, Video], theirs: Sequence[tuple[str, list[int], Tensor]]) -> None:
    """TRL's log-probabilities of its completions are ours, and those that a tree's segments were sampled with are those
    of its leaves as separate answers. Raises SystemExit if one differs by more than AGREES."""
    by_clip = {clip: [one for one in theirs if one[0] == clip] for clip in videos}
    ours = torch.cat(list(answer_logprobs(policy, videos, {c: [t for _, t, _ in of] for c, of in by_clip.items()})))
    gap = float((ours - torch.stack([one[2] for of in by_clip.values() for one in of])).abs().max())
    trees = dict(zip(videos, grow(policy, videos, TREE, seed=99), strict=True))
    paths = {clip: [tree.path(leaf) for leaf in tree.leaf_indices()] for clip, tree in trees.items()}
    answers = {c: [[t for n in p for t in trees[c].nodes[n].tokens] for p in of] for c, of in paths.items()}
    sampled = torch.tensor([[x for n in p for x in trees[c].nodes[n].logprobs] for c, of in paths.items() for p in of])
    apart = float((torch.cat(list(answer_logprobs(policy, videos, answers))) - sampled).abs().max())
    print(f"largest difference of a log-probability: to TRL {gap:.1e}, of a tree to its leaves one by one {apart:.1e}")
    if not max(gap, apart) < AGREES:
        raise SystemExit(f"not equal to {AGREES:g}: nothing to compare")


def answer_logprobs(
    policy: Policy, videos: Mapping[str, Video], answers: Mapping[str, Sequence[Sequence[int]]]
) -> Iterator[Tensor]:
    """(answers, tokens) for each clip: log-probabilities of every token of every answer, each run on its own."""
    for clip, of_clip in answers.items():
        rollouts = [Rollout((RolloutNode("answer", "", tuple(tokens), (), -1),)) for tokens in of_clip]
        batch = collate(policy, [rollout_tree(policy, videos[clip], QUESTION, rollout) for rollout in rollouts])
        with torch.no_grad():
            found = token_logprobs(policy, batch, rollout_mask(batch))
        yield found[rollout_mask(batch)].view(len(of_clip), -1)


def report(modes: Mapping[str, Measured]) -> None:
    seconds = {name: statistics.median(mode.seconds[1:]) for name, mode in modes.items()}
    tokens = {name: statistics.median(mode.tokens[1:]) for name, mode in modes.items()}
    leaves = CLIPS * prod(TREE)
    print(", ".join(f"{package} {version(package)}" for package in ("trl", "transformers", "torch")))
    print(f"{leaves} leaves of {sum(LENGTHS.values())} tokens; {THREADS} threads, {REPEATS} repeats, medians")
    print(f"{'':<8}{'seconds':>10}{'leaves a second':>18}{'forwarded tokens':>19}   all repeats")
    for name, mode in modes.items():
        every = " ".join(f"{lap:.2f}" for lap in mode.seconds[1:])
        print(f"{name:<8}{seconds[name]:>10.2f}{leaves / seconds[name]:>18.1f}{tokens[name]:>19,.0f}   {every}")
    figures = {
        "ratio_to_trl": round(seconds["TRL"] / seconds["tree"], 2),
        "ratio_to_chain": round(seconds["chain"] / seconds["tree"], 2),
        "forwarded_tokens_ratio": round(tokens["chain"] / tokens["tree"], 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
