"""What the components' folders say of them is what they are."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from videmo.kubeflow.component_docs import metadata, readmes, write_docs

ROOT = Path(__file__).parents[2]
COMPONENTS = sorted(path.parent for path in (ROOT / "components").glob("*/component.py"))
AGAIN = "run: python -m videmo.kubeflow.component_docs"


@pytest.fixture(scope="module")
def pages():
    return readmes(ROOT)


@pytest.mark.parametrize("folder", COMPONENTS, ids=lambda folder: folder.name)
def test_the_readme_is_what_the_component_and_the_pipelines_give(folder, pages):
    assert (folder / "README.md").read_text(encoding="utf-8") == pages[folder.name], AGAIN


def test_every_input_and_output_is_described(pages):
    rows = {(name, row) for name, page in pages.items() for row in page.splitlines() if row.startswith("| `")}
    assert not {(name, row) for name, row in rows if row.endswith("|  |")}


def test_steps_are_listed_with_what_they_ask_of_a_cluster(pages):
    assert "| `sft_emotion` | full, retrain | 8 CPUs, 64G memory, 1 GPU (nvidia.com/gpu) |" in pages["curriculum_sft"]
    assert "| `data_build` | full, retrain | 2 CPUs, 4G memory |" in pages["data_build"]
    assert all("\n| `" in page.partition("## Steps")[2] for page in pages.values())


@pytest.mark.parametrize("folder", COMPONENTS, ids=lambda folder: folder.name)
def test_the_metadata_are_of_the_form_that_kubeflows_own_components_have(folder):
    content = yaml.load((folder / "metadata.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)
    assert set(content) == {"name", "stability", "dependencies", "tags", "lastVerified"}
    assert content["name"] == folder.name
    assert content["stability"] in ("alpha", "beta", "stable")
    (pipelines,) = content["dependencies"]["kubeflow"]
    assert (pipelines["name"], pipelines["version"]) == ("Pipelines", f">={version('kfp')}")
    assert datetime.fromisoformat(content["lastVerified"]).tzinfo is not None


def test_a_new_component_gets_both_files_and_a_date_that_is_there_stays(tmp_path, monkeypatch):
    (tmp_path / "components" / "drift").mkdir(parents=True)
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "components" / "drift" / "component.py").write_text(
        (ROOT / "components" / "drift" / "component.py").read_text()
    )
    assert write_docs(tmp_path) == [tmp_path / "components" / "drift" / "README.md"]
    written = tmp_path / "components" / "drift" / "metadata.yaml"
    assert yaml.safe_load(written.read_text())["lastVerified"].date() == datetime.now(UTC).date()
    written.write_text(metadata("drift", datetime(2026, 1, 2, tzinfo=UTC)))
    write_docs(tmp_path)
    assert "2026-01-02T00:00:00Z" in written.read_text()
