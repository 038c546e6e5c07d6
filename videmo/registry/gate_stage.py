"""The stage gate: the challenger is judged against the champion and registered. Nothing is promoted here.

It is never taken from a cache: it depends on who is champion now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.evaluation.predictions import read_answers
from videmo.registry.champion import CHALLENGER, champion_of, follow, read_history, versions_of
from videmo.registry.gate import Verdict, judge_challenger
from videmo.registry.history import History
from videmo.registry.lineage import POLICY, describe, lineage, version_tags
from videmo.registry.packaging import log_policy, policy_directory
from videmo.registry.tracking import connect
from videmo.registry.version_artifacts import answered_sets, keep_answers, keep_verdict, kept_answers, kept_verdict
from videmo.settings.sections import GateSettings
from videmo.stages.content import digest_of
from videmo.stages.digest import Code
from videmo.stages.files import write_json
from videmo.stages.report import StageReport
from videmo.stages.store import home, run_of, stage_lock
from videmo.stages.work import stage_directory

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from videmo.evaluation.predictions import Prediction


VERDICT, CHALLENGER_FILE = "verdict.json", "challenger.json"


@dataclass(frozen=True)
class Challenger:
    """A registered version, and where its verdict is kept with it: None if it is already champion."""

    version: str
    verdict: str | None


def decide(params: GateSettings, inputs: Mapping[str, Path]) -> Verdict:
    """The gate: may the model of `tree_rl` take the champion's place? Asks the registry who that is.

    inputs: data_build, tree_rl, answers_base, answers_rl, face15_eval. A champion that has not answered these samples
    under these settings is asked now, and its answers are kept with its version; without one, or if it has been
    deleted, the opponent is the base model. If the model is already the champion, the verdict that made it so stands;
    one that was rolled back does not return by itself.
    """
    client = connect()
    history = read_history(client, params.promotion.model_name)
    champion = champion_of(client, history)
    policy, ours = policy_of(inputs), read_answers(inputs["answers_rl"])
    if champion and champion.tags.get(POLICY) == policy:
        return _standing(client, champion, history)
    if champion:
        theirs = _champion_answers(client, champion, params, inputs)
        verdict = _judge(params, ours, theirs, label_of(champion))
    else:
        deleted = f"the champion before, version {history.champion}, has been deleted"
        missing = deleted if history.champion else "there was no champion yet"
        verdict = _judge(params, ours, read_answers(inputs["answers_base"]), "base model", missing)
    origin = {"policy": policy, "data": _data_digest(inputs), "asked": asked_digest(inputs)}
    verdict = replace(verdict, origin=origin, after=history.last)
    return _not_taken_back(verdict, history, _version_of(client, history.name, policy))


def register(
    params: GateSettings, inputs: Mapping[str, Path], verdict: Verdict, run_name: str
) -> tuple[ModelVersion, str | None]:
    """Log the model of `tree_rl` as a pyfunc, register it and call it `challenger`.

    A model that is registered already keeps its version. The verdict, the answers it is about and a model card are kept
    with it. Returns the version, and where the verdict is kept: None if the version is champion already, so that the
    verdict that made it so stands.
    """
    client = connect()
    name = params.promotion.model_name
    history = follow(client, name)  # after a promotion that was cut short
    version = _version_of(client, name, policy_of(inputs))
    if version is None:
        tags = version_tags(inputs, run_name)
        version = log_policy(client, inputs["tree_rl"], inputs["data_build"], name, run_name, tags)
    if (asked := asked_digest(inputs)) not in answered_sets(version):
        keep_answers(client, version, asked, read_answers(inputs["answers_rl"]))
    client.set_registered_model_alias(name, CHALLENGER, version.version)
    if str(version.version) == history.champion:
        return version, None
    describe(client, version, lineage(inputs), verdict)
    return version, keep_verdict(client, version, verdict)


def run(params: GateSettings, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Judge and register the challenger; writes `verdict.json`, and `challenger.json` for the promotion."""
    with stage_directory(output, __name__, params, inputs) as work:
        verdict = decide(params, inputs)
        version, kept = register(params, inputs, verdict, run_of(output))
        challenger = Challenger(str(version.version), kept)
        write_json(work.path / VERDICT, verdict.as_dict())
        write_json(work.path / CHALLENGER_FILE, asdict(challenger))
        gain = {} if verdict.mean_gain is None else {"gain": verdict.mean_gain}
        promote = float(verdict.passed and kept is not None)  # else the model is champion already
        return work.finish({"passed": float(verdict.passed), "promote": promote, **gain})


