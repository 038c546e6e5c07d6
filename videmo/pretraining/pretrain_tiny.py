"""Pretrain the tiny base model to see and to speak, on captions of procedural scenes and faces.

There are two steps, both on pictures that are drawn on demand and never repeated. First the vision tower alone learns
to tag which phrases fit a picture. Then the whole model learns to write captions, with tagging as an auxiliary loss.
What it sees is in pictures.py, what it reads in captions.py. Face-15's questions and answer spaces, and words for
expressions, sentiments and emotions, are left to the curriculum.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset

from videmo.backbone.loading import save_policy
from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import PrefixTree, Segment, collate, token_logprobs
from videmo.backbone.qwen2_5_vl.tiny import WIDTH, random_policy, train_tokenizer
from videmo.backbone.video import Video
from videmo.pretraining.captions import EVERYTHING, NAMES, captions, prompts, texts
from videmo.pretraining.face_part_maps import PartsHead
from videmo.pretraining.pictures import GLANCE, Picture, take_picture
from videmo.pretraining.visible_facts import SEEN_AT_A_GLANCE

WORKERS = 1  # processes that draw the next pictures while this one trains


@dataclass(frozen=True)
class Schedule:
    """Lengths and learning rates of the two steps of pretraining."""

    seed: int = 0
    frames: int = 8
    frame_size: int = 84
    see_steps: int = 4000
    see_batch: int = 48  # glances of two frames
    see_rate: float = 6e-3  # of matrices
    speak_steps: int = 900
    speak_batch: int = 12
    speak_rate: float = 3e-3  # of matrices
    topics: int = 9  # topics in the long caption of a clip
    alone: int = 2  # topics captioned on their own
    single: int = 5  # facts captioned on their own
    learning_rate: float = 1.5e-3  # of everything that is not a matrix
    warmup: float = 0.03
    tagging_weight: float = 0.5


class Tagger(nn.Module):
    """For each fact slot, which of its phrases fits, from the mean of a video's tokens.

    An untrained language model's attention sees that mean, so it can speak at once about what is tagged here.
    """

    def __init__(self, hidden: int, slots: dict[str, tuple[str, ...]]) -> None:
        super().__init__()
        self.slots = slots
        self.norm = nn.LayerNorm(hidden)
        self.heads = nn.Linear(hidden, sum(len(phrases) for phrases in slots.values()))

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """features: (clips, tokens, hidden). Returns logits (clips, phrases) for each slot."""
        logits = self.heads(self.norm(features.mean(1)))
        return logits.split([len(phrases) for phrases in self.slots.values()], dim=1)

    def loss(self, features: Tensor, pictures: list[Picture]) -> tuple[Tensor, float]:
        """Mean cross-entropy over the facts of the pictures, and the share of right phrases."""
        losses, right, counted = [], 0, 0
        for (slot, phrases), logits in zip(self.slots.items(), self.forward(features), strict=True):
            known = [index for index, picture in enumerate(pictures) if slot in picture.facts]
            if not known:
                continue
            target = torch.tensor([phrases.index(pictures[index].facts[slot]) for index in known])
            losses.append(nn.functional.cross_entropy(logits[known], target, reduction="sum"))
            right += int((logits[known].argmax(-1) == target).sum())
            counted += len(known)
        return torch.stack(losses).sum() / counted, right / counted


class Pictures(Dataset[list[tuple[Video, Picture]]]):
    """Batches of pictures. The seed and i fix batch i."""

    def __init__(self, policy: Policy, schedule: Schedule, frames: int, batch: int, steps: int, stream: int) -> None:
        self.policy, self.schedule, self.frames = policy, schedule, frames
        self.batch, self.steps, self.stream = batch, steps, stream

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> list[tuple[Video, Picture]]:
        rng = np.random.default_rng([self.schedule.seed, self.stream, step])
        pictures = [take_picture(rng, self.frames, self.schedule.frame_size) for _ in range(self.batch)]
        return [(self.policy.pack(frames), picture) for frames, picture in pictures]


def pretrain(output: Path, schedule: Schedule | None = None, log_every: int = 50) -> dict[str, float]:
    """Train from random weights and write a Hugging Face directory with `pretraining.json` beside the weights.

    Raises OSError before any training if `output` cannot be written.
    """
    output.mkdir(parents=True, exist_ok=True)
    schedule = schedule or Schedule()
    started = time.monotonic()
    policy = random_policy(schedule.seed, train_tokenizer(texts()))
    policy.model.train()
    see(policy, schedule, log_every)
    metrics, slots = speak(policy, schedule, log_every)
    metrics |= {"seconds": time.monotonic() - started}
    policy.model.to(torch.bfloat16).eval()
    save_policy(policy, output)
    (output / "pretraining.json").write_text(
        json.dumps({"schedule": asdict(schedule), "metrics": metrics, "tagged_right": slots}, indent=1)
    )
    return metrics


def see(policy: Policy, schedule: Schedule, log_every: int) -> None:
    """Train the tower alone on glances, which teach shapes and places at a quarter of the cost of a clip."""
    tagger, parts = Tagger(WIDTH, SEEN_AT_A_GLANCE), PartsHead(WIDTH)
    rates = _optimizers(policy, [tagger, parts], schedule, schedule.see_rate, schedule.see_steps)
    for step, batch in enumerate(_batches(policy, schedule, GLANCE, schedule.see_batch, schedule.see_steps, 0)):
        features = torch.stack(policy.features([video for video, _ in batch]))
        pictures = [picture for _, picture in batch]
        tagged, right = tagger.loss(features, pictures)
        drawn = parts.loss(features, [picture.parts for picture in pictures])
        _update(tagged + drawn, rates)
        _report("see", step, log_every, loss=tagged.item(), tags_right=right, parts=drawn.item())


def speak(policy: Policy, schedule: Schedule, log_every: int) -> tuple[dict[str, float], dict[str, float]]:
    """Train the whole model to caption clips, with all captions of a clip packed into one prefix tree.

    Returns the final losses, and for each slot the share of new clips that the tagger gets right.
    """
    tagger = Tagger(WIDTH, SEEN_AT_A_GLANCE)
    rates = _optimizers(policy, [tagger], schedule, schedule.speak_rate, schedule.speak_steps)
    recent: list[tuple[float, float]] = []
    for step, batch in enumerate(
        _batches(policy, schedule, schedule.frames, schedule.speak_batch, schedule.speak_steps, 1)
    ):
        rng = np.random.default_rng([schedule.seed, 2, step])
        trees = [_caption_tree(policy, video, picture, rng, schedule) for video, picture in batch]
        spoken, features = _caption_loss(policy, trees)
        tagged, right = tagger.loss(features, [picture for _, picture in batch])
        _update(spoken + schedule.tagging_weight * tagged, rates)
        recent = [*recent[-99:], (spoken.item(), right)]
        _report("speak", step, log_every, loss=spoken.item(), tags_right=right)
    caption_loss, tags_right = np.mean(recent, axis=0)
    metrics = {"caption_loss": float(caption_loss), "tags_right": float(tags_right)}
    return metrics, tagged_right(policy, tagger, schedule)


def _caption_loss(policy: Policy, trees: list[PrefixTree]) -> tuple[Tensor, Tensor]:
    """Mean negative log-likelihood of the captions' tokens, and the tower's features (clips, tokens, hidden)."""
    features = policy.features([tree.video for tree in trees])
    seen = [replace(tree, video=replace(tree.video, features=one)) for tree, one in zip(trees, features, strict=True)]
    packed = collate(policy, seen)
    captioned = (packed.segment > 0) & (packed.segment % 2 == 0)  # the root, then prompts and captions alternate
    loss = -token_logprobs(policy, packed, captioned).sum() / captioned.sum()
    return loss, torch.stack(features)


@torch.no_grad()
def tagged_right(policy: Policy, tagger: Tagger, schedule: Schedule, batches: int = 16) -> dict[str, float]:
    """For each slot, the share of new pictures that the tagger gets right."""
    right: dict[str, list[bool]] = {slot: [] for slot in tagger.slots}
    for batch in _batches(policy, schedule, schedule.frames, schedule.speak_batch, batches, 3):
        logits = tagger(torch.stack(policy.features([video for video, _ in batch])))
        for (slot, phrases), scores in zip(tagger.slots.items(), logits, strict=True):
            for index, (_, picture) in enumerate(batch):
                if slot in picture.facts:
                    right[slot].append(phrases[int(scores[index].argmax())] == picture.facts[slot])
    return {slot: float(np.mean(hits)) for slot, hits in right.items() if hits}


def _caption_tree(
    policy: Policy, video: Video, picture: Picture, rng: np.random.Generator, schedule: Schedule
) -> PrefixTree:
    """One caption of many topics, and separate captions of a few topics and of a few single facts."""
    topics, single = captions(picture), {NAMES[s]: phrase for s, phrase in picture.facts.items() if s in NAMES}
    chosen = {str(topic) for topic in rng.permutation(list(topics))[: schedule.topics]}
    long = {EVERYTHING: "; ".join(f"{topic}: {topics[topic]}" for topic in topics if topic in chosen)}
    short = _some(topics, schedule.alone, rng) | _some(single, schedule.single, rng)
    branches = [(str(rng.choice(prompts(topic))), caption) for topic, caption in {**long, **short}.items()]
    segments = [Segment(policy.video_tokens(video), -1)]
    for prompt, caption in branches:
        segments.append(Segment(policy.question_tokens(prompt), 0))
        segments.append(Segment(policy.answer_tokens(caption), len(segments) - 1))
    return PrefixTree(video, tuple(segments))


def _some(captions: dict[str, str], count: int, rng: np.random.Generator) -> dict[str, str]:
    return {str(topic): captions[str(topic)] for topic in rng.permutation(list(captions))[:count]}


def _batches(
    policy: Policy, schedule: Schedule, frames: int, batch: int, steps: int, stream: int
) -> DataLoader[list[tuple[Video, Picture]]]:
    pictures = Pictures(policy, schedule, frames, batch, steps, stream)
    return DataLoader(pictures, batch_size=None, num_workers=WORKERS, prefetch_factor=2)


def _optimizers(
    policy: Policy, heads: Sequence[nn.Module], schedule: Schedule, rate: float, steps: int
) -> list[LambdaLR]:
    """Muon (Jordan et al. 2024) on the matrices of the blocks, AdamW on the rest, each under its schedule.

    Muon needs half as many pictures as AdamW to learn to see.
    """
    blocks: list[nn.Parameter] = []
    rest = [weight for head in heads for weight in head.parameters()]
    for name, weight in policy.model.named_parameters():
        (blocks if weight.ndim == 2 and "embed" not in name else rest).append(weight)
    muon = torch.optim.Muon(blocks, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(rest, lr=schedule.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    warmup = max(1, round(schedule.warmup * steps))

    def factor(step: int) -> float:
        return min(1.0, (step + 1) / warmup) * (0.02 + 0.98 * (1 + math.cos(math.pi * step / steps)) / 2)

    return [LambdaLR(optimizer, factor) for optimizer in (muon, adamw)]


def _update(loss: Tensor, rates: list[LambdaLR]) -> None:
    """One step of the optimisers under `rates` on every weight that `loss` depends on."""
    weights = [weight for rate in rates for group in rate.optimizer.param_groups for weight in group["params"]]
    for rate in rates:
        rate.optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(weights, 1.0)
    for rate in rates:
        rate.optimizer.step()
        rate.step()


def _report(part: str, step: int, every: int, **values: float) -> None:
    if step % every == 0:
        print(part, step, " ".join(f"{name} {value:.3f}" for name, value in values.items()), flush=True)
