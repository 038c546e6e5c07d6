"""ablations.json, comparisons.json and ablations.html: what has been found so far."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

from markupsafe import Markup

from benchmarks.ablations.figures import FIGURES, Ablations, Figures
from benchmarks.ablations.paper import COLUMNS, PAPER
from benchmarks.ablations.steps import RL, SETTINGS, Step
from videmo.evaluation.interval import Figure, Interval, bounds_text
from videmo.evaluation.report_page.charts import line_chart
from videmo.evaluation.report_page.rendering import render
from videmo.stages.files import write_json, write_whole

NAMES = {"mean15": "mean of 15 tasks", "att": "attribute", "exp": "expression", "und": "understanding"}
MEANING = {
    "base": "the backbone as it is",
    "mixed": "all levels' data in one, shuffled: the curriculum's packs in as many steps, without its order",
    "attribute_only": "the attribute level's data alone, from the backbone; the curriculum's first stage",
    "expression_only": "the expression level's data alone, from the backbone",
    "emotion_only": "the emotion level's data alone, from the backbone",
    "attribute_expression": "the curriculum after two of its levels",
    "curriculum": "all three levels, one after the other",
    "chain_grpo": "the curriculum, then RL on whole answers, without the reward of the tree",
    "chain_grpo_tree_reward": "the same with the reward of the tree",
    "tree_grpo": "the curriculum, then RL on trees of segments with as many leaves; it is reasoning with n = 1, too",
    "reasoning_2": "tree GRPO's policy, keeping the best of 2 candidates on each level",
    "reasoning_4": "the same of 4",
    "reasoning_8": "the same of 8",
}
REWARDS = {"caption_tree": "Tree reward of captions", "question_qa": "Reward of answers to questions"}


@dataclass(frozen=True)
class PlottedSetting:
    """A line of a plot: the value of each seed, and their mean with its interval."""

    name: str
    mean: Figure
    seeds: dict[str, float]


@dataclass(frozen=True)
class Plot:
    """Rows on one scale, whose ends are whole numbers."""

    title: str
    rows: tuple[PlottedSetting, ...]
    low: int
    high: int

    def at(self, value: float) -> float:
        """Where a value lies between the ends, in per cent."""
        return round(100 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low), 2)


def write(folder: Path, found: Ablations) -> Path:
    """Write the three files; returns the path of the page."""
    values, differences = found.values(), found.differences()
    evaluation = found.params.evaluation
    compared = {"resamples": evaluation.resamples, "seed": evaluation.seed, "differences": differences}
    write_json(folder / "ablations.json", values)
    write_json(folder / "comparisons.json", compared)
    content = {**_about(found, differences), **_drawn(found, values, differences), "differences": differences}
    write_whole(folder / "ablations.html", render("page.html.jinja", content, beside=Path(__file__).parent))
    return folder / "ablations.html"


def _about(found: Ablations, differences: Mapping[str, Any]) -> dict[str, Any]:
    some = next(scores for of_seeds in found.scores.values() for scores in of_seeds.values())
    return {
        "name": "ablations",
        "params": found.params,
        "seeds": list(found.answered),
        "sentence": _sentence(found, differences),
        "judge": some.judge,
        "questions": len(set(some.samples)),
        "people": len(set(some.clusters)),
        "settings": SETTINGS,
        "counts": {setting: len(of_seeds) for setting, of_seeds in found.scores.items()},
        "meaning": MEANING,
        "names": NAMES,
        "paper": PAPER,
        "paper_columns": COLUMNS,
    }


def _sentence(found: Ablations, differences: Mapping[str, Any]) -> str:
    if found.missing:
        total = len(SETTINGS) * len(found.answered)
        return f"{total - found.missing} of {total} answers (a setting with a seed) are there so far."
    gain = differences["tree_grpo - curriculum"]["pooled"]["mean15"]
    found_gain = Interval(*gain)
    told = "a gain" if found_gain.is_above(0) else "a loss" if found_gain.is_below(0) else "not significant"
    points = f"{gain[0]:+.1f} points {bounds_text(gain, signed=True)}".replace("-", "\N{MINUS SIGN}")
    return f"Tree GRPO against the curriculum alone: {points} in the mean of the 15 tasks, {told}."


def _drawn(found: Ablations, values: Mapping[str, Any], differences: Mapping[str, Any]) -> dict[str, Any]:
    means = found.means()
    of_settings = [_plot(NAMES[f], f, means, values) for f in FIGURES]
    pooled = {name: compared["pooled"] for name, compared in differences.items()}
    alone = {name: _firsts(compared["seeds"]) for name, compared in differences.items()}
    fine = {name for name in pooled if name.startswith((*RL, "reasoning"))}
    titles = ("Before RL", "RL and reasoning")
    chosen = ({n: pooled[n] for n in pooled if n not in fine}, {n: pooled[n] for n in pooled if n in fine})
    gains = [_plot(title, "mean15", some, alone, zero=True) for title, some in zip(titles, chosen, strict=True) if some]
    return {"means": means, "plots": [p for p in of_settings if p.rows], "gains": gains, "rewards": _rewards(found)}


def _firsts(seeds: Mapping[str, Figures]) -> dict[str, dict[str, float]]:
    return {seed: {name: figure[0] for name, figure in figures.items()} for seed, figures in seeds.items()}


def _plot(title: str, figure: str, means: Mapping[str, Figures], values: Mapping[str, Any], zero: bool = False) -> Plot:
    rows = tuple(
        PlottedSetting(name, mean[figure], {seed: of_seed[figure] for seed, of_seed in values[name].items()})
        for name, mean in means.items()
        if figure in mean
    )
    drawn = [value for row in rows for value in (*row.seeds.values(), *row.mean) if value is not None]
    low, high = floor(min([*drawn, 0])), ceil(max([*drawn, 0]))
    return Plot(title, rows, low - zero, high + (zero or low == high))


def _rewards(found: Ablations) -> dict[str, dict[str, Markup]]:
    """Title of a reward -> RL setting -> its course over the steps, a curve a seed; on one scale for all settings."""
    charts = {}
    for name, title in REWARDS.items():
        lines = {setting: list(_courses(found, setting, name)) for setting in RL}
        every = [value for of in lines.values() for line in of for _, value in line]
        if every:
            span = min(every), max(every)
            drawn = {s: line_chart(f"{title}, {s}", *of, span=span) for s, of in lines.items() if of}
            charts[title] = drawn
    return charts


def _courses(found: Ablations, setting: str, name: str) -> Iterable[list[tuple[float, float]]]:
    for steps in found.answered.values():
        path = _policy(steps[setting]).output / "metrics.jsonl"
        rows = map(json.loads, path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
        if line := [(row["step"], row[name]) for row in rows if row.get(name) is not None]:
            yield line


def _policy(answers: Step) -> Step:
    return next(step for step in answers.inputs if step.stage.name == "tree_rl")
