"""What the tests of the report look at, and a small data set with the tiny policy in the place of every checkpoint."""

import json

import pytest
from finished_run import make_store

from videmo.backbone.loading import load_policy, save_policy
from videmo.stages.report import StageReport


@pytest.fixture(scope="session")
def outputs(tmp_path_factory, built_data):
    root = tmp_path_factory.mktemp("store")
    make_store(root, built_data)
    return root


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, built_data, one_thread):
    """data_build, and the checkpoints of sft_emotion and tree_rl."""
    root = tmp_path_factory.mktemp("inputs")
    save_policy(load_policy("tiny"), root / "model")
    found = {"data_build": built_data}
    for stage in ("sft_emotion", "tree_rl"):
        found[stage] = root / stage
        found[stage].mkdir()
        (root / stage / "model").symlink_to(root / "model")
        report = StageReport(stage, f"digest-{stage}", root / stage, {}, 1.0)
        (root / stage / "stage.json").write_text(json.dumps(report.to_json()))
    return found
