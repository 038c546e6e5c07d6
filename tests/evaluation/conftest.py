"""What the tests of the report look at."""

import pytest
from finished_run import make_store


@pytest.fixture(scope="session")
def outputs(tmp_path_factory, built_data):
    root = tmp_path_factory.mktemp("store")
    make_store(root, built_data)
    return root
