"""Outputs of stages where DVC wants them: a directory of links, a small file of metrics, the rows to plot."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from videmo.stages.files import link_or_copy
from videmo.stages.report import StageReport


def export(report: StageReport, directory: Path) -> None:
    """Write <directory>/<stage> (links to the store), metrics/<stage>.json, plots/<stage>.json and done/<stage>.txt.

    Of an evaluation scores/<model>.json too, a row for each model in DVC's table of metrics. plots holds the stage's
    rows over steps, an empty list where it has none. done never changes: what only has to come later can depend on it.
    """
    target = directory / report.stage
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(report.output, target, copy_function=lambda old, new: link_or_copy(Path(old), Path(new)))
    _write(directory / "metrics" / f"{report.stage}.json", json.dumps(report.metrics, indent=1, sort_keys=True))
    for model, scores in _scores(report.metrics).items():
        _write(directory / "scores" / f"{model}.json", json.dumps(scores, indent=1))
    rows = report.output / "metrics.jsonl"
    lines = rows.read_text(encoding="utf-8").splitlines() if rows.exists() else []
    plotted = with_the_same_keys([json.loads(line) for line in lines])
    _write(directory / "plots" / f"{report.stage}.json", json.dumps(plotted))
    _write(directory / "done" / f"{report.stage}.txt", "done\n")


def with_the_same_keys(rows: Sequence[Mapping[str, float | None]]) -> list[dict[str, float | None]]:
    """The rows, with null for what only others have: DVC plots nothing of rows that differ in their keys, and a step of
    tree RL in which all siblings agree has no loss."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return [{key: row.get(key) for key in keys} for row in rows]


def _scores(metrics: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Model -> its mean and its tables, from the metrics `mean15.<model>` and `table.<model>.<table>`."""
    found: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        kind, *parts = name.split(".")
        if kind in ("mean15", "table"):
            found.setdefault(parts[0], {})[parts[-1] if kind == "table" else kind] = round(value, 2)
    return found


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
