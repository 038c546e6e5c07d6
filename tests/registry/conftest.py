import shutil

import pytest

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
