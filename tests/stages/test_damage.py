"""Damage: a byte that is another one is found, and the directory to remove is named."""

import re
import shutil
from pathlib import Path

import pytest
from default_settings import params_with
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from videmo.cli.main import app
from videmo.settings.sections import DataValidationSettings
from videmo.stages.damage import check_inputs, damaged_files, find_damage, stored_outputs
from videmo.stages.report import StageReport, faults
from videmo.stages.store import output_of, partial_of
from videmo.stages.work import stage_directory

FILES = {"model/weights.bin": bytes(range(64)), "samples.parquet": b"PAR1" * 8, "metrics.jsonl": b'{"step": 1}\n'}


def make(output: Path) -> Path:
    settings = DataValidationSettings.of(params_with(), "distance")
    with stage_directory(output, "videmo.tree.distance", settings, {}) as work:
        for name, content in FILES.items():
            (work.path / name).parent.mkdir(exist_ok=True)
            (work.path / name).write_bytes(content)
        work.finish({"loss": 0.25})
    return output


@pytest.fixture
def output(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    return make(output_of("distance", "0123456789abcdef"))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_other_byte_in_any_file_is_found(output, data):
    assert damaged_files(output) == []
    path = data.draw(st.sampled_from(sorted(path for path in output.rglob("*") if path.is_file())))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    path.write_bytes(whole[:place] + bytes([other]) + whole[place + 1 :])
    found = damaged_files(output)
    path.write_bytes(whole)
    assert path.relative_to(output).as_posix() in found


def test_an_output_is_sound_until_it_is_read_and_then_marked_to_be_made_again(output):
    before = sorted(output.iterdir())
    assert find_damage(output) == []
    assert sorted(output.iterdir()) == before
    (output / "samples.parquet").write_bytes(b"PAR2" * 8)
    assert faults(output) == []  # of the same length
    assert find_damage(output) == ["samples.parquet"]
    assert faults(output) == ["samples.parquet"]


def test_an_input_that_is_damaged_is_named_with_the_directory_to_remove(output, tmp_path):
    sound = make(output_of("distance", "fedcba9876543210"))
    check_inputs([sound, output])
    (output / "model" / "weights.bin").unlink()
    message = f"input damaged: remove {output}, then run again (model/weights.bin changed)"
    with pytest.raises(ValueError, match=re.escape(message)):
        check_inputs([sound, output])


def test_damage_of_a_file_that_is_linked_from_the_store_is_damage_of_the_store(output, tmp_path):
    stored = output_of("distance", StageReport.read(output).digest)
    output.rename(stored)
    exported = tmp_path / "outputs" / "distance"
    shutil.copytree(stored, exported)
    for place in (stored, exported):
        (place / "samples.parquet").write_bytes(b"x" * 32)
    with pytest.raises(ValueError, match=re.escape(f"remove {stored}, then")):
        check_inputs([exported])
    assert faults(stored)
    assert not (exported / ".damaged").exists()


def test_verify_reads_the_store_and_says_what_is_damaged(output):
    make(partial_of(output))  # unfinished work is no output
    sound = make(output_of("distance", "fedcba9876543210"))
    assert stored_outputs() == [output, sound]
    said = CliRunner().invoke(app, ["verify"])
    assert (said.exit_code, said.output) == (0, "0 of 2 outputs damaged\n")
    (output / "metrics.jsonl").write_bytes(b'{"step": 2}\n')
    said = CliRunner().invoke(app, ["verify"])
    assert said.exit_code == 1
    assert said.output.splitlines() == [f"damaged: remove {output} (metrics.jsonl)", "1 of 2 outputs damaged"]
    assert CliRunner().invoke(app, ["verify", str(sound)]).exit_code == 0
