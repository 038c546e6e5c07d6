import shutil

import pytest

from videmo.registry.tracking import connect, tracking_uri


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory):
    """An MLflow database with its tables made, which takes seconds, and nothing in them."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("MLFLOW_TRACKING_URI", raising=False)
        environment.setenv("VIDEMO_HOME", str(tmp_path_factory.mktemp("registry")))
        connect().search_experiments()
        return tracking_uri().removeprefix("sqlite:///")


@pytest.fixture
def registry(tmp_path, monkeypatch, empty_registry):
    """A client of an empty registry below `tmp_path`, which is $VIDEMO_HOME."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    (tmp_path / "mlflow").mkdir()
    shutil.copy(empty_registry, tmp_path / "mlflow")
    return connect()
