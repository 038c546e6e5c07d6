"""What stage.json says of a complete output."""

import json

import pytest

from videmo.stages.report import StageReport


def test_a_report_is_read_back_as_it_was_written(tmp_path):
    report = StageReport("rl", "abc", tmp_path, {"loss": 0.5}, 1.5, {"rl": {"steps": 3}}, {"sft": "def"}, {"a.py": "1"})
    (tmp_path / "stage.json").write_text(json.dumps(report.to_json()))
    assert StageReport.read(tmp_path) == report


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "{}", '{"code_digest": "", "mood": 1}', "\ud800"])
def test_a_damaged_report_is_named_with_what_to_remove(tmp_path, text):
    (tmp_path / "stage.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=f"{tmp_path}.*remove {tmp_path}"):
        StageReport.read(tmp_path)


def test_a_directory_without_one_is_no_complete_output(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"it has no stage\.json"):
        StageReport.read(tmp_path)


def test_every_metric_is_handed_to_the_pipeline(tmp_path):
    class Metrics(dict):
        log_metric = dict.__setitem__

    handed = Metrics()
    StageReport("rl", "abc", tmp_path, {"loss": 0.5, "steps": 3.0}, 1.5).log_to(handed)
    assert handed == {"loss": 0.5, "steps": 3.0}
