"""videmo registry on registries that somebody has changed, and what it prints of versions side by side."""

import json

import pytest
from changes import gate, judged
from evaluated_models import promoted
from typer.testing import CliRunner

from videmo.cli.main import app
from videmo.registry.champion import _append
from videmo.registry.history import Change
from videmo.settings.errors import SettingError


def videmo(*arguments):
    """What a command prints, and what it notes beside that."""
    result = CliRunner().invoke(app, ["registry", *arguments, "--set", "promotion.model_name=videmo"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout, result.stderr


def refused(*arguments):
    with pytest.raises(SettingError) as told:
        videmo(*arguments)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_show_prints_the_card_and_compare_every_task_with_both_figures_and_the_gain(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    promoted(evaluated("b", 0.9), tmp_path, "b")
    assert videmo("show")[0].startswith("# videmo, version 2")
    assert "(entry 3, rollback)" in videmo("rollback")[0]
    head, mean, *tasks = videmo("compare", "champion", "challenger", "--set", "evaluation.resamples=200")[
        0
    ].splitlines()
    assert head.startswith("version 2 - version 1: ")
    assert head.endswith("judge rules")
    before, after, gain, interval = mean.removeprefix("mean of the tasks").split(maxsplit=3)
    assert float(gain) == pytest.approx(float(after) - float(before), abs=0.11)
    assert interval.startswith("[+")
    assert len(tasks) == 15


def test_the_history_marks_what_has_no_effect_and_notes_what_somebody_changed(versions):
    gate(versions, 1, after=0)
    gate(versions, 2, after=1)
    _append(versions, "videmo", Change("3", "gate", 1, "too late"), "1", "another")
    versions.set_registered_model_alias("videmo", "champion", "1")
    told, noted = videmo("history")
    assert [line.split(": ", 1)[1] for line in told.splitlines()] == [
        "better",
        "better",
        "WITHOUT EFFECT, another came first: too late",
    ]
    assert noted.startswith("note: the alias champion is on version 1, the history says version 2")


def test_without_a_champion_show_says_that_nobody_was_promoted(versions):
    assert "nobody has been promoted yet" in refused("show")


def test_a_verdict_that_is_lost_does_not_end_the_list(versions, tmp_path):
    judged(versions, 1)
    judged(versions, 2, challenger_mean15=[50.0, 45.0, 55.0])
    run = versions.get_model_version("videmo", "1").run_id
    (verdict,) = (tmp_path / "mlflow" / "artifacts" / run / "artifacts" / "verdicts").iterdir()
    verdict.unlink()
    rows = {row["version"]: row for row in json.loads(videmo("list", "--json")[0])}
    assert (rows["1"]["passed"], rows["2"]["passed"]) == (None, True)


def test_where_the_champion_was_deleted_every_command_still_answers(registry, tmp_path):
    registry.create_registered_model("videmo")
    registry.create_model_version("videmo", tmp_path.as_uri())
    gate(registry, 1, after=0)
    registry.delete_model_version("videmo", "1")
    assert "gate" in videmo("history")[0]
    told, noted = videmo("list")
    assert told == "no version is left\n"
    assert "the history says version 1" in noted
    assert "champion, version 1: no such version of videmo; there are none" in refused("show")
    assert "no earlier champion to go back to; videmo registry promote" in refused("rollback")


def test_a_server_that_cannot_be_reached_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@localhost:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    told = refused("list")
    assert told.startswith("http://localhost:9: ")
    assert "s3cret" not in told


def test_a_file_that_is_no_database_is_told_in_a_line(tmp_path, monkeypatch):
    (tmp_path / "mlflow.db").write_text("not a database" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert "file is not a database" in refused("list")
