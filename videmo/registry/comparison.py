"""Registered versions side by side, from the answers kept with them: always on one test set, by one judge."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.evaluation.evaluate import figures_json
from videmo.evaluation.judge import choose_judge, score
from videmo.evaluation.statistics import Estimates, difference, estimate
from videmo.registry.champion import champion_of, read_history, versions_of
from videmo.registry.gate_stage import asked_digest, label_of, policy_of
from videmo.registry.history import History
from videmo.registry.lineage import POLICY
from videmo.registry.tracking import connect
from videmo.registry.version_artifacts import answered_sets, kept_answers
from videmo.settings.params import Params
from videmo.settings.sections import GateSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from videmo.evaluation.scores_file import RegisteredFigures

OTHERS = 5  # versions beside the champion that a report shows


@dataclass(frozen=True)
class Comparison:
    """The figures of two versions, and the second minus the first, paired."""

    versions: tuple[str, str]
    test_set: str
    judge: str
    samples: int
    figures: tuple[Estimates, Estimates]
    gains: Estimates

    def as_dict(self) -> dict[str, object]:
        first, second = self.versions
        return {
            "test_set": self.test_set,
            "judge": self.judge,
            "samples": self.samples,
            "versions": {first: figures_json(self.figures[0]), second: figures_json(self.figures[1])},
            f"{second} - {first}": figures_json(self.gains),
        }


def compare(client: MlflowClient, first: ModelVersion, second: ModelVersion, params: Params) -> Comparison:
    """Compare two versions on a test set that both have answered.

    Raises ValueError if there is none: answers to different questions are not compared.
    """
    both = {}
    for test_set in sorted(answered_sets(first) & answered_sets(second)):
        ours, theirs = kept_answers(client, second, test_set), kept_answers(client, first, test_set)
        if ours is not None and theirs is not None:
            both[test_set] = (theirs, ours)
    if not both:
        raise ValueError(
            f"versions {first.version} and {second.version} have no test set in common "
            f"({_listed(first)}; {_listed(second)}): the gate asks a champion what its challenger was asked"
        )
    judge = choose_judge(params.evaluation, params.execution.endpoint)
    largest = max(both, key=lambda test_set: len(both[test_set][0]))  # the more questions, the narrower the intervals
    a, b = (score(answers, judge) for answers in both[largest])
    sampling = (params.evaluation.resamples, params.evaluation.seed)
    figures = (estimate(a, *sampling), estimate(b, *sampling))
    names = (str(first.version), str(second.version))
    return Comparison(names, largest, judge.name, len(both[largest][0]), figures, difference(b, a, *sampling))


def registered_figures(params: GateSettings, inputs: Mapping[str, Path]) -> RegisteredFigures:
    """For the report: the figures of the champion, and of the newest other versions that answered the same questions.

    The model of `inputs` is left out: the report has its figures.
    """
    client = connect()
    history = read_history(client, params.promotion.model_name)
    asked = asked_digest(inputs)
    judge = choose_judge(params.evaluation, params.execution.endpoint)
    models = {}
    for label, version in _shown(client, history, asked, policy_of(inputs)):
        answers = kept_answers(client, version, asked)
        with suppress(ValueError):  # a score that is not a number has no figures; the verdict reports it
            if answers is not None:
                figures = estimate(score(answers, judge), params.evaluation.resamples, params.evaluation.seed)
                models[label] = figures_json(figures)
    return {"judge": judge.name, "models": models}


def _shown(client: MlflowClient, history: History, asked: str, policy: str) -> list[tuple[str, ModelVersion]]:
    champion = champion_of(client, history)
    others = [
        version
        for version in versions_of(client, history.name)
        if asked in answered_sets(version) and version.tags.get(POLICY) != policy
    ]
    first = [(label_of(v), v) for v in others if champion and v.version == champion.version]
    rest = [(f"version {v.version}", v) for v in others if not champion or v.version != champion.version]
    return [*first, *rest[:OTHERS]]


def _listed(version: ModelVersion) -> str:
    return f"version {version.version}: {', '.join(sorted(answered_sets(version))) or 'no answers kept'}"
