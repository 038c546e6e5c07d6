"""Stage data_validation: check clips and samples before training, with Great Expectations."""

from __future__ import annotations

import html
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.data.people import people_in
from videmo.data.samples import Sample
from videmo.data.shards import Dataset, open_dataset
from videmo.settings.data import Validation
from videmo.settings.sections import DataValidationSettings
from videmo.stages.report import StageReport
from videmo.stages.work import Work, stage_directory
from videmo.tasks.catalog import COLUMNS, PARTS
from videmo.tasks.questions import aspect_of, is_open, read_answer, write_answer
from videmo.tree.model import LEVELS, Pair
from videmo.tree.text import parse
from videmo.tree.vocabulary import ASPECTS

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

SHOWN_ROWS = 5  # failed rows, and failures, named in the message; failures.json has all of them


class ValidationFailed(ValueError):
    """The data must not be trained on; the message names expectation, table, column and the first rows."""


@dataclass(frozen=True)
class Failure:
    expectation: str
    table: str
    column: str | None
    observed: str  # how many rows fail, or the value that was observed
    rows: tuple[str, ...]  # ids

    def __str__(self) -> str:
        rows = ", ".join(self.rows[:SHOWN_ROWS]) + (", ..." if len(self.rows) > SHOWN_ROWS else "")
        return f"{self.expectation} of {self.table}{f'.{self.column}' if self.column else ''}: {self.observed}" + (
            f": {rows}" if rows else ""
        )


def run(params: DataValidationSettings, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Check the data set `inputs["data_build"]`; Data Docs go to `data_docs/index.html`.

    Raises ValidationFailed. The docs and failures.json then stay in `<output>.partial`; the message names the path.
    """
    config = params.validation
    with stage_directory(output, __name__, params, inputs) as work:
        dataset = open_dataset(inputs["data_build"])
        frames = StageReport.read(inputs["data_build"]).config["data"]["frames"]
        work.progress(0, 2, "reading clips and samples")
        rows = tables(dataset)
        work.progress(1, 2, "checking expectations")
        failures, checked = check(rows, expectations(config, frames), work)
        if failures:
            reasons = "; ".join(map(str, failures[:SHOWN_ROWS]))
            raise ValidationFailed(
                f"{len(failures)} of {checked} expectations failed: {reasons} (all in {work.path / 'failures.json'}, "
                f"{work.path / 'data_docs' / 'index.html'})"
            )
        columns = int(rows["columns"]["id"].size)
        return work.finish({"expectations": checked, "failed": 0, "columns": columns, "clips": len(dataset.clips)})


def tables(dataset: Dataset) -> dict[str, pd.DataFrame]:
    """The tables that expectations are about: clips, samples, people, pairs of trees, and the columns of face-15 that
    have a test sample, and the levels of the curriculum. Every row has an `id`.
    """
    import pandas as pd

    clips = [_clip_row(dataset, clip) for clip in dataset.clips]
    samples = [{**asdict(sample), **_checked(sample, dataset)} for sample in dataset.samples]
    seen: dict[str, set[str]] = {}
    for clip in dataset.clips.values():
        for person in people_in(clip.person):
            seen.setdefault(person, set()).add(clip.split)
    people = [{"id": person, "splits": len(splits)} for person, splits in seen.items()]
    pairs = [
        {"id": f"{clip.id} {pair.aspect}: {pair.item}", "known": _is_known(pair)}
        for clip in dataset.clips.values()
        for level in LEVELS
        for pair in clip.tree.level(level)
    ]
    tested = {sample.part for sample in dataset.samples if sample.split == "test"}
    taught = [sample.level for sample in dataset.samples if sample.split == "train"]
    columns = [{"id": name} for name, column in COLUMNS.items() if tested & set(column.parts)]
    return {
        "clips": pd.DataFrame(clips),
        "samples": pd.DataFrame(samples, columns=None if samples else ["id"]),
        "people": pd.DataFrame(people, columns=["id", "splits"]),
        "pairs": pd.DataFrame(pairs, columns=["id", "known"]),
        "columns": pd.DataFrame(columns, columns=["id"]),
        "levels": pd.DataFrame([{"id": level, "training_samples": taught.count(level)} for level in LEVELS]),
    }


def expectations(config: Validation, frames: int) -> dict[str, list[Expectation]]:
    """The expectations of each table."""
    from great_expectations import expectations as e

    def hold(column: str, **options: object) -> Expectation:
        return e.ExpectColumnValuesToBeInSet(column=column, value_set=[True], **options)

    def present(*columns: str) -> list[Expectation]:
        return [e.ExpectColumnValuesToNotBeNull(column=column) for column in columns]

    return {
        "clips": [
            e.ExpectTableRowCountToBeBetween(min_value=config.min_clips, meta={"setting": "validation.min_clips"}),
            *present("id", "video", "source", "split"),
            e.ExpectColumnValuesToBeUnique(column="id"),
            e.ExpectColumnValuesToBeInSet(column="split", value_set=["train", "test"]),
            e.ExpectColumnDistinctValuesToContainSet(column="split", value_set=["train", "test"]),
            e.ExpectColumnValuesToBeBetween(column="duration", min_value=0, strict_min=True),
            e.ExpectColumnValuesToBeBetween(column="fps", min_value=0, strict_min=True),
            e.ExpectColumnValuesToBeInSet(column="frames", value_set=[frames]),
        ],
        "samples": [
            e.ExpectTableRowCountToBeBetween(min_value=1),
            *present("id", "clip", "part", "level", "split", "question", "answer"),
            e.ExpectColumnValuesToBeUnique(column="id"),
            e.ExpectColumnValuesToBeInSet(column="part", value_set=list(PARTS)),
            e.ExpectColumnValueLengthsToBeBetween(column="question", min_value=1),
            *(
                hold(column)
                for column in ("clip_exists", "level_is_the_parts", "split_is_the_clips", "answer_is_possible")
            ),
        ],
        "people": [e.ExpectColumnValuesToBeInSet(column="splits", value_set=[1])],
        "pairs": [hold("known", mostly=1 - config.max_unknown_share, meta={"setting": "validation.max_unknown_share"})],
        "columns": [
            e.ExpectTableRowCountToBeBetween(min_value=config.min_columns, meta={"setting": "validation.min_columns"})
        ],
        "levels": [e.ExpectColumnValuesToBeBetween(column="training_samples", min_value=1)],
    }


def check(
    tables: Mapping[str, pd.DataFrame], expected: Mapping[str, list[Expectation]], work: Work
) -> tuple[list[Failure], int]:
    """Check every table, write Data Docs and failures.json into `work`. Returns the failures and the number of checks.

    Nothing leaves the machine: the context lives in memory, and Great Expectations' analytics are off.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read once, by the import below
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx

    shutil.rmtree(work.path / "data_docs", ignore_errors=True)  # of a run that failed
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    context.update_data_docs_site("local_site", _site(work.path / "data_docs"))
    source = context.data_sources.add_pandas("data")
    failures: list[Failure] = []
    for table, rules in expected.items():
        rows = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all")
        suite = context.suites.add(gx.ExpectationSuite(name=table, expectations=rules))
        definition = gx.ValidationDefinition(name=table, data=rows, suite=suite)
        result = context.validation_definitions.add(definition).run(
            # Data Docs do not escape values, and a file name or an answer may contain markup.
            batch_parameters={"dataframe": tables[table].apply(lambda column: column.map(_escaped))},
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["id"]},
        )
        failures += [_failure(table, outcome) for outcome in result.results if not outcome.success]
    context.build_data_docs()
    (work.path / "failures.json").write_text(json.dumps([asdict(failure) for failure in failures], indent=1))
    return failures, sum(map(len, expected.values()))


