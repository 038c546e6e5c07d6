"""`videmo eval` and `videmo score`, as a user types them."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from videmo.cli import app
from videmo.config import SettingError
from videmo.data.shards import open_dataset

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


def test_the_same_evaluation_again_asks_nothing(evaluated, home, built_data):
    stored = sorted((home / "store" / "face15_answers").glob("*/stage.json"))
    times = [path.stat().st_mtime_ns for path in stored]
    again = videmo("eval", "--model", "tiny", "--data", built_data, *FEW)
    assert again.stdout == evaluated[0].stdout
    assert [
        path.stat().st_mtime_ns for path in sorted((home / "store" / "face15_answers").glob("*/stage.json"))
    ] == times


def test_answers_in_a_file_score_what_the_evaluation_said(evaluated, built_data, tmp_path):
    shown, out = evaluated
    again = videmo("score", out / "predictions.jsonl", "--data", built_data, "--output", tmp_path, *FEW)
    assert again.stdout.splitlines()[1:] == shown.stdout.splitlines()[1:-1]
    assert json.loads((tmp_path / "scores.json").read_text()) == json.loads((out / "scores.json").read_text())


def test_what_is_missing_from_a_file_is_counted(evaluated, built_data, tmp_path):
    lines = (evaluated[1] / "predictions.jsonl").read_text().splitlines()
    (tmp_path / "few.jsonl").write_text("\n".join([*lines[2:], "{oops"]))
    shown = videmo("score", tmp_path / "few.jsonl", "--data", built_data, *FEW)
    assert "2 unanswered samples, which score 0; 1 lines that cannot be read" in shown.stderr


def test_all_clips_of_a_folder_are_asked_about(home, built_data, tmp_path):
    dataset = open_dataset(built_data)
    clip = next(clip for clip in dataset.clips.values() if clip.split == "train")
    shutil.copy(built_data / clip.video, tmp_path / "a.mp4")
    (tmp_path / "labels.csv").write_text("file,emotion_mead\na.mp4,weak happy\n")
    shown = videmo("eval", "--model", "tiny", "--data", tmp_path, *FEW)
    assert "1 questions about 1 clips" in shown.stdout


@pytest.mark.parametrize(
    ("model", "data", "said"),
    [
        ("tiny", "nowhere", "no such directory"),
        ("nowhere", "{data}", "nowhere"),
        ("models:/nobody@champion", "{data}", "models:/nobody@champion"),
    ],
)
def test_what_is_not_there_is_refused_by_name(home, built_data, model, data, said):
    with pytest.raises(SettingError, match=said):
        videmo("eval", "--model", model, "--data", data.format(data=built_data), *FEW)


def test_a_file_that_is_not_there_is_refused(built_data):
    with pytest.raises(SettingError, match="no such file"):
        videmo("score", "nothing.jsonl", "--data", built_data)


def test_a_judge_that_cannot_be_reached_is_told_in_a_line(evaluated, built_data):
    judge = ("--set", "evaluation.judge=endpoint", "--set",
             "evaluation.endpoint={url: 'http://localhost:9/v1', model: m, retries: 0}")  # fmt: skip
    with pytest.raises(SettingError, match="localhost"):
        videmo("score", evaluated[1] / "predictions.jsonl", "--data", built_data, *FEW, *judge)
