import os
import shutil

import pytest
from evaluated_models import BACKBONE, answers, complete, dataset

from videmo.backbone.loading import load_policy, save_policy
from videmo.registry.tracking import connect, experiment_id


@pytest.fixture
def registry(tmp_path, monkeypatch, empty_registry):
    """A client of an empty registry below `tmp_path`, which is $VIDEMO_HOME."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    (tmp_path / "mlflow").mkdir()
    shutil.copy(empty_registry, tmp_path / "mlflow")
    return connect()


@pytest.fixture
def versions(registry, tmp_path):
    """Four registered versions, with no more to them than a run and tags."""
    registry.create_registered_model("videmo")
    for number in range(1, 5):
        run = registry.create_run(experiment_id(registry))
        tags = {"videmo.policy": f"p{number}", "videmo.data": "d1", "videmo.commit": "abc"}
        registry.create_model_version("videmo", tmp_path.as_uri(), run_id=run.info.run_id, tags=tags)
    return registry


@pytest.fixture(scope="session")
def policy(tmp_path_factory):
    directory = tmp_path_factory.mktemp("policy")
    save_policy(load_policy("tiny"), directory)
    return directory


@pytest.fixture
def evaluated(tmp_path, policy, registry):
    """A function that lays out what the promotion stage reads: a policy and its answers."""

    def lay_out(name, right, data="d1", base=0.2, config=BACKBONE, **kind):
        where = tmp_path / name
        shutil.rmtree(where, ignore_errors=True)
        model = complete(where / "tree_rl", "tree_rl", f"policy-{name}", BACKBONE)
        (model / "model").mkdir()
        for file in policy.iterdir():
            os.link(file, model / "model" / file.name)
        asked = {"data_build": data}
        ours = complete(
            where / "answers_rl", "answers_rl", f"rl-{name}", config, {**asked, "tree_rl": f"policy-{name}"}
        )
        theirs = complete(where / "answers_base", "answers_base", "base", config, asked)
        answers(ours / "predictions.jsonl", right, **kind)
        answers(theirs / "predictions.jsonl", base)
        built = tmp_path / data
        return {
            "data_build": built if built.exists() else dataset(built, data),
            "tree_rl": model,
            "answers_base": theirs,
            "answers_rl": ours,
            "face15_eval": complete(where / "face15_eval", "face15_eval", f"eval-{name}"),
        }

    return lay_out
