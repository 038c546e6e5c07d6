"""Compiling pipelines in little time."""

import inspect

import pytest


@pytest.fixture(scope="module", autouse=True)
def frames_without_modules():
    """kfp asks for the stack at every setting of a task, and Python looks for the module of each frame among all there
    are: half a minute a pipeline below pytest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "getmodule", lambda *_: None)
        yield
