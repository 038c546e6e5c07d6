"""The smoke run, and what a second, a changed, a failing, a stopped and a killed run make of its store."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import yaml
from mlflow import MlflowClient
from smoke_run import ROOT, SMOKE, Home

from videmo.pipeline.dag import TABLE
from videmo.settings.params import check_params, load_params
from videmo.stages.report import StageReport

FULL = [name for name, stage in TABLE.items() if not stage.optional]
MADE_ANEW = ("gate", "promotion", "report")  # by every run
MODELS = ["base", "sft_attribute", "sft_expression", "sft_emotion", "rl", "rl_reasoning"]
TASKS = {"appearance", "action", "face_identity", "head_pose", "open_attribute", "emotion", "sentiment",
         "affective_cues", "complex_scenario", "label_overlap", "clue_overlap", "instruction_adherence",
         "response_accuracy", "video_text_relevance", "fluency"}  # fmt: skip


def steps(home: Home, run: str) -> dict[str, dict]:
    records = (home.path / "runs" / run / "steps" / f"{stage}.json" for stage in TABLE)
    return {path.stem: json.loads(path.read_text()) for path in records if path.exists()}


def outputs_of(home: Home, run: str, stage: str) -> Path:
    return Path(steps(home, run)[stage]["output"])


def plan(home: Home, *more: str) -> dict[str, str]:
    lines = home.kfp(*SMOKE, "--plan", *more).stdout.splitlines()[:-1]
    return {line.split()[0]: " ".join(line.split()[2:]) for line in lines}


def test_the_smoke_run_ends_with_scores_a_verdict_and_a_report(home, smoke):
    assert smoke.returncode == 0, smoke.stdout + smoke.stderr
    lines = smoke.stdout.splitlines()
    assert [line.split()[0] for line in lines[-8:-2]] == MODELS
    assert lines[-2].startswith("verdict: ")
    assert lines[-1].startswith("report: ")
    assert (home.path / "runs" / "latest").resolve() == home.path / "runs" / "smoke"
    assert {name: step["status"] for name, step in steps(home, "smoke").items()} == dict.fromkeys(FULL, "succeeded")


def test_the_runs_folder_holds_what_the_readme_says(home, smoke):
    folder = home.path / "runs" / "smoke"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert list(metrics["face15"]) == list(metrics["tables"]) == list(metrics["mean15"]) == MODELS
    assert all(set(tasks) == TASKS for tasks in metrics["face15"].values())
    assert all(set(tables) == {"attribute", "expression", "understanding"} for tables in metrics["tables"].values())
    assert set(metrics["seconds"]) == {*FULL} - {"report"}
    assert isinstance(metrics["quarantined"], list)
    assert "<html" in (folder / "report.html").read_text()
    assert check_params(yaml.safe_load((folder / "params.yaml").read_text())) == load_params(ROOT / "params/smoke.yaml")
    assert {path.stem for path in (folder / "logs").glob("*.log")} >= {*FULL, "pipeline"}


def test_the_registry_keeps_what_the_run_came_to(home, smoke):
    client = MlflowClient(f"sqlite:///{home.path / 'mlflow' / 'mlflow.db'}")
    (run,) = client.search_runs(
        [client.get_experiment_by_name("videmo").experiment_id],
        "tags.`videmo.kind` = 'pipeline' and tags.`videmo.run` = 'smoke'",
    )
    kept = {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
    assert {"report.html", "metrics.json", "verdict.json"} <= kept
    shown = home.call("videmo", "registry", "history", "--params", "params/smoke.yaml")
    assert "- -> 1" in shown.stdout


def test_a_second_run_finds_everything_in_the_store(home, smoke):
    before = home.outputs()
    again = home.kfp(*SMOKE, "--name", "again")
    assert again.returncode == 0, again.stdout
    assert all(step["cached"] for name, step in steps(home, "again").items() if name not in MADE_ANEW)
    assert home.outputs() == before
    first, second = (json.loads((home.path / f"runs/{run}/metrics.json").read_text()) for run in ("smoke", "again"))
    assert first["face15"] == second["face15"]
    runs = set((home.path / "runs").iterdir())
    third = home.kfp(*SMOKE)
    assert third.returncode == 0
    assert third.stdout.startswith("nothing to do: every step is in the store, and the registry is as run again left")
    assert "runs/again/report.html" in third.stdout
    assert set((home.path / "runs").iterdir()) == runs


def test_a_changed_setting_would_rerun_what_depends_on_it_and_the_plan_says_why(home, smoke):
    changed = plan(home, "--set", "reasoning.candidates=3")
    assert changed.pop("answers_rl_reasoning") == "run params changed: reasoning.candidates 2 -> 3"
    assert changed.pop("face15_eval") == "run input changed: answers_rl_reasoning"
    assert {changed.pop(step) for step in MADE_ANEW} == {"run never taken from the store"}
    assert set(changed.values()) == {"cached"}


def test_a_failing_step_is_told_in_one_line_and_the_report_is_still_written(home, smoke):
    ended = home.kfp(*SMOKE, "--name", "failing", "--set", "validation.min_clips=1000")
    assert ended.returncode == 1
    assert "data_validation failed: " in ended.stdout
    assert "min_clips" in ended.stdout
    assert (home.path / "runs/failing/logs/data_validation.log").is_file()
    assert (home.path / "runs/failing/report.html").is_file()
    assert set(steps(home, "failing")) == {"data_build", "data_validation", "report"}
    assert not [
        output for output in home.outputs() if output.name == steps(home, "failing")["data_validation"]["digest"]
    ]


def begun(home: Home, stage: str, run: str, *settings: str) -> subprocess.Popen:
    """A run that has begun to work on `stage`."""
    command = ["kfp", *SMOKE, "--name", run, *(part for setting in settings for part in ("--set", setting))]
    process = subprocess.Popen(
        command,
        env=home.environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that are started in the background are started deaf to it, and would hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 300
    while not list((home.path / "store" / stage).glob("*.partial/metrics.jsonl")):
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def test_an_interrupted_run_ends_its_children_and_says_how_to_go_on(home, smoke):
    process = begun(home, "sft_attribute", "stopped", "sft.seed=1")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "stopped; run the same command again to continue from the last checkpoint"
    step = steps(home, "stopped")["sft_attribute"]
    assert (step["status"], step["error"] is None) == ("failed", False)
    assert not group_members(process.pid)


def test_a_killed_run_leaves_nothing_that_looks_complete_and_goes_on_where_it_was(home, smoke):
    before = home.outputs()
    process = begun(home, "tree_rl", "killed", "rl.steps=3")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert home.outputs() == before
    assert plan(home, "--set", "rl.steps=3")["tree_rl"].endswith("; resumes")
    ended = home.call("videmo", "stage", "tree_rl", "--params", "params/smoke.yaml", "--set", "rl.steps=3")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    output = (home.outputs() - before).pop()
    rows = [json.loads(row) for row in (output / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert StageReport.read(output).config["rl"]["steps"] == 3


def group_members(group: int) -> list[int]:
    import psutil

    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return members


def test_the_smoke_run_measures_every_column(home, smoke):
    scores = json.loads((outputs_of(home, "smoke", "face15_eval") / "scores.json").read_text())
    assert {len(found["column"]) for found in scores["models"].values()} == {33}
