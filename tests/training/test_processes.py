import pytest
from default_settings import params_with
from stage_processes import Task, complete

from videmo.settings.sections import SftSettings
from videmo.training import sft

LEVEL = {"epochs": 0.06, "learning_rate": 1e-3, "samples_per_clip": 2}
SETTINGS = {"sft": {"batch_clips": 2, "attribute": LEVEL}}


def teach(settings, inputs, output, level):
    return sft.run(SftSettings.of(params_with(settings), f"sft_{level}", level=level), inputs, output, level)


@pytest.mark.parametrize("zero_stage", [0, 2])
def test_two_processes_take_the_steps_of_one(built_data, tmp_path, curve, one_thread, zero_stage):
    inputs = {"data_build": built_data}
    alone = teach(SETTINGS, inputs, tmp_path / "alone", "attribute")
    both = {**SETTINGS, "execution": {"processes": 2, "zero_stage": zero_stage}}
    together = Task("videmo.training.sft", both, inputs, tmp_path / "together", {"level": "attribute"})
    complete(together)
    losses = [[row["loss"] for row in curve(output)] for output in (alone.output, together.output)]
    assert len(losses[0]) >= 2
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


def test_another_number_of_processes_than_was_started_is_refused(built_data, tmp_path):
    params = {**SETTINGS, "execution": {"processes": 2}}
    with pytest.raises(ValueError, match=r"execution.processes = 2: 1 started; .* torchrun"):
        teach(params, {"data_build": built_data}, tmp_path / "sft", "attribute")


def test_two_processes_learn_by_reinforcement_what_one_does(built_data, speaking_model, tmp_path, curve, one_thread):
    inputs = {"data_build": built_data, "sft_emotion": speaking_model}
    settings = {"rl": {"steps": 2, "batch_clips": 4, "question_clips": 2, "max_segment_tokens": 12}}
    outputs = []
    for processes in (1, 2):
        task = Task("videmo.training.tree_rl", {**settings, "execution": {"processes": processes}}, inputs,
                    tmp_path / str(processes))  # fmt: skip
        complete(task)
        outputs.append(task.output)
    alone, together = map(curve, outputs)
    assert [row["tokens"] for row in alone] == [row["tokens"] for row in together]
    for name in ("loss", "reward"):
        assert [row[name] for row in together] == pytest.approx([row[name] for row in alone], abs=1e-5)
