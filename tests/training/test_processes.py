import pytest

from videmo.settings.params import check_params
from videmo.training import sft

LEVEL = {"epochs": 0.06, "learning_rate": 1e-3, "samples_per_clip": 2}
SETTINGS = {"sft": {"batch_clips": 2, "attribute": LEVEL}}


def test_two_processes_take_the_steps_of_one(built_data, tmp_path, curve, stage_by_torchrun, one_thread):
    inputs = {"data_build": built_data}
    alone = sft.run(check_params(SETTINGS), inputs, tmp_path / "alone", "attribute")
    together = {**SETTINGS, "execution": {"processes": 2, "zero_stage": 2}}
    stage_by_torchrun(2, "videmo.training.sft", together, inputs, tmp_path / "together", level="attribute")
    losses = [[row["loss"] for row in curve(output)] for output in (alone.output, tmp_path / "together")]
    assert len(losses[0]) >= 2
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_another_number_of_processes_than_was_started_is_refused(built_data, tmp_path):
    params = check_params({**SETTINGS, "execution": {"processes": 2}})
    with pytest.raises(ValueError, match=r"execution.processes = 2: 1 started; .* torchrun"):
        sft.run(params, {"data_build": built_data}, tmp_path / "sft", "attribute")
