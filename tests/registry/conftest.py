import shutil

import pytest

from videmo.registry.tracking import connect


@pytest.fixture
def registry(tmp_path, monkeypatch, empty_registry):
    """A client of an empty registry below `tmp_path`, which is $VIDEMO_HOME."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    (tmp_path / "mlflow").mkdir()
    shutil.copy(empty_registry, tmp_path / "mlflow")
    return connect()
