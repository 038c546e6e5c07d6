"""Tree reinforcement learning: sample rollout trees, reward them by tree edit distance, update the policy.

In each step the policy describes some clips in full, level by level, as trees of segments, and answers a question of
face-15 about others several times, which is a tree of one level. Both are scored, packed with their shared prefixes and
trained on with one objective (objective.py), with a penalty for moving away from a frozen reference.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from videmo.backbone.loading import load_policy
from videmo.backbone.policy import Policy
from videmo.backbone.video import Video
from videmo.data.shards import open_dataset
from videmo.generation.hf import HfSampler
from videmo.llm.client import connect
from videmo.stages.report import StageReport
from videmo.stages.work import Work
from videmo.training.batches import clip_videos, tower_rests
from videmo.training.checkpoint import CHECKPOINTS, load_checkpoint, remove_checkpoints, save_checkpoint
from videmo.training.engine import TrainingEngine, save_model
from videmo.training.failed_batch import Batch, remove_kept
from videmo.training.forest import check_room
from videmo.training.parity import check_parity
from videmo.training.policy_update import Learner, own_samples, sample_rollouts, update
from videmo.training.processes import training_directory
from videmo.training.prompts import Prompts, prompts
from videmo.training.scoring import Scored, ask_scorer, over_levels, reward_tally, score
from videmo.training.tally import Tally, together

if TYPE_CHECKING:
    from videmo.settings.rl import Rl
    from videmo.settings.sections import TreeRlSettings

FINAL_STEPS = 10  # the final rewards are means over these last steps


def run(params: TreeRlSettings, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Train the policy of sft_emotion by tree rollouts; resumes from the newest checkpoint, with the same metrics as an
    unbroken run. Writes `model`, a Hugging Face directory.

    Raises ValueError if sampling and training disagree, there is nothing to ask or an answer does not fit into a
    micro-batch, FloatingPointError if loss or gradient is not finite, EndpointError if a scorer cannot be asked; a step
    that fails leaves its batch in the stage's partial directory.
    """
    scorer = params.rl.reward.scorer
    ask = connect(scorer, params.execution.endpoint, "rl.reward.scorer").ask if scorer else None
    with training_directory(output, __name__, params, inputs) as work:
        dataset = open_dataset(inputs["data_build"])
        policy, reference = (load_policy(inputs["sft_emotion"] / "model", params.backbone.dtype) for _ in range(2))
        reference.model.requires_grad_(False)
        if params.backbone.freeze_vision:
            policy.tower.requires_grad_(False)
        videos = clip_videos(dataset, policy, tower_rests(params.backbone, params.execution))
        asked = prompts(dataset.of("train"), params.rl)
        check_room(policy, asked, videos, params.rl, params.execution.micro_tokens)
        gap = _check(policy, asked, videos, params.rl)
        engine = TrainingEngine(policy, params.execution, params.rl.gradient_clip)
        reference.model.to(policy.device)
        learner = Learner(engine, reference, videos, params.rl, ask)
        seconds = _train(learner, asked, work)
        save_model(engine, work.path / "model")
        if engine.process == 0:
            remove_kept(work.path)
        metrics = {**_final_means(work.path), "parity_gap": gap, "seconds_per_step": seconds}
        remove_checkpoints(work.path / CHECKPOINTS, engine)
        return work.finish(metrics)


def _check(policy: Policy, asked: Prompts, videos: Callable[[str], Video], settings: Rl) -> float:
    captions, questions = asked.at(0)
    first = [(videos(sample.clip), sample.question) for sample in (captions or questions)[:2]]
    return check_parity(policy, HfSampler(policy), first, settings)