def read_gate(output: Path) -> tuple[Verdict, Challenger]:
    """What the gate decided, and on which version."""
    verdict, challenger = (
        json.loads((output / name).read_text(encoding="utf-8")) for name in (VERDICT, CHALLENGER_FILE)
    )
    return Verdict.from_dict(verdict), Challenger(**challenger)


def asked_digest(inputs: Mapping[str, Path]) -> str:
    """What answers depend on besides the model: the data, what is asked and how, and by what code."""
    asking = StageReport.read(inputs["answers_rl"])
    backbone = {key: value for key, value in asking.config["backbone"].items() if key != "name"}
    code = Code(asking.code, asking.versions)
    return digest_of([_data_digest(inputs), {**asking.config, "backbone": backbone}, code.digest])


def label_of(champion: ModelVersion) -> str:
    return f"champion, version {champion.version}"


def _standing(client: MlflowClient, champion: ModelVersion, history: History) -> Verdict:
    """The verdict that the model became champion with; where that was not by the gate, its reason says how it was."""
    made = [entry for entry in history.counting if entry.change.version == history.champion]
    path = next((entry.change.verdict for entry in reversed(made) if entry.change.verdict), "")
    stored = kept_verdict(client, champion, path)
    if stored and made[-1].change.kind == "gate":
        return stored
    how = f", by {made[-1].change.kind} (entry {made[-1].number})" if made else ""
    reason = f"The model is the {label_of(champion)}, already{how}: there is nothing to compare it with."
    return replace(stored or Verdict(False, reason, label_of(champion), after=history.last), reason=reason)


def _not_taken_back(verdict: Verdict, history: History, version: ModelVersion | None) -> Verdict:
    rollback = history.taken_back(str(version.version)) if version else None
    if not (verdict.passed and version and rollback):
        return verdict
    why = f": {rollback.change.reason}" if rollback.change.reason else ""
    reason = (
        f"The challenger is refused: it is version {version.version}, which was rolled back (entry "
        f"{rollback.number}{why}). To have it back: videmo registry promote {version.version} --force --reason ..."
    )
    return replace(verdict, passed=False, reason=reason)


def _judge(
    params: GateSettings,
    ours: Sequence[Prediction],
    theirs: Sequence[Prediction],
    label: str,
    no_champion: str = "",
) -> Verdict:
    from videmo.evaluation.judge import choose_judge, score

    judge = choose_judge(params.evaluation, params.execution.endpoint)
    return judge_challenger(
        score(ours, judge), score(theirs, judge), label, no_champion, params.promotion, params.evaluation
    )


def _version_of(client: MlflowClient, name: str, policy: str) -> ModelVersion | None:
    return next((version for version in versions_of(client, name) if version.tags.get(POLICY) == policy), None)


def _champion_answers(
    client: MlflowClient, champion: ModelVersion, params: GateSettings, inputs: Mapping[str, Path]
) -> Sequence[Prediction]:
    from videmo.evaluation.answers import answer_questions

    asked = asked_digest(inputs)
    kept = kept_answers(client, champion, asked)
    if kept is not None:
        return kept
    # What a killed gate had already been answered.
    gathered = home() / "answers" / f"{champion.name}-{champion.version}-{asked}.jsonl"
    with stage_lock(gathered):
        answers = answer_questions(policy_directory(champion), inputs["data_build"], params, gathered, _no_progress)
        keep_answers(client, champion, asked, answers)
        gathered.unlink()
    return answers


def _no_progress(done: int, total: int) -> None:
    """The gate has no output of its own to show progress in."""


def policy_of(inputs: Mapping[str, Path]) -> str:
    return StageReport.read(inputs["tree_rl"]).digest


def _data_digest(inputs: Mapping[str, Path]) -> str:
    return StageReport.read(inputs["data_build"]).digest
