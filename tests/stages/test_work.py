"""Stages at work: outputs that appear whole or not at all."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from default_settings import execution_settings, params_with

from videmo.settings.params import Params
from videmo.settings.sections import SftSettings, TreeRlSettings
from videmo.settings.sft import Curriculum
from videmo.stages.content import file_digest
from videmo.stages.digest import code_of, stage_digest
from videmo.stages.report import StageReport, faults, read_manifest
from videmo.stages.store import partial_of
from videmo.stages.work import stage_directory

MODULE = "videmo.tree.distance"


def seen(params: Params | None = None) -> TreeRlSettings:
    return TreeRlSettings.of(params or params_with(), "tree_rl")


def finished(output: Path, params: Params | None = None, metrics: dict[str, float] | None = None) -> StageReport:
    with stage_directory(output, MODULE, seen(params), {}) as work:
        (work.path / "weights.bin").write_bytes(b"w" * 100)
        return work.finish(metrics or {"loss": 0.5})


def interrupted(output: Path, params: Params, error: BaseException, found: list[list[str]] | None = None) -> None:
    """A stage that notes what it finds in its directory, leaves a checkpoint and fails."""
    with stage_directory(output, MODULE, seen(params), {}) as work:
        if found is not None:
            found.append([path.name for path in work.path.iterdir() if path.name != ".digest"])
        (work.path / "checkpoint").write_text("x")
        raise error


def test_an_output_appears_only_when_the_stage_has_finished(tmp_path):
    output = tmp_path / "store" / "out"
    with stage_directory(output, MODULE, seen(), {}) as work:
        (work.path / "half").write_text("half")
        assert not output.exists()
        work.finish()
    assert (output / "half").read_text() == "half"
    assert not partial_of(output).exists()


def test_stage_json_holds_the_digest_the_settings_and_the_sha256_of_every_file(tmp_path):
    report = finished(tmp_path / "out", metrics={"loss": 1})
    stored = json.loads((tmp_path / "out" / "stage.json").read_text())
    assert stored["digest"] == stage_digest(code_of(MODULE), seen().by_section(), {}) == report.digest
    assert stored["files"] == {"weights.bin": file_digest(tmp_path / "out" / "weights.bin")}
    assert stored["config"]["rl"]["steps"] == params_with().rl.steps
    assert stored["execution"]["zero_stage"] == 0
    assert stored["metrics"] == {"loss": 1.0}
    assert StageReport.read(tmp_path / "out") == report


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (lambda output: None, []),
        (lambda output: (output / "a.txt").unlink(), ["a.txt"]),
        (lambda output: (output / "a.txt").write_text("sh"), ["a.txt"]),
        (lambda output: (output / "stage.json").unlink(), ["stage.json"]),
        (lambda output: (output / "stage.json").write_text('{"stage": '), ["stage.json"]),
        (lambda output: (output / "stage.json").write_text("[]"), ["stage.json"]),
    ],
    ids=["none", "missing", "shorter", "no report", "half a report", "another report"],
)
def test_an_output_tells_which_of_its_files_were_harmed(tmp_path, harm, found):
    with stage_directory(tmp_path / "out", MODULE, seen(), {}) as work:
        (work.path / "a.txt").write_text("short")
        work.finish()
    harm(tmp_path / "out")
    assert faults(tmp_path / "out") == found


def test_a_failed_stage_leaves_only_its_partial_directory(tmp_path):
    with pytest.raises(OSError, match="No space left"):
        interrupted(tmp_path / "out", params_with(), OSError(28, "No space left on device"))
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "out.partial" / "checkpoint").exists()


def test_a_stage_that_forgets_to_finish_is_an_error(tmp_path):
    with (
        pytest.raises(RuntimeError, match="ended without"),
        stage_directory(tmp_path / "o", MODULE, seen(), {}),
    ):
        pass


def test_what_a_killed_run_left_is_kept_for_the_same_digest_and_emptied_for_another(tmp_path):
    found = []
    for params in (params_with(), params_with(), params_with({"rl": {"steps": 3}})):
        with pytest.raises(KeyboardInterrupt):
            interrupted(tmp_path / "out", params, KeyboardInterrupt(), found)
    assert found == [[], ["checkpoint"], []]


def test_a_complete_output_is_not_written_over(tmp_path):
    finished(tmp_path / "out")
    with pytest.raises(FileExistsError, match="complete already"):
        finished(tmp_path / "out")


def test_rows_after_the_checkpoint_and_a_torn_last_row_are_dropped_on_resume(tmp_path):
    with stage_directory(tmp_path / "out", MODULE, seen(), {}) as work:
        for step in range(1, 5):
            work.log(step, loss=1 / step, gradient=float("nan"))
        with (work.path / "metrics.jsonl").open("a") as rows:
            rows.write('{"step": 5, "lo')
        work.rewind(3)
        work.log(4, loss=0.0)
        work.finish()
    rows = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["gradient"] is None


def test_a_metric_that_is_not_a_number_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="accuracy is nan"):
        finished(tmp_path / "out", metrics={"accuracy": float("nan")})
    assert not (tmp_path / "out").exists()


def test_inputs_must_be_complete_outputs(tmp_path):
    (tmp_path / "data").mkdir()
    with (
        pytest.raises(FileNotFoundError, match="not the complete output"),
        stage_directory(tmp_path / "out", MODULE, seen(), {"data_build": tmp_path / "data"}),
    ):
        pass


def test_a_manifest_leads_to_the_output_and_refuses_another_one_in_its_place(tmp_path):
    report = finished(tmp_path / "out")
    report.write_manifest(str(tmp_path / "manifest"))
    assert read_manifest(str(tmp_path / "manifest")) == tmp_path / "out"
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(ValueError, match=report.digest):
        read_manifest(str(tmp_path / "manifest"))
    finished(tmp_path / "out", metrics={"loss": 0.7})
    with pytest.raises(ValueError, match="is not the tree_rl"):
        read_manifest(str(tmp_path / "manifest"))


def _slow_stage(output: Path, seconds: float) -> None:
    try:
        with stage_directory(output, MODULE, seen(), {}) as work:
            (work.path / "pid").write_text(str(os.getpid()))
            time.sleep(seconds)
            work.finish()
    except FileExistsError:
        pass


def test_two_processes_that_want_the_same_output_take_turns(tmp_path):
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_slow_stage, args=(tmp_path / "out", 0.5)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert (tmp_path / "out" / "pid").exists()
    assert not partial_of(tmp_path / "out").exists()


def test_a_process_killed_while_it_works_leaves_nothing_that_looks_complete(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from videmo.settings.params import load_params\n"
        "from videmo.settings.sections import TreeRlSettings\n"
        "from videmo.stages.work import stage_directory\n"
        "seen = TreeRlSettings.of(load_params(), 'tree_rl')\n"
        f"with stage_directory(Path(sys.argv[1]), {MODULE!r}, seen, {{}}) as work:\n"
        "    (work.path / 'half').write_text('x'); print('ready', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "out")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out").exists()
    finished(tmp_path / "out")
    assert (tmp_path / "out" / "half").exists()


def test_a_stage_sees_its_own_sections_and_no_others():
    seen = SftSettings.of(params_with(), "sft_emotion", level="emotion")
    assert set(seen.levels) == {"emotion"}
    assert not hasattr(seen, "rl")
    assert not hasattr(seen.sft, "attribute")
    assert set(seen.by_section()) == {"backbone", "sft"}
    assert set(seen.by_section()["sft"]) == {*Curriculum.model_fields, "emotion"}


def test_how_a_stage_is_run_stands_beside_what_its_result_depends_on():
    params = params_with().model_copy(update={"execution": execution_settings(zero_stage=3)})
    assert TreeRlSettings.of(params, "tree_rl").execution.zero_stage == 3
    sections = [TreeRlSettings.of(one, "tree_rl").by_section() for one in (params, params_with())]
    assert sections[0] == sections[1]
