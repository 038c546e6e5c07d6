"""The model as MLflow has it: loaded, asked, and taken out of the registry."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import mlflow
import pandas as pd
from evaluated_models import promoted

from videmo.backbone.weights_check import is_policy
from videmo.pipeline.standalone_eval import model_directory
from videmo.registry import packaging
from videmo.tree.model import LEVELS


def test_the_champion_answers_video_paths_with_trees_and_says_of_the_others_what_is_wrong(
    evaluated, tmp_path, built_data, speaking_model
):
    inputs = evaluated("a", 0.9)
    shutil.rmtree(inputs["tree_rl"] / "model")
    shutil.copytree(speaking_model / "model", inputs["tree_rl"] / "model")
    promoted(inputs, tmp_path)
    model = mlflow.pyfunc.load_model("models:/videmo@champion")
    video = next(built_data.rglob("*.mp4"))
    told = [json.loads(answer) for answer in model.predict([str(tmp_path / "none.mp4"), str(video), str(tmp_path)])]
    assert [set(answer) for answer in told] == [{"error"}, set(LEVELS), {"error"}]
    assert told[1]["emotion"]["emotion"] in (["fear"], ["anger"])
    assert [json.loads(answer) for answer in model.predict(pd.DataFrame({"video": [str(video)]}))] == told[1:2]
    assert str(model.metadata.signature.inputs) == "[string (required)]"
    assert model.input_example is not None


def test_a_model_taken_out_of_the_registry_stays_as_long_as_the_process_that_asked_for_it(evaluated, tmp_path):
    promoted(evaluated("a", 0.9), tmp_path)
    asked = """
from videmo.backbone.weights_check import is_policy
from videmo.registry.packaging import policy_at
from videmo.registry.tracking import connect
connect()
found = policy_at("models:/videmo@champion")
print(is_policy(found), found)
"""
    printed = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    there, path = printed.split(maxsplit=1)
    assert there == "True"
    assert not Path(path.strip()).exists()


def test_a_model_of_the_registry_is_evaluated_where_its_answers_are_found_again(evaluated, tmp_path):
    promoted(evaluated("a", 0.9), tmp_path)
    first, second = (model_directory("models:/videmo@champion") for _ in range(2))
    assert first == second
    assert is_policy(first)


def test_the_models_requirements_can_be_installed_from_an_index():
    requirements = packaging._requirements()
    assert all("==" in line and "+" not in line for line in requirements)
    assert any(line.startswith("transformers==") for line in requirements)


def test_the_models_requirements_are_those_of_the_extra_for_serving():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    listed = {*project["dependencies"], *project["optional-dependencies"]["serve"]}
    names = {re.split(r"[<>=]", requirement)[0] for requirement in listed}
    assert names - {"click", "typer"} == set(packaging.REQUIRED)  # the two are for the command line
