"""What is kept with a version, and read again."""

import tempfile

import pytest
from changes import judged

from videmo.evaluation.predictions import Prediction
from videmo.registry.version_artifacts import artifact, keep_answers, kept_answers, kept_verdict, newest_verdict

ANSWERS = (Prediction("1", "age", "c", "p", "How old?", "young", "old", "c.mp4"),)


@pytest.fixture
def version(versions):
    judged(versions, 1)
    keep_answers(versions, versions.get_model_version("videmo", "1"), "d1", ANSWERS)
    return versions.get_model_version("videmo", "1")


def test_what_was_kept_is_read_again_and_nothing_is_left_behind(versions, version, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    assert kept_answers(versions, version, "d1") == ANSWERS
    assert kept_answers(versions, version, "d2") is None
    assert newest_verdict(versions, version).reason == "better"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_was_lost_or_damaged_counts_as_not_kept(versions, version, tmp_path):
    stored = tmp_path / "mlflow" / "artifacts" / version.run_id / "artifacts"
    (answers,) = stored.glob("predictions/*")
    answers.write_text(answers.read_text() + '{"id": "2", "part"')
    assert kept_answers(versions, version, "d1") is None
    answers.unlink()
    assert kept_answers(versions, version, "d1") is None
    (verdict,) = stored.glob("verdicts/*")
    assert kept_verdict(versions, version, f"verdicts/{verdict.name}").passed
    verdict.unlink()
    assert newest_verdict(versions, version) is None
    assert artifact(versions, version, "model_card.md", str) is None
