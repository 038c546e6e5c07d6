"""The table, the plan, and the doors held against the table."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from default_settings import params_with

from videmo.evaluation.evaluate import MODELS
from videmo.pipeline.dag import STAGES, TABLE, output_of, plan
from videmo.settings.errors import SettingError
from videmo.settings.params import load_params
from videmo.stages.content import path_digest
from videmo.stages.digest import code_read_once
from videmo.stages.external_inputs import check_outside
from videmo.stages.report import StageReport
from videmo.stages.work import stage_directory

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def code_that_stays():
    with code_read_once():
        yield


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))


def complete(stage_name: str, params, **metrics: float) -> StageReport:
    """Put an output of a stage into the store, as its run would."""
    digests = {step.stage: step.digest for step in plan(params)}
    stage = TABLE[stage_name]
    inputs = {name: output_of(name, digests[name]) for name in stage.inputs}
    output = output_of(stage_name, digests[stage_name])
    with stage_directory(output, stage.module, stage.settings_of(params), inputs) as work:
        return work.finish(metrics)


def reasons(params) -> dict[str, str]:
    return {step.stage: step.reason for step in plan(params)}


def test_inputs_and_predecessors_come_earlier_in_the_table():
    seen: set[str] = set()
    for stage in STAGES:
        assert {*stage.inputs, *stage.after} <= seen
        seen.add(stage.name)


def test_every_stage_is_a_function_with_the_arguments_that_the_table_gives_it():
    from importlib import import_module
    from inspect import signature

    for stage in (stage for stage in STAGES if not stage.concludes):
        names = list(signature(import_module(stage.module).run).parameters)
        assert names == ["params", "inputs", "output", *stage.arguments]


def test_the_digest_of_a_stage_in_the_plan_is_the_one_it_has_once_it_has_run():
    params = params_with({})
    report = complete("data_build", params)
    step = plan(params)[0]
    assert (step.digest, step.cached, step.reason) == (report.digest, True, "cached")


def test_what_depends_on_the_moment_is_planned_whatever_the_store_has():
    params = params_with({})
    for stage in TABLE:
        complete(stage, params)
    assert {step.stage for step in plan(params) if not step.cached} == {"drift", "gate", "promotion", "report"}
    assert reasons(params)["gate"] == "never taken from the store"


def test_a_setting_changes_the_stages_that_read_it_and_those_that_follow():
    def changed(**sections):
        before, after = plan(params_with({})), plan(params_with(sections))
        return [old.stage for old, new in zip(before, after, strict=True) if old.digest != new.digest]

    assert changed(promotion={"min_gain": 1.0}) == ["gate", "promotion", "report"]
    assert changed(validation={"min_clips": 9}) == ["data_validation"]
    judged = ["face15_eval", "gate", "promotion"]
    after_rl = ["answers_rl", "answers_rl_reasoning", *judged]
    assert changed(rl={"steps": 3}) == ["tree_rl", *after_rl]
    assert changed(sft={"emotion": {"epochs": 1}}) == ["sft_emotion", "tree_rl", "answers_sft_emotion", *after_rl]
    assert changed(reasoning={"candidates": 3}) == ["answers_rl_reasoning", *judged]
    answers = [f"answers_{model}" for model in MODELS]
    assert changed(evaluation={"max_new_tokens": 3}) == [*answers, *judged, "report"]
    assert changed(execution={"workers": 3, "answer_batch": 3, "endpoint": {"retries": 1}}) == []
    assert changed(data={"seed": 7}) == [stage.name for stage in STAGES if stage.name != "report"]


@pytest.mark.parametrize(
    ("sections", "rerun"),
    [
        ({"evaluation": {"judge": "endpoint", "endpoint": {"url": "http://h/v1", "model": "m"}}}, {"face15_eval"}),
        ({"evaluation": {"resamples": 5}}, {"face15_eval"}),
        ({"promotion": {"task_tolerance": 9.0}}, set()),
        ({"promotion": {"min_gain": 1.0}}, set()),
    ],
)
def test_another_judge_other_resamples_or_another_tolerance_ask_no_model_again(sections, rerun):
    before, after = plan(params_with({})), plan(params_with(sections))
    assert {old.stage for old, new in zip(before, after, strict=True) if old.digest != new.digest} == {
        *rerun, "gate", "promotion", "report"
    }  # fmt: skip


def test_the_code_that_scores_is_no_part_of_the_digest_of_answers():
    from videmo.stages.digest import code_of

    code = code_of(TABLE["answers_rl_reasoning"].module).files
    judging = ("evaluate", "judge", "statistics", "evidence", "results", "report")
    assert not {f"videmo/evaluation/{name}.py" for name in judging} & set(code)
    assert "videmo/generation/hf.py" not in code_of(TABLE["face15_eval"].module).files


def test_the_plan_says_why_a_stage_would_run():
    params = params_with({"data": {"seed": 1}})
    assert reasons(params)["data_build"] == "never run"
    complete("data_build", params)
    complete("data_validation", params)
    assert reasons(params)["data_validation"] == "cached"
    other = reasons(params_with({"data": {"seed": 2}, "validation": {"min_clips": 9}}))
    assert other["data_build"] == "params changed: data.seed 1 -> 2"
    assert other["data_validation"] == "input changed: data_build; params changed: validation.min_clips 8 -> 9"


def test_the_plan_names_the_file_whose_edit_reruns_a_stage():
    params = params_with({})
    report = complete("data_build", params)
    before = replace(report, code={**report.code, "videmo/data/build.py": "0"})
    report.output.rename(report.output.with_name("0123456789abcdef"))
    (report.output.with_name("0123456789abcdef") / "stage.json").write_text(before.text())
    assert reasons(params)["data_build"] == "code changed: videmo/data/build.py"


def test_an_unfinished_output_is_said_to_resume():
    params = params_with({})
    output_of("data_build", plan(params)[0].digest + ".partial").mkdir(parents=True)
    assert reasons(params)["data_build"] == "never run; resumes"


def test_the_content_of_a_folder_of_videos_enters_the_digest_of_the_data(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "labels.csv").write_text("file\n")
    params = params_with({"data": {"source": "folder", "path": str(tmp_path / "videos")}})
    before = complete("data_build", params).digest
    (tmp_path / "videos" / "a.mp4").write_bytes(b"1")
    step = plan(params)[0]
    assert step.digest != before
    assert step.reason == "input changed: data.path"


def test_a_stage_at_work_bears_the_digest_that_the_plan_names_with_what_lies_outside_the_store(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "labels.csv").write_text("file\n")
    params = params_with({"data": {"source": "folder", "path": str(tmp_path / "videos")}})
    stage, planned = TABLE["data_build"], plan(params)[0]
    with stage_directory(output_of("data_build", planned.digest), stage.module, stage.settings_of(params), {}) as work:
        report = work.finish()
    assert report.digest == planned.digest
    assert report.inputs == {"data.path": path_digest(tmp_path / "videos")}
    assert plan(params)[0].cached


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": {"source": "folder", "path": "nowhere"}}, "data.path = nowhere: no such directory"),
        ({"data": {"source": "folder", "path": "."}}, "data.labels = labels.csv: no such file"),
        ({"backbone": {"name": "tiyn"}}, "backbone.name = tiyn: use tiny"),
        ({"backbone": {"name": "/no/such/weights"}}, "backbone.name = /no/such/weights"),
    ],
)
def test_what_settings_point_at_has_to_be_there(settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError, match=re.escape(message)):
        check_outside(params_with(settings))


def test_dvc_yaml_has_the_stages_inputs_and_settings_of_the_table():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    rows = {name: stage for name, stage in TABLE.items() if not stage.optional}
    assert list(stages) == ["plan", *rows]
    assert [next(iter(out)) for out in stages["plan"]["outs"]] == [f"outputs/digests/{name}.txt" for name in rows]
    assert stages["report"]["cmd"] == "videmo report dvc"
    every = load_params(ROOT / "params.yaml")
    for name, stage in rows.items():
        row = stages[name]
        if stage.concludes:
            continue
        assert row["cmd"] == f"videmo stage {name} --run dvc --to outputs"
        assert row["deps"] == [
            f"outputs/digests/{name}.txt",
            *(f"outputs/{source}" for source in stage.inputs),
            *(f"outputs/done/{before}.txt" for before in stage.after),
        ]
        assert set(flat(row["params"], every)) == set(leaves(stage.settings_of(every).by_section()))
        kept = [next(iter(out)) for out in (*row["outs"], *row.get("metrics", ())) if isinstance(out, dict)]
        assert f"outputs/metrics/{name}.json" in kept
    shown = [next(iter(metric)) for metric in stages["face15_eval"]["metrics"]]
    assert shown == [f"outputs/scores/{model}.json" for model in MODELS]


def leaves(sections, prefix="") -> Iterator[str]:
    for name, value in sections.items():
        nested = isinstance(value, dict) and value
        yield from leaves(value, f"{prefix}{name}.") if nested else (f"{prefix}{name}",)


def flat(names, params) -> list[str]:
    """The settings that names of sections, of parts of sections and of settings stand for."""
    found = []
    for name in names:
        value = params
        for part in name.split("."):
            value = getattr(value, part)
        fields = type(value).model_fields if hasattr(type(value), "model_fields") else ()
        found += flat([f"{name}.{field}" for field in fields], params) if fields else [name]
    return found
