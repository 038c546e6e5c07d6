"""One smoke run of the whole pipeline, which the tests here look at and go on from."""

import subprocess

import pytest
from smoke_run import SMOKE, Home


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def smoke(home) -> subprocess.CompletedProcess:
    return home.kfp(*SMOKE, "--name", "smoke")
