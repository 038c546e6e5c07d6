"""What settings point at outside the store is told before any work where it is not there."""

from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest
from default_settings import params_with

from videmo.settings.errors import SettingError
from videmo.settings.sections import DataBuildSettings, TreeRlSettings
from videmo.settings.sources import SOURCES, VideosData
from videmo.stages.digest import code_of
from videmo.stages.external_inputs import check_model, check_outside, outside_digests

VARIABLES = ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME")
SERVER = {"url": "http://localhost/v1", "model": "m", "key_variable": "NO_SUCH_KEY"}


@pytest.mark.parametrize(
    ("variable", "below"), [*zip(VARIABLES, ("", "hub", "huggingface/hub", ".cache/huggingface/hub"), strict=True)]
)
def test_a_model_of_the_hub_is_looked_for_where_hugging_face_keeps_it(tmp_path, monkeypatch, variable, below):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv(variable, str(tmp_path / "home"))
    with pytest.raises(SettingError, match=r"backbone\.name = owner/model: .* hf download owner/model"):
        check_model("backbone.name", "owner/model")
    check_model("backbone.name", "owner/model", here=False)
    (tmp_path / "home" / below / "models--owner--model").mkdir(parents=True)
    check_model("backbone.name", "owner/model")


def test_weights_enter_a_digest_by_content_where_they_are_a_directory_and_by_name_where_they_are_of_the_hub(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()

    def outside(name: str) -> set[str]:
        return {*outside_digests(TreeRlSettings.of(params_with({"backbone": {"name": name}}), "tree_rl"))}

    assert outside(str(tmp_path / "weights")) == {"backbone.name"}
    assert outside("owner/model") == outside("tiny") == set()


def test_a_directory_of_weights_needs_its_configuration(tmp_path):
    with pytest.raises(SettingError, match=r"config\.json"):
        check_model("backbone.name", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    check_model("backbone.name", str(tmp_path))


@pytest.mark.parametrize("name", ["tiyn", "a/b/c", "/no/such/weights"])
def test_what_is_no_name_of_a_model_is_refused_wherever_the_steps_run(name):
    for here in (True, False):
        with pytest.raises(SettingError, match=f"backbone.name = {name}: use tiny"):
            check_model("backbone.name", name, here)


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"evaluation": {"judge": "endpoint", "endpoint": SERVER}}, r"evaluation\.endpoint"),
        ({"rl": {"reward": {"scorer": SERVER}}}, r"rl\.reward\.scorer"),
    ],
)
def test_the_key_of_a_large_model_has_to_be_in_the_environment_where_the_steps_run(settings, setting, monkeypatch):
    params = params_with(settings)
    with pytest.raises(SettingError, match=rf"{setting}\.key_variable = NO_SUCH_KEY"):
        check_outside(params)
    check_outside(params, here=False)
    monkeypatch.setenv("NO_SUCH_KEY", "abc")
    check_outside(params)


def test_the_key_of_a_judge_is_needed_only_where_the_judge_is_asked():
    refused = []
    for judge in ("rules", "endpoint"):
        try:
            check_outside(params_with({"evaluation": {"judge": judge, "endpoint": SERVER}}))
        except SettingError:
            refused.append(judge)
    assert refused == ["endpoint"]


def test_a_folder_of_videos_needs_its_labels_and_enters_for_the_sections_that_name_it(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))
    (tmp_path / "videos").mkdir()
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "config.json").write_text("{}")
    params = params_with(
        {
            "data": {"source": "folder", "path": str(tmp_path / "videos")},
            "backbone": {"name": str(tmp_path / "weights")},
        }
    )
    with pytest.raises(SettingError, match=r"data\.labels = labels\.csv"):
        check_outside(params)
    (tmp_path / "videos" / "labels.csv").write_text("file\n")
    check_outside(params)

    def digests(params):
        build = outside_digests(DataBuildSettings.of(params, "data_build"))
        return build, outside_digests(TreeRlSettings.of(params, "tree_rl"))

    build, training = digests(params)
    assert (set(build), set(training)) == ({"data.path"}, {"backbone.name"})
    (tmp_path / "weights" / "model.safetensors").write_text("x")
    assert digests(params)[0] == build
    assert digests(params)[1] != training
    assert digests(params_with({})) == ({}, {})


def test_a_source_that_is_registered_is_checked_at_the_door_and_its_files_enter_the_digest(tmp_path, monkeypatch):
    class Archive(VideosData):
        source: Literal["archive"] = "archive"
        index: Path

        def external_inputs(self):
            return {**super().external_inputs(), "data.index": self.index}

        def check(self):
            super().check()
            if not self.index.is_file():
                raise SettingError(f"data.index = {self.index}: no such file")

    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(SOURCES, "archive", Archive)
    videos, index = tmp_path / "videos", tmp_path / "index"
    params = params_with({"data": {"source": "archive", "path": str(videos), "index": str(index)}})
    for setting in ("data.path", "data.index"):
        with pytest.raises(SettingError, match=f"{setting} = .*: no such"):
            check_outside(params)
        if setting == "data.path":
            videos.mkdir()
    index.write_text("1")
    check_outside(params)
    before = outside_digests(DataBuildSettings.of(params, "data_build"))
    (videos / "a.mp4").write_bytes(b"1")
    between = outside_digests(DataBuildSettings.of(params, "data_build"))
    index.write_text("22")
    after = outside_digests(DataBuildSettings.of(params, "data_build"))
    changed = [[key for key in old if old[key] != new[key]] for old, new in ((before, between), (between, after))]
    assert changed == [["data.path"], ["data.index"]]
    assert DataBuildSettings.of(params, "data_build").by_section()["data"]["index"] == str(index)
    assert DataBuildSettings.of(params, "data_build").modules == ("videmo.data.sources.archive",)
    with pytest.raises(SettingError, match="there are faces, folder, archive"):
        params_with({"data": {"source": "archives"}})


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_has_a_module_that_yields_recordings_and_its_code_alone_is_in_the_digest(name):
    own = f"videmo/data/sources/{name}.py"
    files = code_of("videmo.data.build", (f"videmo.data.sources.{name}",)).files
    assert own in files
    assert not {f"videmo/data/sources/{other}.py" for other in SOURCES if other != name} & set(files)
    assert callable(import_module(f"videmo.data.sources.{name}").recordings)
