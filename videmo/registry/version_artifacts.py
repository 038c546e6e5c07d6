"""What is kept with a registered version, in its run: the gate's verdicts, and its answers to every test set it was
asked."""

from __future__ import annotations

import json
import posixpath
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from videmo.evaluation.predictions import Prediction, read_predictions, write_predictions
from videmo.registry.gate import Verdict
from videmo.stages.content import digest_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

T = TypeVar("T")
ANSWERS = "videmo.answers."  # tags: the digest of what was asked follows, the value is where the answers are
VERDICT = "videmo.verdict"  # tag: where the newest verdict is


def keep_answers(client: MlflowClient, version: ModelVersion, asked: str, answers: Sequence[Prediction]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{asked}.jsonl"
        write_predictions(path, answers)
        client.log_artifact(version.run_id, str(path), "predictions")
    # The tag comes last: what it names is there.
    client.set_model_version_tag(version.name, version.version, ANSWERS + asked, f"predictions/{asked}.jsonl")


def kept_answers(client: MlflowClient, version: ModelVersion, asked: str) -> tuple[Prediction, ...] | None:
    """The answers of a version to a test set, None if it has not been asked, or they are gone or damaged."""
    path = version.tags.get(ANSWERS + asked)
    file = artifact(client, version, path, read_predictions) if path else None
    return file.predictions if file and not file.bad_lines else None


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
    return kept_verdict(client, version, version.tags.get(VERDICT, ""))


def kept_verdict(client: MlflowClient, version: ModelVersion, path: str) -> Verdict | None:
    """The verdict that is kept there, None if there is none or it is gone."""
    content = artifact(client, version, path, Path.read_bytes) if path else None
    return Verdict.from_dict(json.loads(content)) if content else None


def artifact(client: MlflowClient, version: ModelVersion, path: str, read: Callable[[Path], T]) -> T | None:
    """What `read` makes of a file kept with a version, None if it is gone."""
    beside = client.list_artifacts(version.run_id, posixpath.dirname(path) or None)
    if path not in {entry.path for entry in beside}:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return read(Path(client.download_artifacts(version.run_id, path, folder)))
