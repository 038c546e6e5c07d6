"""`dvc repro` beside `kfp run`: one store, the same digests, the same metrics."""

import json
import shutil
from pathlib import Path

import pytest
from smoke_run import ROOT, Home

from videmo.pipeline.dag import TABLE
from videmo.stages.report import StageReport


@pytest.fixture(scope="module")
def project(tmp_path_factory, home: Home, smoke) -> Path:
    """A repository with the project's DVC files and the settings of the smoke run, reproduced once."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("dvc.yaml", ".dvcignore", ".dvc/config", ".dvc/.gitignore", ".gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(home.path / "runs/smoke/params.yaml", folder / "params.yaml")
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@localhost")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "start")):
        assert home.call(*git, *command, folder=folder).returncode == 0
    ended = home.call("dvc", "repro", folder=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def test_dvc_repro_gives_the_digests_and_metrics_of_the_run(project, home):
    for stage, row in TABLE.items():
        if row.optional or row.concludes:
            continue
        step = json.loads((home.path / f"runs/smoke/steps/{stage}.json").read_text())
        report = StageReport.read(Path(step["output"]))
        assert (project / f"outputs/digests/{stage}.txt").read_text().strip() == step["digest"]
        assert StageReport.read(project / "outputs" / stage).digest == step["digest"]
        if row.reusable:
            assert json.loads((project / f"outputs/metrics/{stage}.json").read_text()) == report.metrics
        cached = json.loads((home.path / f"runs/dvc/steps/{stage}.json").read_text())["cached"]
        assert cached == row.reusable  # the gate asks who is champion now


def test_dvc_shows_metrics_differences_of_settings_and_plots(project, home):
    shown = json.loads(home.call("dvc", "metrics", "show", "--json", folder=project).stdout)[""]["data"]
    assert set(shown["outputs/scores/rl.json"]["data"]) == {"mean15", "attribute", "expression", "understanding"}
    assert len({name for row in shown.values() for name in row["data"]}) < 15  # a table that can be read
    params = project / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace("min_gain: -101.0", "min_gain: 2.5"))
    changes = json.loads(home.call("dvc", "params", "diff", "--json", folder=project).stdout)
    params.write_text(before)
    assert changes == {"params.yaml": {"promotion.min_gain": {"old": -101.0, "new": 2.5, "diff": 103.5}}}
    plots = home.call("dvc", "plots", "show", folder=project)
    assert "could not find" not in plots.stderr + plots.stdout
    page = (project / "dvc_plots/index.html").read_text()
    assert "Loss of the curriculum" in page
    assert "Reward of tree RL" in page


def test_a_second_repro_runs_the_plan_and_nothing_else(project, home):
    said = home.call("dvc", "repro", folder=project).stdout
    assert [line for line in said.splitlines() if line.startswith("Running stage")] == ["Running stage 'plan':"]


def test_a_second_clone_pulls_everything_and_makes_nothing_again(project, home, tmp_path):
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@localhost")
    remote = ("dvc", "remote", "modify", "local", "url", str(tmp_path / "remote"))
    second = tmp_path / "second"
    for command in (remote, (*git, "add", "-A"), (*git, "commit", "-q", "-m", "run"), ("dvc", "push"),
                    ("git", "clone", "-q", str(project), str(second))):  # fmt: skip
        assert home.call(*command, folder=project).returncode == 0, command
    assert home.call("dvc", "pull", folder=second).returncode == 0
    for arguments in (("--dry",), ()):
        repeated = home.call("dvc", "repro", *arguments, folder=second)
        assert repeated.returncode == 0, repeated.stderr
        started = [line for line in repeated.stdout.splitlines() if line.startswith("Running stage")]
        assert started == ["Running stage 'plan':"]
    assert home.call("git", "status", "--short", folder=second).stdout == ""


def test_the_data_set_goes_to_the_remote_and_comes_back(project, home):
    pushed = home.call("dvc", "push", "data_build", folder=project)
    assert pushed.returncode == 0, pushed.stderr
    shutil.rmtree(project / "outputs/data_build")
    shutil.rmtree(project / ".dvc/cache")
    pulled = home.call("dvc", "pull", "data_build", folder=project)
    assert pulled.returncode == 0, pulled.stderr
    assert (project / "outputs/data_build/stage.json").is_file()
