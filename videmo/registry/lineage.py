"""Where a version came from: its tags, the reports of the stages that made it, and its model card."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.evaluation.interval import figure_text
from videmo.registry.champion import ORIGIN, PREFIX
from videmo.registry.gate import Verdict
from videmo.registry.packaging import PACKAGE
from videmo.registry.tracking import flat
from videmo.stages.content import digest_of
from videmo.stages.report import StageReport
from videmo.stages.store import output_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

POLICY = PREFIX + "policy"  # tag: the digest of tree_rl
CARD, LINEAGE = "model_card.md", "lineage.json"
COUNTED = ("clips", "people", "samples", "test_clips", "test_samples")  # metrics of data_build that a card shows


def version_tags(inputs: Mapping[str, Path], run_name: str) -> dict[str, str]:
    """What a version, and every entry of the history about it, says of its origin."""
    policy, data = (StageReport.read(inputs[stage]) for stage in ("tree_rl", "data_build"))
    values = (policy.digest, data.digest, digest_of(policy.code), _image(), _commit(), run_name)
    return {PREFIX + key: value for key, value in zip(ORIGIN, values, strict=True) if value}


def lineage(inputs: Mapping[str, Path]) -> dict[str, StageReport]:
    """The reports of everything that the policy came from, in order, as far as it is still in the store."""
    found: dict[str, StageReport] = {}
    waiting = list(inputs.values())
    while waiting:
        output = waiting.pop()
        with suppress(FileNotFoundError):
            report = StageReport.read(output)
            if report.stage not in found:
                found[report.stage] = report
                waiting.extend(output_of(stage, digest) for stage, digest in report.inputs.items())
    order = ("data_build", "sft_attribute", "sft_expression", "sft_emotion", "tree_rl", "answers_rl", "face15_eval")
    return {stage: found[stage] for stage in order if stage in found}


def describe(
    client: MlflowClient, version: ModelVersion, came_from: Mapping[str, StageReport], verdict: Verdict
) -> None:
    """Keep the lineage and the model card with a version, and the card's first words as its description."""
    client.log_dict(version.run_id, {stage: _shown(report) for stage, report in came_from.items()}, LINEAGE)
    client.log_text(version.run_id, model_card(version.name, str(version.version), came_from, verdict), CARD)
    client.update_model_version(version.name, version.version, _in_short(version, verdict))


def model_card(name: str, version: str, came_from: Mapping[str, StageReport], verdict: Verdict) -> str:
    """What the model is, came from, can and must not do, in Markdown."""
    from jinja2 import Environment, StrictUndefined

    template = files("videmo.registry").joinpath("model_card.md.jinja").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["figure"] = figure_text
    data = came_from["data_build"]
    return environment.from_string(template).render(
        name=name,
        version=version,
        source=data.config["data"]["source"],
        data=data,
        counts={key: int(data.metrics[key]) for key in COUNTED if key in data.metrics},
        trained=[_training(report) for stage, report in came_from.items() if stage.startswith(("sft_", "tree_"))],
        backbone=came_from["tree_rl"].config["backbone"],
        image=_image(),
        verdict=verdict,
    )


def _training(report: StageReport) -> dict[str, str]:
    settings = {key: value for key, value in flat(report.config) if not key.startswith("backbone.")}
    steps = report.metrics.get("steps", settings.get("rl.steps", ""))
    return {
        "stage": report.stage,
        "digest": report.digest,
        "steps": f"{float(steps):.0f}" if steps else "",
        "seconds": f"{report.seconds:.0f}",
        "settings": ", ".join(f"{key} {value}" for key, value in settings.items()),
    }


def _in_short(version: ModelVersion, verdict: Verdict) -> str:
    mean = verdict.challenger_mean15
    scored = f"Mean of the tasks {figure_text(mean)}, judge {verdict.judge}. " if mean else ""
    return (
        f"{scored}{verdict.reason} Reads what a face shows in a video, not what a person feels; not for decisions "
        f"about people. Its card is {CARD} among the artifacts of its run: `videmo registry show {version.version}`."
    )


def _shown(report: StageReport) -> dict[str, object]:
    stored = report.to_json()
    return {key: value for key, value in stored.items() if key not in ("code", "files", "sizes")}


def _image() -> str:
    """The container image that this process runs in, empty outside one."""
    return os.environ.get("VIDEMO_IMAGE", "")


def _commit() -> str:
    """The last commit of the package, empty where it is not under git."""
    try:
        command = ["git", "-C", str(PACKAGE), "log", "-1", "--format=%H", "--", "."]
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
