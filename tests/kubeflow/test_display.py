"""What a run shows: a line per event in a pipe, a table on a terminal."""

import io
import json
import os
import threading
import time

import pytest

from videmo.kubeflow.display import Watched, _render, showing
from videmo.pipeline.dag import TABLE, PlannedStep
from videmo.pipeline.step import Run
from videmo.stages.step_record import StepRecord
from videmo.stages.store import progress_file

PLAN = [PlannedStep(name, "d", False, "never run") for name in TABLE]


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    return Run("monday")


def names(run: Run) -> list[str]:
    return [row.step.stage for row in Watched(run, PLAN).rows()]


def test_the_steps_that_are_planned_stand_in_the_order_of_the_table(run):
    assert names(run) == list(TABLE)
    run.record(StepRecord("report", "", ""))
    run.record(StepRecord("gate", "", "", status="succeeded"))
    assert names(run) == list(TABLE)


def test_a_pipe_gets_a_line_for_start_quarters_and_end_of_a_step(run, tmp_path):
    said = io.StringIO()
    output = tmp_path / "store" / "tree_rl" / "d"
    output.parent.mkdir(parents=True)
    with showing(run, list(TABLE), PLAN, said):
        run.record(StepRecord("tree_rl", "d", str(output)))
        progress_file(output).write_text(json.dumps({"done": 3, "total": 4, "note": "reward 0.1"}))
        time.sleep(0.6)
        run.record(StepRecord("tree_rl", "d", str(output), status="succeeded", seconds=1.25))
        run.record(StepRecord("gate", "", ""))
    lines = [" ".join(line.split()[1:]) for line in said.getvalue().splitlines()[1:]]
    assert lines == ["tree_rl started", "tree_rl 75%", "tree_rl done in 1.2 s", "gate started"]


def test_a_pipe_that_nobody_reads_any_more_ends_the_display_quietly_and_not_the_run(run, monkeypatch):
    errors: list[object] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    reader, writer = os.pipe()
    out = os.fdopen(writer, "w")
    threads = threading.active_count()
    with showing(run, list(TABLE), PLAN, out):
        assert threading.active_count() == threads + 1
        os.close(reader)
        run.record(StepRecord("tree_rl", "d", ""))
        time.sleep(0.6)
        assert threading.active_count() == threads
        assert errors == []
    os.dup2(os.open(os.devnull, os.O_WRONLY), writer)
    out.close()


def test_the_table_names_every_step_and_what_failed(run):
    from rich.console import Console

    run.record(StepRecord("sft_emotion", "d", "", status="failed", error="the loss is nan"))
    console = Console(file=io.StringIO(), width=100)
    console.print(_render(Watched(run, PLAN)))
    shown = console.file.getvalue()
    assert all(name in shown for name in TABLE)
    assert "the loss is nan" in shown
    assert "run monday" in shown
