"""The batch of a step of tree RL, and how it is kept for inspection where the step fails."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from videmo.data.samples import Sample
from videmo.generation.rollout import Rollout
from videmo.training.scoring import Scored


@dataclass
class Batch:
    """What one process has of step `step`, counted from 1, as far as the step has come."""

    step: int
    samples: Sequence[Sample] = ()
    rollouts: Sequence[Rollout] = ()
    scored: list[Scored] = field(default_factory=list)

    def keep(self, directory: Path, process: int) -> Path:
        """Write prompts, texts, tokens, rewards and advantages as JSON; what is not finite is null."""
        kept = directory / (f"failed-step-{self.step}" + (f"-process-{process}" if process else "") + ".json")
        batch = {
            "samples": [asdict(sample) for sample in self.samples],
            "rollouts": [asdict(rollout) for rollout in self.rollouts],
            "answers": [rollout.leaves() for rollout in self.rollouts],
            "rewards": [[terms.named() for terms in one.leaves] for one in self.scored],
            "advantages": [one.advantages.advantages.tolist() for one in self.scored],
        }
        kept.write_text(json.dumps(_finite(batch), indent=1, allow_nan=False), encoding="utf-8")
        return kept


def remove_kept(directory: Path) -> None:
    """Of a step that failed and was done again."""
    for kept in directory.glob("failed-step-*.json"):
        kept.unlink()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(held) for held in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
