"""Tree reinforcement learning: sample rollout trees, reward them by tree edit distance, improve the policy.

One step: some clips are described in full, level by level, as trees of segments; some are asked a question of face-15
and answer several times in one piece, which is a tree of a single level. Both are scored, packed with their shared
prefixes and trained on in one objective (objective.py), with a frozen reference to stay close to.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.backbone.frames import Video
from videmo.backbone.policy import Policy, load_policy
from videmo.data.shards import open_dataset
from videmo.endpoint import connect
from videmo.generation.hf import HfSampler
from videmo.generation.rollout import Rollout
from videmo.stage import StageReport, Work
from videmo.training.batches import clip_videos
from videmo.training.checkpoint import load_checkpoint, remove_checkpoints, save_checkpoint
from videmo.training.engine import TrainingEngine, save_model
from videmo.training.parity import check_parity
from videmo.training.policy_update import Learner, sample_rollouts, update
from videmo.training.processes import training_directory
from videmo.training.prompts import Prompts, prompts
from videmo.training.scoring import Scored, ask_scorer, means, score

if TYPE_CHECKING:
    from videmo.config import Params, Rl

FINAL_STEPS = 10  # the final rewards are means over so many


def run(params: Params, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Train the policy of sft_emotion by tree rollouts; resumes from the newest checkpoint, with the same metrics as an
    unbroken run. Writes `model`, a Hugging Face directory.

    Raises ValueError where sampling and training disagree or there is nothing to ask, FloatingPointError where the loss
    is not finite, EndpointError where a scorer cannot be asked; a step that fails leaves its batch in the stage's
    partial directory.
    """
    scorer = params.rl.reward.scorer
    ask = connect(scorer, "rl.reward.scorer").ask if scorer else None
    with training_directory(output, __name__, params, inputs) as work:
        dataset = open_dataset(inputs["data_build"])
        policy, reference = (load_policy(inputs["sft_emotion"] / "model", params.backbone.dtype) for _ in range(2))
        reference.model.requires_grad_(False)
        if params.backbone.freeze_vision:
            policy.model.model.visual.requires_grad_(False)
        videos = clip_videos(dataset, policy)
        asked = prompts(dataset.of("train"), params.rl)
        gap = _check(policy, asked, videos, params.rl)
        engine = TrainingEngine(policy, params.engine, params.rl.gradient_clip)
        reference.model.to(policy.device)
        learner = Learner(engine, reference, videos, params.rl, ask)
        seconds = _train(learner, asked, work)
        save_model(engine, work.path / "model")
        metrics = {**_final_means(work.path), "parity_gap": gap, "seconds_per_step": seconds}
        remove_checkpoints(work.path / "checkpoints", engine)
        return work.finish(metrics)


def _check(policy: Policy, asked: Prompts, videos: Callable[[str], Video], settings: Rl) -> float:
    captions, questions = asked.at(0)
    first = [(videos(sample.clip), sample.question) for sample in (captions or questions)[:2]]
    return check_parity(policy, HfSampler(policy), first, settings)


def _train(learner: Learner, asked: Prompts, work: Work) -> float:
    """All steps that are left; mean seconds a step."""
    settings, checkpoints = learner.settings, work.path / "checkpoints"
    done = load_checkpoint(checkpoints, learner.engine)
    work.rewind(done)
    started = time.monotonic()
    for step in range(done, settings.steps):
        metrics = _step(learner, asked, step, work.path)
        work.log(step + 1, **metrics)
        work.progress(step + 1, settings.steps, f"reward {metrics['reward']:.3f}")
        if (step + 1) % settings.checkpoint_steps == 0 and step + 1 < settings.steps:
            save_checkpoint(checkpoints, learner.engine, step + 1)
    return (time.monotonic() - started) / max(settings.steps - done, 1)


def _step(learner: Learner, asked: Prompts, step: int, directory: Path) -> dict[str, float]:
    """One batch of prompts from sampling to the update; what to log of it."""
    started = time.monotonic()
    samples, rollouts = sample_rollouts(learner, asked, step)
    scored: list[Scored] = []
    try:
        said = ask_scorer(samples, rollouts, learner.ask) if learner.ask else [None] * len(samples)
        for sample, rollout, of_leaves in zip(samples, rollouts, said, strict=True):
            scored.append(score(sample, rollout, learner.settings.reward, of_leaves))
        sums = update(learner, scored)
    except Exception as error:
        error.add_note(f"step {step + 1} of tree RL; its batch is in {_keep_batch(directory, step, rollouts, scored)}")
        raise
    leaves = sum(len(one.leaves) for one in scored)
    return {
        **means(scored),
        **sums.means(),
        **_shape(scored),
        "leaves": leaves,
        "tokens": sums.tokens,
        "seconds": time.monotonic() - started,
        "leaves_per_second": leaves / (time.monotonic() - started),
    }


def _shape(scored: Sequence[Scored]) -> dict[str, float]:
    """How the rollouts came out: sibling groups that agree, answers that did not end, tokens of an answer."""
    groups = sum(one.advantages.groups for one in scored)
    ends = [one.rollout.nodes[leaf].complete for one in scored for leaf in one.rollout.leaf_indices()]
    lengths = [
        sum(len(one.rollout.nodes[node].tokens) for node in one.rollout.path(leaf))
        for one in scored
        for leaf in one.rollout.leaf_indices()
    ]
    return {
        "spreadless_share": sum(one.advantages.spreadless for one in scored) / max(groups, 1),
        "unfinished_share": 1 - sum(ends) / len(ends),
        "answer_tokens": sum(lengths) / len(lengths),
    }


def _keep_batch(directory: Path, step: int, rollouts: Sequence[Rollout], scored: Sequence[Scored]) -> Path:
    """Write what a failed step had, for inspection."""
    kept = directory / f"failed-step-{step + 1}.json"
    rewards = [[asdict(terms) for terms in one.leaves] for one in scored]
    advantages = [one.advantages.advantages.tolist() for one in scored]
    samples = [asdict(one.sample) for one in scored]
    batch = {
        "samples": samples,
        "rollouts": [asdict(r) for r in rollouts],
        "rewards": rewards,
        "advantages": advantages,
    }
    kept.write_text(json.dumps(batch, indent=1), encoding="utf-8")
    return kept


def _final_means(work: Path) -> dict[str, float]:
    rows = [json.loads(row) for row in (work / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = rows[-FINAL_STEPS:]
    names = {name for row in rows for name, value in row.items() if value is not None and name != "step"}
    held = {name: [row[name] for row in rows if row.get(name) is not None] for name in sorted(names)}
    return {name: sum(values) / len(values) for name, values in held.items()}