def _train(learner: Learner, asked: Prompts, work: Work) -> float:
    """Run the remaining steps. Returns the mean seconds per step."""
    settings, checkpoints = learner.settings, work.path / CHECKPOINTS
    done = load_checkpoint(checkpoints, learner.engine)
    work.rewind(done)
    started = time.monotonic()
    for step in range(done, settings.steps):
        metrics = _step(learner, asked, step, work.path)
        work.log(step + 1, **metrics)
        work.progress(step + 1, settings.steps, f"reward {metrics['reward']:.3f}")
        if (step + 1) % learner.engine.settings.rl_checkpoint_steps == 0 and step + 1 < settings.steps:
            save_checkpoint(checkpoints, learner.engine, step + 1)
    return (time.monotonic() - started) / max(settings.steps - done, 1)


def _step(learner: Learner, asked: Prompts, step: int, directory: Path) -> dict[str, float]:
    """One batch of prompts from sampling to the update. Returns the metrics to log."""
    started = time.monotonic()
    batch = Batch(step + 1)
    try:
        batch.samples = own_samples(learner, asked, step)
        batch.rollouts = sample_rollouts(learner, batch.samples, step)
        batch.scored = _score(learner, batch)
        epochs = update(learner, batch.scored)
    except Exception as error:
        note = f"step {batch.step} of tree RL; its batch is in {batch.keep(directory, learner.engine.process)}"
        if remedy := _remedy(error):
            raise type(error)(f"{error}; {remedy} ({note})") from error
        error.add_note(note)
        raise
    tally = learner.engine.gathered(together([*epochs, reward_tally(batch.scored), _shape(batch.scored)]))
    spreadless, groups = tally.sums["spreadless_share"]
    _, leaves = tally.sums["unfinished_share"]
    tokens, _ = tally.sums["segment_tokens"]
    seconds = time.monotonic() - started
    return {
        **tally.means(),
        "updates": len(epochs),
        "groups": groups,
        "spreadless_groups": spreadless,
        "leaves": leaves,
        "tokens": tokens,
        "seconds": seconds,
        "leaves_per_second": leaves / seconds,
    }


def _score(learner: Learner, batch: Batch) -> list[Scored]:
    """The rollouts of the batch with their advantages. If one fails, `batch` has those scored before it."""
    settings, engine = learner.settings, learner.engine
    scores = ask_scorer(batch.samples, batch.rollouts, learner.ask) if learner.ask else [None] * len(batch.samples)
    by_group = settings.advantage_scale == "group"
    for sample, rollout, of_leaves in zip(batch.samples, batch.rollouts, scores, strict=True):
        batch.scored.append(score(sample, rollout, settings.reward, of_leaves, by_group))
    return over_levels(batch.scored, engine.gathered) if settings.advantage_scale == "level" else batch.scored


def _shape(scored: Sequence[Scored]) -> Tally:
    """The shape of the rollouts: sibling groups that agree, unfinished answers, tokens of answers and segments."""
    tally = Tally()
    for one in scored:
        tally.add("spreadless_share", one.advantages.spreadless, one.advantages.groups)
        lengths = [len(node.tokens) for node in one.rollout.nodes]
        tally.add("segment_tokens", sum(lengths), len(lengths))
        for leaf in one.rollout.leaf_indices():
            tally.add("unfinished_share", not one.rollout.nodes[leaf].complete)
            tally.add("answer_tokens", sum(lengths[node] for node in one.rollout.path(leaf)))
    return tally


def _remedy(error: Exception) -> str:
    if isinstance(error, FloatingPointError):
        return "lower rl.learning_rate"
    if isinstance(error, torch.OutOfMemoryError):
        return "lower execution.micro_tokens if it was training, rl.branching or data.frames if it was sampling"
    return ""


def _final_means(work: Path) -> dict[str, float]:
    rows = [json.loads(row) for row in (work / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = rows[-FINAL_STEPS:]
    names = {name for row in rows for name, value in row.items() if value is not None and name != "step"}
    series = {name: [row[name] for row in rows if row.get(name) is not None] for name in sorted(names)}
    return {name: sum(values) / len(values) for name, values in series.items()}
