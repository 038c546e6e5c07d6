"""The command videmo: what it shows, what it refuses, and what it imports for that."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from videmo.settings.params import Params, load_params

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "mlflow", "great_expectations", "deepspeed", "kfp", "cv2", "pandas", "rich")
PROBE = f"""
import json, sys
from videmo.cli.main import main
try:
    main()
except SystemExit as ended:
    print(json.dumps([ended.code, [name for name in {HEAVY} if name in sys.modules]]))
"""


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(ROOT)
    return tmp_path / "home"


def videmo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, timeout=120
    )  # fmt: skip


def tree(directory: Path) -> set[Path]:
    return set(directory.rglob("*"))


def test_python_m_runs_the_command(home):
    ended = subprocess.run(
        [sys.executable, "-m", "videmo.cli", "--help"], capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert ended.returncode == 0
    assert "registry" in ended.stdout


def test_help_imports_neither_settings_nor_what_draws():
    ended = videmo("--help")
    assert json.loads(ended.stdout.splitlines()[-1]) == [0, []]
    probe = "import sys; from videmo.cli.main import main; print('pydantic' in sys.modules, 'yaml' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", probe], text=True) == "False False\n"


@pytest.mark.parametrize("name", ["..", ".", "nosuch", "a/b", "", "../runs/one", "latest"])
def test_a_report_is_only_written_of_a_run_that_there_is(home, name):
    (home / "runs" / "a").mkdir(parents=True)
    (home / "runs" / "one").mkdir()
    (home / "runs" / "one" / "params.yaml").write_text("")
    before = tree(home.parent)
    ended = videmo("report", name)
    assert json.loads(ended.stdout) == [2, []]
    assert ended.stderr == f"videmo: {name}: no such run in {home / 'runs'}\n"
    assert tree(home.parent) == before


@pytest.mark.parametrize("name", ["100%", "what?"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["stage", "data_build"],
        ["report", "one"],
        ["registry", "list"],
        ["eval", "--model", "models:/videmo@champion", "--data", "nosuch"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_home_that_sqlite_cannot_open_is_told_before_any_work(tmp_path, home, monkeypatch, name, arguments):
    strange = tmp_path / name
    (strange / "runs" / "one").mkdir(parents=True)
    (strange / "runs" / "one" / "params.yaml").write_text(yaml_of(load_params(Path("params.yaml"))))
    monkeypatch.setenv("VIDEMO_HOME", str(strange))
    before = tree(tmp_path)
    ended = videmo(*arguments)
    assert json.loads(ended.stdout)[0] == 2
    assert ended.stderr.startswith(f"videmo: {strange}: MLflow's SQLite cannot open a path with % or ?")
    assert ended.stderr.count("\n") == 1
    assert tree(tmp_path) == before


def test_a_train_job_runs_on_one_node_at_least(home):
    ended = videmo("trainjob", "tree_rl", "--run", "one", "--nodes", "0")
    assert json.loads(ended.stdout)[0] == 2
    assert "--nodes" in ended.stderr


@pytest.mark.parametrize(
    ("package", "command"),
    [("mlflow", "videmo.cli.main registry list"), ("kfp", "videmo.cli.kfp run pipelines/full.py")],
    ids=["mlflow", "kfp"],
)
def test_a_package_that_is_not_installed_is_named_with_where_to_find_its_extra(home, package, command):
    (home / "mlflow").mkdir(parents=True)
    (home / "mlflow" / "mlflow.db").touch()
    module, *arguments = command.split()
    probe = f"import sys; sys.modules[{package!r}] = None; from {module} import main; main()"
    ended = subprocess.run([sys.executable, "-c", probe, *arguments], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert f"the package {package} is not installed; videmo[all] has everything" in ended.stderr
    assert ended.stderr.count("\n") == 1


def yaml_of(params: Params) -> str:
    import yaml

    return yaml.safe_dump(params.model_dump(mode="json"))
