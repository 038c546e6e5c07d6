"""Asking and scoring face-15 beside the plain way: `model.generate`, one question after the other.

python -m benchmarks.evaluation [--model DIR] [--clips N]

The same questions about the same clips of drawn faces to the same policy in one process: that the answers are the same
is checked first, token by token, then five interleaved repeats, medians. The videos are packed beforehand for both.
Scoring is `videmo score` as a user types it, in a process of its own, on 12,000 answers or a few more.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from videmo.backbone.loading import load_policy
from videmo.backbone.policy import Policy
from videmo.backbone.video import Video
from videmo.data import build
from videmo.data.samples import Sample
from videmo.data.shards import Dataset, open_dataset
from videmo.evaluation.answers import answer_limit
from videmo.evaluation.predictions import Prediction, write_predictions
from videmo.generation.hf import HfSampler
from videmo.settings.params import load_params
from videmo.settings.sections import DataBuildSettings

REPEATS = 5
SCORED = 12_000
PEOPLE, CLIPS_EACH = 138, 4  # enough for SCORED questions
CONFIG = load_params().evaluation
Prompt = tuple[Video, str]


@dataclass(frozen=True)
class Scoring:
    answers: int
    seconds: float
    peak_gb: float  # of the process that scores, and reads the data set


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="videmo-evaluation-") as folder:
        root = Path(folder)
        drawn = [f"data.people={PEOPLE}", f"data.clips_per_person={CLIPS_EACH}", "data.test_share=1.0", "data.seed=1"]
        build.run(DataBuildSettings.of(load_params(overrides=drawn), "data_build"), {}, root / "data")
        dataset = open_dataset(root / "data")
        policy = load_policy(options.model)
        prompts, limits = questions(dataset, policy, options.clips)
        identical = check_equal(policy, prompts, limits)
        vision = vision_calls(policy, prompts, limits) / options.clips
        ours, naive = [], []
        for _ in range(REPEATS):
            ours.append(seconds(lambda: HfSampler(policy).answer(prompts, limits)))
            naive.append(seconds(lambda: one_by_one(policy, prompts, limits)))
        scoring = score_many(dataset, root)
    show(len(prompts), options.clips, ours, naive, identical, vision, scoring)


def questions(dataset: Dataset, policy: Policy, clips: int) -> tuple[list[Prompt], list[int]]:
    """All questions about the first `clips` clips, and how long each answer may be."""
    chosen = list(dict.fromkeys(sample.clip for sample in dataset.samples))[:clips]
    videos = {clip: policy.pack(dataset.frames(clip)) for clip in chosen}
    samples = [sample for sample in dataset.samples if sample.clip in videos]
    prompts = [(videos[sample.clip], sample.question) for sample in samples]
    return prompts, [answer_limit(sample, CONFIG.max_new_tokens) for sample in samples]


def one_by_one(policy: Policy, prompts: Sequence[Prompt], limits: Sequence[int]) -> list[list[int]]:
    """The answers' tokens as transformers' own `generate` gives them."""
    answers = []
    for (video, question), limit in zip(prompts, limits, strict=True):
        ids = torch.cat([policy.video_tokens(video), policy.question_tokens(question)])[None]
        generated = policy.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=(ids == policy.video_pad).int() * 2,
            pixel_values_videos=video.pixels,
            video_grid_thw=video.grid[None],
            do_sample=False,
            max_new_tokens=limit,
        )
        answers.append(generated[0, ids.shape[1] :].tolist())
    return answers


def check_equal(policy: Policy, prompts: Sequence[Prompt], limits: Sequence[int]) -> float:
    """The share of answers that are the same, token by token."""
    ours = HfSampler(policy).answer(prompts, limits)
    pairs = zip(ours, one_by_one(policy, prompts, limits), strict=True)
    return statistics.mean(list(answer.tokens) == tokens for answer, tokens in pairs)


def vision_calls(policy: Policy, prompts: Sequence[Prompt], limits: Sequence[int]) -> int:
    """How many videos go through the vision tower for all prompts."""
    seen: list[int] = []

    def count(_: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(len(kwargs["grid_thw"]))

    hook = policy.tower.register_forward_pre_hook(count, with_kwargs=True)
    HfSampler(policy).answer(prompts, limits)
    hook.remove()
    return sum(seen)


def score_many(dataset: Dataset, root: Path) -> Scoring:
    """`videmo score` on an answer to every sample of the data set, that of another sample of its part."""
    assert len(dataset.samples) >= SCORED, f"{len(dataset.samples)} samples: raise PEOPLE"
    by_part: dict[str, list[Sample]] = {}
    for sample in dataset.samples:
        by_part.setdefault(sample.part, []).append(sample)
    draw = random.Random(0)
    answers = (
        Prediction(s.id, s.part, s.clip, None, s.question, s.answer, draw.choice(by_part[s.part]).answer)
        for s in dataset.samples
    )
    write_predictions(root / "answers.jsonl", answers)
    command = [str(Path(sys.executable).parent / "videmo"), "score", "answers.jsonl", "--data", "data",
               "--params", str(Path("params.yaml").resolve())]  # fmt: skip
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=root, env={**os.environ, "VIDEMO_HOME": str(root)})
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, f"videmo score ended with {status}"
    return Scoring(len(dataset.samples), time.perf_counter() - began, used.ru_maxrss / 2**20)


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def show(
    count: int,
    clips: int,
    ours: Sequence[float],
    naive: Sequence[float],
    identical: float,
    vision: float,
    scoring: Scoring,
) -> None:
    print(f"{count} questions about {clips} clips, {identical:.1%} of the answers the same token by token")
    for name, times in (("videmo", ours), ("one by one", naive)):
        spread = f"{min(times):.2f} to {max(times):.2f}"
        print(f"{name:<12}{count / statistics.median(times):8.1f} answers a second ({spread} s)")
    print(f"videmo score: {scoring.answers} answers in {scoring.seconds:.1f} s, peak {scoring.peak_gb:.2f} GB")
    figures = {
        "ratio_to_naive": round(statistics.median(naive) / statistics.median(ours), 2),
        "vision_calls_per_clip": vision,
        "identical_answers": identical,
        "seconds_score_12000": round(scoring.seconds, 1),
        "peak_gb": round(scoring.peak_gb, 2),
    }
    print(json.dumps(figures))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny", help="a policy: tiny, or a directory")
    parser.add_argument("--clips", type=int, default=6, help="asked one by one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
