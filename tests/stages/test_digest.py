"""The digest of a stage: code, libraries, settings, inputs, and nothing else."""

from importlib.metadata import packages_distributions

import pytest
from default_settings import params_with

from videmo.pipeline.dag import STAGES, plan
from videmo.stages import digest as digests
from videmo.stages import libraries
from videmo.stages.content import digest_of
from videmo.stages.digest import Code, code_of, stage_digest
from videmo.stages.libraries import versions_of
from videmo.stages.report import StageReport
from videmo.stages.source_file import PYTHON

CODE = Code({"videmo/a.py": "1"}, {"python": "3.11", "torch": "2.13.0+cpu"})


def test_the_digest_follows_settings_inputs_and_nothing_that_is_merely_written_differently():
    digest = stage_digest(CODE, {"rl": {"steps": 1, "seed": 0}}, {"data_build": "a"})
    assert stage_digest(CODE, {"rl": {"seed": 0, "steps": 1}}, {"data_build": "a"}) == digest
    assert stage_digest(CODE, {"rl": {"steps": 2, "seed": 0}}, {"data_build": "a"}) != digest
    assert stage_digest(CODE, {"rl": {"steps": 1, "seed": 0}}, {"data_build": "b"}) != digest
    assert len(digest) == 16


@pytest.mark.parametrize(
    ("versions", "same"),
    [
        ({"python": "3.11", "torch": "2.14.1+cpu"}, False),
        ({"python": "3.12", "torch": "2.13.0+cpu"}, False),
        ({"python": "3.11", "torch": "2.13.0+cpu", "av": "18.1.0"}, False),
        ({"python": "3.11", "torch": "2.13.0+cu130"}, True),  # the same source, built for another machine
    ],
)
def test_another_version_of_a_library_or_of_python_is_another_digest(versions, same):
    other = Code(CODE.files, versions)
    assert (stage_digest(other, {}, {}) == stage_digest(CODE, {}, {})) == same
    assert (other.digest == CODE.digest) == same


def installed_as(monkeypatch, library: str, version: str) -> None:
    real = libraries._installed
    monkeypatch.setattr(libraries, "_installed", lambda name: version if name == library else real(name))


@pytest.mark.parametrize("library", ["torch", "transformers", "deepspeed", "av"])
def test_another_version_of_a_library_changes_what_imports_it_and_nothing_else(library, monkeypatch):
    before = {stage.name: code_of(stage.module) for stage in STAGES}
    installed_as(monkeypatch, library, "99.0")
    changed = {stage.name for stage in STAGES if code_of(stage.module).digest != before[stage.name].digest}
    assert changed == {name for name, code in before.items() if library in code.versions}
    assert 0 < len(changed) < len(STAGES)


def test_the_plan_names_the_library_that_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    step = plan(params_with({}))[0]
    output = tmp_path / "store" / step.stage / "0000"
    output.mkdir(parents=True)
    versions = {**code_of("videmo.data.build").versions, "av": "1.0", "python": "3.10"}
    report = StageReport(step.stage, "0000", output, {}, 1.0, versions=versions)
    (output / "stage.json").write_text(report.text())
    reason = plan(params_with({}))[0].reason
    now = code_of("videmo.data.build").versions["av"]
    assert f"library changed: av 1.0 -> {now}" in reason
    assert f"python changed: 3.10 -> {PYTHON}" in reason


def test_names_that_differ_from_those_of_their_distribution_are_looked_up_and_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    (tmp_path / "store").mkdir()
    found = versions_of(["cv2", "PIL", "json", "nobody_has_this"])
    (opencv,) = packages_distributions()["cv2"]
    assert set(found) == {"python", opencv, "pillow"}
    monkeypatch.setattr(libraries, "_all_distributions", dict)  # finds nothing
    assert versions_of(["cv2", "PIL"]) == found


def test_equal_values_have_equal_digests_in_any_order():
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1}) != digest_of({"a": 1, "b": [2, 1]})


def test_within_a_run_the_code_of_a_module_is_read_once(monkeypatch):
    asked = []
    real = digests.closure_of
    monkeypatch.setattr(digests, "closure_of", lambda *names: asked.append(names) or real(*names))
    with digests.code_read_once():
        first = digests.code_of("videmo.stages.store")
        assert digests.code_of("videmo.stages.store") == first
        assert len(asked) == 1
    assert digests.code_of("videmo.stages.store") == first
    assert len(asked) == 2
