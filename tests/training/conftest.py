"""What a stage logged, and a learner by itself."""

import json
from pathlib import Path

import pytest
from default_settings import execution_settings

from videmo.settings.execution import Execution
from videmo.settings.rl import Rl


@pytest.fixture(scope="session")
def curve():
    """The rows that a stage logged, without what the clock says."""

    def read(output: Path) -> list[dict[str, float]]:
        rows = [json.loads(row) for row in (output / "metrics.jsonl").read_text().splitlines()]
        return [{name: value for name, value in row.items() if "second" not in name} for row in rows]

    return read


@pytest.fixture
def learner(speaking_model, noise_videos, one_thread):
    """Make a learner out of the policy that speaks, with itself as the reference; the clips are `c0` and so on."""
    from videmo.backbone.loading import load_policy
    from videmo.training.engine import TrainingEngine
    from videmo.training.policy_update import Learner

    engines = []

    def make(settings: Rl, execution: Execution | None = None) -> Learner:
        policy, reference = (load_policy(speaking_model / "model") for _ in range(2))
        reference.model.requires_grad_(False)
        engines.append(TrainingEngine(policy, execution or execution_settings(), settings.gradient_clip))
        return Learner(engines[-1], reference, lambda clip: noise_videos[int(clip[1:])], settings)

    yield make
    for engine in engines:
        engine.close()
