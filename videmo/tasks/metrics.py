"""Scores of single answers, and the paper's way to average columns. All scores are 0..100.

The rules are those of the authors' evaluator: per-sample micro-F1 with "none" as the empty set, accuracy, judge scores
all or nothing, figures truncated to one decimal. How scores gather in columns and tasks: evaluation/statistics.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from videmo.tasks.catalog import COLUMNS, PAPER_COLUMNS, TASKS, Column, Table

_INTEGER = re.compile(r"(?<![\w.\-])\d+(?![\w]|\.\d)")


def f1(chosen: Collection[object] | None, reference: Collection[object]) -> float:
    """Micro-F1 of one sample, 200 |chosen & reference| / (|chosen| + |reference|); 100 where both are empty.

    `chosen` None (nothing could be read) scores 0.
    """
    if chosen is None:
        return 0.0
    chosen, reference = set(chosen), set(reference)
    total = len(chosen) + len(reference)
    return 200.0 * len(chosen & reference) / total if total else 100.0


def accuracy(chosen: Collection[str] | None, reference: Collection[str]) -> float:
    """100 where exactly the reference was chosen, otherwise 0."""
    return 100.0 if chosen is not None and set(chosen) == set(reference) else 0.0


def read_judge_scores(text: str, count: int = 6) -> tuple[int, ...] | None:
    """The integers 0..100 in a judge's reply; None unless exactly `count` of them are there and in range."""
    numbers = _INTEGER.findall(text)
    if len(numbers) != count or any(len(number) > 3 or int(number) > 100 for number in numbers):
        return None
    return tuple(map(int, numbers))


def columns_of(part: str) -> tuple[Column, ...]:
    """The columns that the answers of a part count in: mostly one; six for a full account (understanding)."""
    return tuple(column for column in COLUMNS.values() if part in column.parts)


def task_scores(columns: Mapping[str, float]) -> dict[str, float]:
    """The mean over its measured columns of every task that has any."""
    return _means((name, [columns[c] for c in task.columns if c in columns]) for name, task in TASKS.items())


def table_scores(columns: Mapping[str, float]) -> dict[Table, float]:
    """The mean over the measured columns of every table that has any."""
    tables: dict[Table, list[float]] = {}
    for name, column in COLUMNS.items():
        if name in columns:
            tables.setdefault(column.table, []).append(columns[name])
    return {table: mean(scores) for table, scores in tables.items()}


def paper_aggregates(columns: Mapping[str, float]) -> dict[str, float]:
    """The paper's own aggregates from its 33 columns, in which the averages count as columns again.

    `att`: 18 attribute columns and the averages over the 6 closed and the 12 open ones. `exp`: 9 expression columns and
    the averages over their 4 tasks. `emo`: the understanding average. `avg`: the mean of the three. `mean40`: the 33
    columns and the 7 averages. Other columns do not count. Raises KeyError where one of the 33 is missing.
    """
    attribute = [columns[name] for name in PAPER_COLUMNS if COLUMNS[name].table == "attribute"]
    expression = [columns[name] for name in PAPER_COLUMNS if COLUMNS[name].table == "expression"]
    understanding = [columns[name] for name in PAPER_COLUMNS if COLUMNS[name].table == "understanding"]
    averages = paper_averages(columns)
    attribute += [averages["closed_attribute"], averages["open_attribute"]]
    expression += [averages[name] for name in _paper_tasks("expression")]
    understanding += [averages["understanding"]]
    att, exp, emo = mean(attribute), mean(expression), averages["understanding"]
    mean40 = mean([*attribute, *expression, *understanding])
    return {"att": att, "exp": exp, "emo": emo, "avg": mean((att, exp, emo)), "mean40": mean40}


def paper_averages(columns: Mapping[str, float]) -> dict[str, float]:
    """The seven average columns of the paper's tables."""
    paper = {name: columns[name] for name in PAPER_COLUMNS}
    attribute = [COLUMNS[name] for name in PAPER_COLUMNS if COLUMNS[name].table == "attribute"]
    tasks = task_scores(paper)
    return {
        "closed_attribute": mean(paper[column.name] for column in attribute if column.task != "open_attribute"),
        "open_attribute": tasks["open_attribute"],
        **{name: tasks[name] for name in _paper_tasks("expression")},
        "understanding": table_scores(paper)["understanding"],
    }


def _paper_tasks(table: Table) -> tuple[str, ...]:
    """The paper's tasks of a table."""
    return tuple(dict.fromkeys(COLUMNS[name].task for name in PAPER_COLUMNS if COLUMNS[name].table == table))


def recalls(chosen: Sequence[str | None], reference: Sequence[str]) -> dict[str, float]:
    """UAR and WAR of a single-label emotion column, as the emotion corpora report them.

    UAR: the unweighted mean over the labels that occur of the share of their samples that were answered right. WAR:
    the same weighted by their samples, which is accuracy.
    """
    if len(chosen) != len(reference) or not reference:
        raise ValueError(f"{len(chosen)} answers for {len(reference)} references: give one for each, and at least one")
    hits: dict[str, list[float]] = {}
    for answer, label in zip(chosen, reference, strict=True):
        hits.setdefault(label, []).append(100.0 * (answer == label))
    return {"uar": mean(map(mean, hits.values())), "war": mean(hit for label in hits.values() for hit in label)}


def truncate(score: float) -> float:
    """To one decimal, downwards, as the paper prints its figures."""
    return math.floor(score * 10 + 1e-6) / 10  # 1e-6: 62.4 may be stored as 62.39999999


def mean(scores: Iterable[float]) -> float:
    """Raises ValueError where there is nothing to average."""
    scores = list(scores)
    if not scores:
        raise ValueError("no scores to average")
    return math.fsum(scores) / len(scores)


def _means(groups: Iterable[tuple[str, list[float]]]) -> dict[str, float]:
    return {name: mean(scores) for name, scores in groups if scores}
