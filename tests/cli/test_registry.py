"""videmo registry, on a real registry."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from videmo.cli.main import app
from videmo.registry.champion import promote
from videmo.registry.gate import Verdict
from videmo.registry.history import Change
from videmo.registry.tracking import connect, experiment_id
from videmo.registry.version_artifacts import keep_verdict
from videmo.settings.errors import SettingError

PASSED = Verdict(True, "better", "base model", judge="rules", challenger_mean15=[50.0, 45.0, 55.0])


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    path = tmp_path_factory.mktemp("params") / "params.yaml"
    path.write_text("promotion: {model_name: videmo}\n")
    return path


@pytest.fixture(scope="module")
def registered(tmp_path_factory, empty_registry):
    """A registry with two versions, the first of which is champion."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("MLFLOW_TRACKING_URI", raising=False)
        environment.setenv("VIDEMO_HOME", str(home))
        (home / "mlflow").mkdir()
        shutil.copy(empty_registry, home / "mlflow")
        client = connect()
        client.create_registered_model("videmo")
        client.create_registered_model("empty")
        for _ in range(2):
            run = client.create_run(experiment_id(client)).info.run_id
            version = client.create_model_version("videmo", home.as_uri(), run_id=run, tags={"videmo.run": "monday"})
            keep_verdict(client, version, PASSED)
        promote(client, "videmo", Change("1", "gate", 0, "better"))
        yield client


@pytest.fixture
def videmo(params):
    def call(command, *arguments):
        result = CliRunner().invoke(app, ["registry", command, *arguments, "--params", str(params)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.stdout

    return call


def test_without_a_registry_the_commands_say_so_and_make_none(videmo, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "none"))
    with pytest.raises(SettingError, match="no registry yet; a run creates one"):
        videmo("list")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "7"], "7: no such version of videmo; there are 2, 1"),
        (["show", "challenger"], "challenger: no such version"),
        (["show", "1"], "has no model card"),
        (["rollback"], "no earlier champion"),
        (["rollback", "2"], "version 2, was never champion"),
        (["promote", "2", "--reason", ""], "--reason is empty"),
        (["promote", "2", "--reason", "x"], "version 1 is champion now"),
        (["compare", "1", "2"], "no answers kept"),
        (["list", "--set", "promotion.model_name=empty"], "no version is registered"),
        (["history", "--set", "promotion.model_name=nobody's"], "promotion.model_name"),
        (
            ["list", "--set", "promotion.model_name=videmo-history"],
            "names in -history are for the log",
        ),
    ],
)
def test_what_cannot_be_is_told_in_one_line(registered, videmo, arguments, message):
    with pytest.raises(SettingError) as told:
        videmo(*arguments)
    assert message in str(told.value)
    assert "\n" not in str(told.value)


def test_a_promotion_and_the_way_back_show_in_list_and_history(registered, videmo):
    assert "version 2 is champion now (entry 2, forced)" in videmo("promote", "2", "--reason", "a demo", "--force")
    assert "version 1 is champion now (entry 3, rollback)" in videmo("rollback", "--reason", "it stares")
    rows = json.loads(videmo("history", "--json"))
    assert [(row["before"], row["version"], row["kind"], row["counts"]) for row in rows] == [
        ("", "1", "gate", True),
        ("1", "2", "forced", True),
        ("2", "1", "rollback", True),
    ]
    assert "2 -> 1" in videmo("history")
    assert "a demo" in videmo("history")
    listed = json.loads(videmo("list", "--json"))
    assert [(row["version"], row["names"], row["mean15"][0]) for row in listed] == [
        ("2", [], 50),
        ("1", ["champion"], 50),
    ]
    assert "50.0 [45.0, 55.0] rules" in videmo("list")
