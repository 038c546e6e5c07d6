"""Figures of the settings: each seed by itself, the mean over the seeds, and the differences between settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.ablations.steps import CANDIDATES, SETTINGS, Step
from videmo.evaluation.interval import Figure, Interval
from videmo.evaluation.judge import choose_judge, score
from videmo.evaluation.predictions import read_answers
from videmo.evaluation.statistics import (
    Estimates,
    Scores,
    difference,
    difference_over,
    estimate,
    estimate_over,
)
from videmo.settings.params import Params

Figures = dict[str, Figure]  # figure -> [value, low, high]; what nothing measures is absent
TABLES = {"att": "attribute", "exp": "expression", "und": "understanding"}
FIGURES = ("mean15", *TABLES)
COMPARED = (
    *((setting, "curriculum") for setting in SETTINGS if setting != "curriculum"),
    ("tree_grpo", "chain_grpo_tree_reward"),
    ("chain_grpo_tree_reward", "chain_grpo"),
    *((f"reasoning_{n}", "tree_grpo") for n in CANDIDATES),
)


@dataclass
class Ablations:
    """The steps that answer, by seed and setting, and the scores of the answers that are there, by setting and seed."""

    params: Params
    answered: Mapping[int, Mapping[str, Step]]
    scores: dict[str, dict[int, Scores]] = field(default_factory=lambda: {setting: {} for setting in SETTINGS})

    def take_in(self, step: Step) -> bool:
        """Score the answers of a finished step, for every setting and seed that they stand for; False: for none."""
        every = ((setting, seed, answers) for seed, of in self.answered.items() for setting, answers in of.items())
        places = [(setting, seed) for setting, seed, answers in every if answers.output == step.output]
        if places:
            judge = choose_judge(self.params.evaluation, self.params.execution.endpoint)
            scores = score(read_answers(step.output), judge)
            for setting, seed in places:
                self.scores[setting][seed] = scores
        return bool(places)

    @property
    def missing(self) -> int:
        """Answers, of a setting with a seed, that are not there yet."""
        return len(SETTINGS) * len(self.answered) - sum(map(len, self.scores.values()))

    def values(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """ablations.json: setting -> seed -> figure; null where nothing was measured."""
        return {
            setting: {
                str(seed): _values(estimate(of_seeds[seed], *self._resampling))
                for seed in self.answered
                if seed in of_seeds
            }
            for setting, of_seeds in self.scores.items()
            if of_seeds
        }

    def means(self) -> dict[str, Figures]:
        """Setting -> its means over the seeds."""
        present = {setting: list(of_seeds.values()) for setting, of_seeds in self.scores.items() if of_seeds}
        return {setting: _figures(estimate_over(runs, *self._resampling)) for setting, runs in present.items()}

    def differences(self) -> dict[str, dict[str, Any]]:
        """`A - B` -> {seeds: {seed: figures}, pooled: figures}, paired, of the seeds that both have. A seed's interval
        is over people, the pooled one over people and seeds."""
        found = {}
        for ours, theirs in COMPARED:
            seeds = [seed for seed in self.answered if seed in self.scores[ours] and seed in self.scores[theirs]]
            if seeds:
                new, old = ([self.scores[setting][seed] for seed in seeds] for setting in (ours, theirs))
                alone = [_figures(difference(*pair, *self._resampling)) for pair in zip(new, old, strict=True)]
                over = _figures(difference_over(new, old, *self._resampling))
                by_seed = {str(seed): figures for seed, figures in zip(seeds, alone, strict=True)}
                found[f"{ours} - {theirs}"] = {"seeds": by_seed, "pooled": over}
        return found

    @property
    def _resampling(self) -> tuple[int, int]:
        return self.params.evaluation.resamples, self.params.evaluation.seed


def _values(found: Estimates) -> dict[str, float | None]:
    figures = _figures(found)
    return {name: figures[name][0] if name in figures else None for name in FIGURES}


def _figures(found: Estimates) -> Figures:
    intervals: dict[str, Interval | None] = {"mean15": found.mean15}
    intervals |= {name: found.tables.get(table) for name, table in TABLES.items()}
    return {name: interval.as_list() for name, interval in intervals.items() if interval}