def _escaped(value: object) -> object:
    return html.escape(value) if isinstance(value, str) else value


def _failure(table: str, outcome: ExpectationValidationResult) -> Failure:
    config, result = outcome.expectation_config, outcome.result
    rows = tuple(html.unescape(str(row["id"])) for row in result.get("unexpected_index_list") or ())
    if "unexpected_count" in result:
        observed = f"{result['unexpected_count']} of {result['element_count']} rows"
    else:
        observed = f"observed {result.get('observed_value')}, expected {_limits(config.kwargs)}"
    if setting := (config.meta or {}).get("setting"):
        observed += f" (set by {setting})"
    if outcome.exception_info and outcome.exception_info.get("exception_message"):
        observed = f"could not be checked: {outcome.exception_info['exception_message']}"
    return Failure(config.type, table, config.kwargs.get("column"), observed, rows)


def _limits(kwargs: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in kwargs.items() if name not in ("batch_id", "column"))


def _clip_row(dataset: Dataset, clip: str) -> dict[str, object]:
    row = {name: getattr(dataset.clips[clip], name) for name in ("id", "video", "source", "split", "duration", "fps")}
    try:
        frames = len(dataset.frames(clip))
    except (KeyError, ValueError):
        frames = 0
    return {**row, "frames": frames}


def _checked(sample: Sample, dataset: Dataset) -> dict[str, bool]:
    clip, part = dataset.clips.get(sample.clip), PARTS.get(sample.part)
    return {
        "clip_exists": clip is not None,
        "level_is_the_parts": part is not None and sample.level == part.level,
        "split_is_the_clips": clip is not None and sample.split == clip.split,
        "answer_is_possible": part is not None and _is_possible(sample),
    }


def _is_possible(sample: Sample) -> bool:
    """Whether the question allows the answer: it is from the answer space, or a tree that parses without problems."""
    part = PARTS[sample.part]
    if not is_open(part) and not part.answers:
        parsed = parse(sample.answer)
        return not parsed.problems and len(parsed.levels) > 0
    try:
        aspect = aspect_of(part, sample.question)
        chosen = read_answer(sample.answer, part, aspect)
        return chosen is not None and sample.answer == write_answer(chosen, part, aspect)
    except ValueError:
        return False


def _is_known(pair: Pair) -> bool:
    return pair.aspect in ASPECTS and pair.item in ASPECTS[pair.aspect].items


def _site(directory: Path) -> dict[str, object]:
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(directory.resolve())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": store,
        "site_index_builder": index,
    }
