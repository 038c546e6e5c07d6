"""The gate against the registry, the registration of a challenger, and the stage that makes it champion.

None of this is ever taken from a cache: it depends on who is champion now.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.config import Params
from videmo.registry.gate import Verdict, judge_challenger
from videmo.registry.packaging import log_policy, policy_directory
from videmo.registry.tracking import connect
from videmo.stage import StageReport, digest_of, stage_directory

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from videmo.evaluation.predictions import Prediction

CHAMPION, CHALLENGER = "champion", "challenger"
POLICY, DATA, RUN = "videmo.policy", "videmo.data", "videmo.run"  # tags of a version
VERDICT = "verdict.json"


def decide(params: Params, inputs: Mapping[str, Path]) -> Verdict:
    """The gate: may the model of `tree_rl` take the champion's place? Asks the registry who that is.

    inputs: data_build, face15_eval, tree_rl. A champion that has not answered these samples under these settings is
    asked now, and its answers are kept with its version. Where the model is the champion already, the verdict that made
    it so stands.
    """
    client = connect()
    champion = _champion(client, params.promotion.model_name)
    policy = StageReport.read(inputs["tree_rl"]).digest
    if champion and champion.tags.get(POLICY) == policy and (stored := _stored_verdict(client, champion)):
        return stored
    ours = _evaluated(inputs, "rl")
    if champion:
        name, theirs = (
            f"champion, version {champion.version}",
            _champion_answers(client, champion, params, inputs, ours),
        )
    else:
        name, theirs = "base model", _evaluated(inputs, "base")
    verdict = _judge(params, ours, theirs, name, first=champion is None)
    evidence = {"policy": policy, "data": _data_digest(inputs), "test_set": _test_set(params, inputs, ours)}
    return replace(verdict, evidence=evidence)


def register(params: Params, inputs: Mapping[str, Path], verdict: Verdict, run_name: str) -> str:
    """Log the model of `tree_rl` as a pyfunc, register it and call it `challenger`; returns the version.

    A model that is registered already keeps its version.
    """
    client = connect()
    name, policy = params.promotion.model_name, StageReport.read(inputs["tree_rl"]).digest
    version = _version_of(client, name, policy)
    if version is None:
        tags = {POLICY: policy, DATA: _data_digest(inputs), RUN: run_name}
        version = log_policy(client, inputs["tree_rl"], inputs["data_build"], name, run_name, tags)
        ours = _evaluated(inputs, "rl")
        _keep_answers(client, version, _test_set(params, inputs, ours), ours)
    client.log_dict(version.run_id, verdict.as_dict(), VERDICT)
    client.set_registered_model_alias(name, CHALLENGER, version.version)
    return str(version.version)


def run(params: Params, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """The stage promotion: register the challenger and, where the gate lets it pass, make it champion."""
    with stage_directory(output, __name__, params, inputs) as work:
        verdict = decide(params, inputs)
        version = register(params, inputs, verdict, run_name=output.name)
        if verdict.passed:
            connect().set_registered_model_alias(params.promotion.model_name, CHAMPION, version)
        (work.path / VERDICT).write_text(json.dumps(verdict.as_dict(), indent=1), encoding="utf-8")
        gain = {"gain": verdict.gain[0]} if verdict.gain else {}
        return work.finish(metrics={"promoted": float(verdict.passed), "version": float(version), **gain})


def _judge(params: Params, ours: Sequence[Prediction], theirs: Sequence[Prediction], name: str, first: bool) -> Verdict:
    from videmo.evaluation.judge import choose_judge, score

    judge = choose_judge(params.evaluation)
    return judge_challenger(score(ours, judge), score(theirs, judge), name, first, params.promotion, params.evaluation)


def _champion(client: MlflowClient, name: str) -> ModelVersion | None:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _version_of(client: MlflowClient, name: str, policy: str) -> ModelVersion | None:
    versions = client.search_model_versions(f"name = '{name}'", max_results=1000)
    return next((version for version in versions if version.tags.get(POLICY) == policy), None)


def _stored_verdict(client: MlflowClient, version: ModelVersion) -> Verdict | None:
    stored = _artifact(client, version, VERDICT)
    verdict = Verdict.from_dict(json.loads(stored.read_text(encoding="utf-8"))) if stored else None
    return verdict if verdict and verdict.passed else None


def _evaluated(inputs: Mapping[str, Path], model: str) -> tuple[Prediction, ...]:
    from videmo.evaluation.predictions import read_predictions

    return read_predictions(inputs["face15_eval"] / "predictions" / f"{model}.jsonl").predictions


def _champion_answers(
    client: MlflowClient,
    champion: ModelVersion,
    params: Params,
    inputs: Mapping[str, Path],
    ours: Sequence[Prediction],
) -> Sequence[Prediction]:
    from videmo.evaluation.predictions import read_predictions

    test_set = _test_set(params, inputs, ours)
    kept = _artifact(client, champion, f"predictions/{test_set}.jsonl")
    if kept:
        return read_predictions(kept).predictions
    answers = _ask(policy_directory(champion), params, inputs, ours)
    _keep_answers(client, champion, test_set, answers)
    return answers


def _ask(policy: Path, params: Params, inputs: Mapping[str, Path], ours: Sequence[Prediction]) -> list[Prediction]:
    """Ask another policy the questions that `ours` answers."""
    from videmo.data.shards import open_dataset
    from videmo.evaluation.answers import ask, choose_questions, open_model

    questions = choose_questions(open_dataset(inputs["data_build"]), params.evaluation.max_clips)
    return [answer for batch in ask(open_model(policy, params), questions, params.evaluation) for answer in batch]


def _test_set(params: Params, inputs: Mapping[str, Path], answers: Sequence[Prediction]) -> str:
    """What answers depend on besides the model: the data, the samples asked, how answers are generated."""
    asked = sorted(prediction.id for prediction in answers)
    settings = params.evaluation
    return digest_of([_data_digest(inputs), asked, settings.max_new_tokens, settings.sampler, params.backbone.dtype])


def _data_digest(inputs: Mapping[str, Path]) -> str:
    return StageReport.read(inputs["data_build"]).digest


def _keep_answers(client: MlflowClient, version: ModelVersion, test_set: str, answers: Sequence[Prediction]) -> None:
    from videmo.evaluation.predictions import write_predictions

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{test_set}.jsonl"
        write_predictions(path, answers)
        client.log_artifact(version.run_id, str(path), "predictions")


def _artifact(client: MlflowClient, version: ModelVersion, path: str) -> Path | None:
    """A file kept with a version's run, None where there is none."""
    folder = path.rpartition("/")[0] or None
    if not any(entry.path == path for entry in client.list_artifacts(version.run_id, folder)):
        return None
    return Path(client.download_artifacts(version.run_id, path))
