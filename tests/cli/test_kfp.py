"""The kfp command: mistakes are told at once on one line, and the stock command line is untouched."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from videmo.cli.kfp import STOCK_COMMANDS
from videmo.settings.params import load_params
from videmo.stages.report import StageReport

ROOT = Path(__file__).parents[2]
KFP = Path(sysconfig.get_path("scripts")) / "kfp"
HEAVY = ("torch", "transformers", "mlflow", "great_expectations", "deepspeed", "kfp", "cv2")
PROBE = f"""
import json, sys
from videmo.cli.kfp import main
try:
    main()
except SystemExit as ended:
    print(json.dumps([ended.code, [name for name in {HEAVY} if name in sys.modules]]))
"""


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(ROOT)


def kfp(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([KFP, *arguments], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pipelines/ful.py"], "pipelines/ful.py: no such file; did you mean pipelines/full.py?"),
        (["params/smoke.yaml.py"], "no such file"),
        (["pipelines/full.py", "--params", "params/smok.yaml"], "params/smok.yaml: no such params file"),
        (
            ["pipelines/full.py", "--set", "rl.stepz=3"],
            "--set rl.stepz=3: rl.stepz: no such setting; did you mean steps?",
        ),
        (["pipelines/full.py", "--set", "rl.steps=many"], "rl.steps = 'many'"),
        (["pipelines/full.py", "--set", "data.source=folder"], "data.path is missing"),
        (["pipelines/full.py", "--set", "data.test_share=1"], "data.test_share = 1: nobody is left to train on"),
        (["pipelines/full.py", "--set", "evaluation.sampler=vllm"], "vLLM is not installed here; use hf"),
        (["pipelines/full.py", "--set", "backbone.name=tiyn"], "backbone.name = tiyn"),
        (["pipelines/full.py", "--set", "backbone.name=docs"], "docs: not a model: the directory has no config.json"),
        (["pipelines/full.py", "--set", "backbone.name=Qwen/Qwen2"], "run: hf download Qwen/Qwen2"),
        (["pipelines/full.py", "--set", "rl.learning_rate=.inf"], "finite number"),
        (
            ["pipelines/full.py", "--set", "rl.reward.scorer={url: http://h/v1, model: m, key_variable: NO_SUCH_KEY}"],
            "rl.reward.scorer.key_variable = NO_SUCH_KEY: no such environment variable; export NO_SUCH_KEY",
        ),
        (["pipelines/full.py", "--endpoint", "localhost"], "--endpoint 'localhost': not an address"),
        (["pipelines/full.py", "--endpoint", ""], "--endpoint '': not an address"),
        (["pipelines/full.py", "--endpoint", "http://[::1"], "--endpoint 'http://[::1': not an address"),
        (["pipelines/full.py", "--endpoint", "http://127.0.0.1:9"], "no Kubeflow Pipelines server there"),
        (["pipelines/full.py", "--name", "a/b"], "--name 'a/b'"),
        (["pipelines/full.py", "--name", ""], "--name ''"),
        (["pipelines/full.py", "--paln"], "No such option"),
        (["pipelines/full.py", "extra"], "unexpected extra argument"),
    ],
)
def test_a_mistake_gives_one_line_and_exit_code_2_before_anything_heavy_is_imported(arguments, message):
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, "run", *arguments], capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert json.loads(ended.stdout) == [2, []]
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1", "has no pipeline"),
        ("def broken(:", "SyntaxError"),
        ("import nothing_like_it", "nothing_like_it"),
        ("x = 1\n1 / x.y", "AttributeError in line 2"),
    ],
)
def test_a_file_without_a_pipeline_is_refused_in_one_line(tmp_path, content, message):
    (tmp_path / "some.py").write_text(content)
    ended = kfp("run", str(tmp_path / "some.py"))
    assert ended.returncode == 2
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_the_plan_lists_every_step_with_its_digest_and_reason_and_runs_nothing(tmp_path):
    ended = kfp("run", "pipelines/full.py", "--plan")
    rows = [line.split() for line in ended.stdout.splitlines()]
    assert [row[0] for row in rows[:-1]] == ["data_build", "data_validation", "sft_attribute", "sft_expression",
                                             "sft_emotion", "tree_rl", "answers_base", "answers_sft_attribute",
                                             "answers_sft_expression", "answers_sft_emotion", "answers_rl",
                                             "answers_rl_reasoning", "face15_eval", "gate", "promotion",
                                             "report"]  # fmt: skip
    always = ("gate", "promotion", "report")
    assert all(len(row[1]) == 16 and row[2:4] == ["run", "never"] for row in rows[:-1])
    assert [row[0] for row in rows[:-1] if row[4:] == ["taken", "from", "the", "store"]] == list(always)
    assert rows[-1] == ["16", "of", "16", "steps", "would", "run"]
    assert not (tmp_path / "home" / "runs").exists()


def test_the_plan_of_a_run_without_the_store_makes_everything_again():
    from videmo.pipeline.dag import output_of, plan

    first = plan(load_params(Path("params.yaml")))[0]
    output = output_of(first.stage, first.digest)
    output.mkdir(parents=True)
    (output / "stage.json").write_text(json.dumps(StageReport(first.stage, first.digest, output, {}, 1.0).to_json()))
    assert kfp("run", "pipelines/full.py", "--plan").stdout.splitlines()[0].endswith(" cached")
    assert kfp("run", "pipelines/full.py", "--plan", "--no-cache").stdout.splitlines()[0].endswith("run     --no-cache")


def test_a_reader_that_stops_reading_is_no_error():
    with subprocess.Popen([KFP, "run", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) in {0, 1}


def test_help_shows_the_new_command_and_the_stock_subcommands_without_a_server():
    ended = kfp("run", "--help")
    assert ended.returncode == 0
    assert "FILE.py" in ended.stdout
    assert {"create", "list", "get", "archive"} <= {
        line.split()[0] for line in ended.stdout.splitlines() if line.strip()
    }


def test_the_stock_subcommands_that_help_shows_are_those_there_are():
    from kfp.cli.run import run

    assert {name: stock.get_short_help_str(limit=90) for name, stock in run.commands.items()} == STOCK_COMMANDS


@pytest.mark.parametrize("arguments", [["--help"], ["nosuch"], []], ids=str)
def test_nothing_of_kfp_is_imported_to_show_help_or_to_refuse(arguments):
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, "run", *arguments], capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert json.loads(ended.stdout.splitlines()[-1])[1] == []


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["dsl", "compile", "--help"], ["--endpoint", "http://127.0.0.1:9", "run", "list"], ["run", "lst"]],
    ids=" ".join,
)
def test_everything_else_behaves_as_in_the_stock_command_line(arguments):
    stock = "import sys; sys.argv[0] = 'kfp'; from kfp.cli.__main__ import main; main()"
    expected = subprocess.run([sys.executable, "-c", stock, *arguments], capture_output=True, text=True, timeout=120)
    ended = kfp(*arguments)
    if arguments == ["run", "lst"]:  # the one word that the project's command takes, as a mistyped file
        assert (ended.returncode, ended.stderr) == (2, "kfp run: lst: no such file\n")
    else:
        assert (ended.returncode, ended.stdout) == (expected.returncode, expected.stdout)


def test_the_full_pipeline_compiles_with_the_stock_compiler(tmp_path):
    package = tmp_path / "full.yaml"
    assert kfp("dsl", "compile", "--py", "pipelines/full.py", "--output", str(package)).returncode == 0
    assert "videmo-full" in package.read_text()


def test_a_pipeline_that_is_not_of_this_project_runs_too(tmp_path):
    (tmp_path / "other.py").write_text(
        "from kfp import dsl\n"
        "@dsl.component(base_image='python:3.11', install_kfp_package=False)\n"
        f"def touch() -> str:\n    open({str(tmp_path / 'touched')!r}, 'w').close()\n    return 'x'\n"
        "@dsl.pipeline(name='other')\n"
        "def other():\n    touch()\n"
    )
    for _ in range(2):  # what its steps depend on is unknown, so every run makes them
        ended = kfp("run", str(tmp_path / "other.py"))
        assert ended.returncode == 0, ended.stdout + ended.stderr
        (tmp_path / "touched").unlink()


def test_a_step_that_fails_outside_any_stage_ends_the_run_with_exit_code_1(tmp_path):
    (tmp_path / "other.py").write_text(
        "from kfp import dsl\n"
        "@dsl.component(base_image='python:3.11', install_kfp_package=False)\n"
        "def fail():\n    raise ValueError('no luck')\n"
        "@dsl.pipeline(name='other')\n"
        "def other():\n    fail()\n"
    )
    ended = kfp("run", str(tmp_path / "other.py"))
    assert ended.returncode == 1
    assert "'fail'" in ended.stdout
    assert "pipeline.log" in ended.stdout


def test_the_installed_command_is_the_projects():
    assert "videmo" in KFP.read_text(), "another kfp was installed over the project's command: run `make setup`"
