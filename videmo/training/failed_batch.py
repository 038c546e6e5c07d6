"""The batch of a step of tree RL, saved for inspection if the step fails."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from videmo.data.samples import Sample
from videmo.generation.rollout import Rollout
from videmo.training.scoring import Scored


@dataclass
class Batch:
    """What one process has of step `step` (counted from 1) so far."""

    step: int
    samples: Sequence[Sample] = ()
    rollouts: Sequence[Rollout] = ()
    scored: list[Scored] = field(default_factory=list)

    def keep(self, directory: Path, process: int) -> Path:
        """Write prompts, texts, tokens, rewards and advantages as JSON. Numbers that are not finite become null."""
        path = directory / (f"failed-step-{self.step}" + (f"-process-{process}" if process else "") + ".json")
        batch = {
            "samples": [asdict(sample) for sample in self.samples],
            "rollouts": [asdict(rollout) for rollout in self.rollouts],
            "answers": [rollout.leaves() for rollout in self.rollouts],
            "rewards": [[terms.named() for terms in one.leaves] for one in self.scored],
            "advantages": [one.advantages.advantages.tolist() for one in self.scored],
        }
        path.write_text(json.dumps(_finite(batch), indent=1, allow_nan=False), encoding="utf-8")
        return path


def remove_kept(directory: Path) -> None:
    """Remove the batch of a step that failed and then succeeded."""
    for path in directory.glob("failed-step-*.json"):
        path.unlink()


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
