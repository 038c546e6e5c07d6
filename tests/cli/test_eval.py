"""`videmo eval` and `videmo score`, as a user types them."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from videmo.backbone.weights_check import TINY
from videmo.cli.main import app
from videmo.data.shards import open_dataset
from videmo.settings.errors import SettingError
from videmo.stages.report import StageReport

FEW = ("--set", "evaluation.max_clips=1", "--set", "evaluation.max_new_tokens=4", "--set", "evaluation.resamples=50")


@pytest.fixture(scope="module")
def home(tmp_path_factory, one_thread):
    path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDEMO_HOME", str(path))
        yield path


def videmo(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture(scope="module")
def evaluated(home, built_data):
    out = home / "out"
    return videmo("eval", "--model", "tiny", "--data", built_data, "--output", out, *FEW), out


def test_a_model_is_evaluated_without_a_pipeline(evaluated, built_data):
    shown, out = evaluated
    assert shown.exit_code == 0
    assert "mean of 14 tasks" in shown.stdout  # the one clip has no other beside it to tell people apart
    scores = json.loads((out / "scores.json").read_text())
    assert (scores["judge"], scores["clips"]) == ("rules", 1)
    assert len((out / "predictions.jsonl").read_text().splitlines()) == scores["samples"]
    assert f"not readable, and scored 0 by rules: {scores['unread']['trees'][0]} of 5 trees" in shown.stdout
    page = (out / "report.html").read_text()
    for section in ("tasks", "columns", "choices", "trees"):
        assert f'<section id="{section}">' in page
    assert "What each step adds" not in page


def test_the_same_evaluation_again_asks_nothing(evaluated, home, built_data):
    stored = sorted((home / "store" / "answers_base").glob("*/stage.json"))
    times = [path.stat().st_mtime_ns for path in stored]
    again = videmo("eval", "--model", "tiny", "--data", built_data, *FEW)
    assert again.stdout == evaluated[0].stdout.rpartition("report:")[0]
    assert [path.stat().st_mtime_ns for path in sorted((home / "store" / "answers_base").glob("*/stage.json"))] == times


def test_answers_in_a_file_score_what_the_evaluation_said(evaluated, built_data, tmp_path):
    shown, out = evaluated
    again = videmo("score", out / "predictions.jsonl", "--data", built_data, "--output", tmp_path, *FEW)
    assert again.stdout.splitlines()[1:-1] == shown.stdout.splitlines()[1:-2]
    found, expected = (json.loads((folder / "scores.json").read_text()) for folder in (tmp_path, out))
    assert list(found["models"].values()) == list(expected["models"].values())
    assert found["faults"] == {"missing": 0, "repeated": 0, "extra": 0, "bad_lines": 0}


def test_what_is_missing_from_a_file_is_counted(evaluated, built_data, tmp_path):
    lines = (evaluated[1] / "predictions.jsonl").read_text().splitlines()
    (tmp_path / "few.jsonl").write_text("\n".join([*lines[2:], "{oops"]))
    shown = videmo("score", tmp_path / "few.jsonl", "--data", built_data, *FEW)
    assert "note: 2 unanswered samples, which score 0: faces-" in shown.stderr
    assert f"note: 1 unreadable lines: line {len(lines) - 1} (JSONDecodeError" in shown.stderr


@pytest.fixture
def folder(built_data, tmp_path):
    """One labelled video."""
    clip = next(clip for clip in open_dataset(built_data).clips.values() if clip.split == "train")
    shutil.copy(built_data / clip.video, tmp_path / "a.mp4")
    (tmp_path / "labels.csv").write_text("file,emotion_mead\na.mp4,weak happy\n")
    return tmp_path


def test_all_clips_of_a_folder_are_asked_about(home, folder):
    assert "1 questions about 1 clips" in videmo("eval", "--model", "tiny", "--data", folder, *FEW).stdout


@pytest.mark.parametrize(
    ("model", "data", "said"),
    [
        ("tiny", "nowhere", "--data nowhere: no such directory"),
        ("tiny", "{checkpoint}", "--data .*: an output of tree_rl; use data_build's"),
        ("nowhere", "{data}", "--model = nowhere: use tiny"),
        ("models:/nobody@champion", "{data}", "models:/nobody@champion"),
    ],
)
def test_what_is_not_there_is_refused_by_name(home, built_data, tmp_path, model, data, said):
    report = StageReport("tree_rl", "digest", tmp_path, {}, 1.0)
    (tmp_path / "stage.json").write_text(json.dumps(report.to_json()))
    with pytest.raises(SettingError, match=said):
        videmo("eval", "--model", model, "--data", data.format(data=built_data, checkpoint=tmp_path), *FEW)


def test_the_backbone_of_the_settings_is_no_matter_where_another_model_answers(evaluated, built_data, folder):
    other = ("--set", "backbone.name=nobody/has-this-model")
    assert videmo("score", evaluated[1] / "predictions.jsonl", "--data", built_data, *FEW, *other).exit_code == 0
    assert videmo("eval", "--model", "tiny", "--data", folder, *FEW, *other).exit_code == 0


def test_what_knows_policies_alone_does_not_ask_another_model(home, built_data, tmp_path):
    other = shutil.copytree(TINY, tmp_path / "other")
    (other / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(SettingError, match=r"sampler = vllm: .* is a model of another family; set it to hf"):
        videmo("eval", "--model", other, "--data", built_data, "--set", "evaluation.sampler=vllm", *FEW)


def test_a_file_that_is_not_there_is_refused(built_data):
    with pytest.raises(SettingError, match="no such file"):
        videmo("score", "nothing.jsonl", "--data", built_data)


def test_a_judge_that_cannot_be_reached_is_told_in_a_line(evaluated, built_data):
    judge = ("--set", "evaluation.judge=endpoint", "--set",
             "evaluation.endpoint={url: 'http://localhost:9/v1', model: m}",
             "--set", "execution.endpoint.retries=0")  # fmt: skip
    with pytest.raises(SettingError, match="localhost"):
        videmo("score", evaluated[1] / "predictions.jsonl", "--data", built_data, *FEW, *judge)
