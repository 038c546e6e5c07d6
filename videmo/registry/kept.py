"""What is kept with a registered version, in its run: the gate's verdicts, and its answers to every test set it met."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.evaluation.predictions import Prediction, read_predictions, write_predictions
from videmo.registry.gate import Verdict
from videmo.stage import digest_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

ANSWERS = "videmo.answers."  # tags: a test set's digest follows, the value is where the answers are
VERDICT = "videmo.verdict"  # tag: where the newest verdict is


def keep_answers(client: MlflowClient, version: ModelVersion, test_set: str, answers: Sequence[Prediction]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{test_set}.jsonl"
        write_predictions(path, answers)
        client.log_artifact(version.run_id, str(path), "predictions")
    # The tag comes last: what it names is there.
    client.set_model_version_tag(version.name, version.version, ANSWERS + test_set, f"predictions/{test_set}.jsonl")


def kept_answers(client: MlflowClient, version: ModelVersion, test_set: str) -> tuple[Prediction, ...] | None:
    """The answers of a version to a test set, None where it has not been asked."""
    path = version.tags.get(ANSWERS + test_set)
    return read_predictions(artifact(client, version, path)).predictions if path else None


def answered_sets(version: ModelVersion) -> set[str]:
    """The test sets that a version has answered."""
    return {tag.removeprefix(ANSWERS) for tag in version.tags if tag.startswith(ANSWERS)}


def keep_verdict(client: MlflowClient, version: ModelVersion, verdict: Verdict) -> str:
    """Keep a verdict under a name of its own, so that what the history refers to stays. Returns where it is."""
    path = f"verdicts/{digest_of(verdict.as_dict())}.json"
    client.log_dict(version.run_id, verdict.as_dict(), path)
    client.set_model_version_tag(version.name, version.version, VERDICT, path)
    return path


def newest_verdict(client: MlflowClient, version: ModelVersion) -> Verdict | None:
    path = version.tags.get(VERDICT)
    if path is None:
        return None
    return Verdict.from_dict(json.loads(artifact(client, version, path).read_text(encoding="utf-8")))


def artifact(client: MlflowClient, version: ModelVersion, path: str) -> Path:
    """A file kept with a version, on this machine."""
    return Path(client.download_artifacts(version.run_id, path))
