"""One model answers: what is asked, what a kill leaves, what reasoning adds."""

import pytest
from default_settings import params_with

from videmo.backbone.loading import load_policy
from videmo.data.shards import open_dataset
from videmo.evaluation import answer_stage, answers
from videmo.evaluation.answers import choose_questions
from videmo.evaluation.predictions import read_answers
from videmo.generation.hf import HfSampler
from videmo.settings.sections import AnswerSettings, ReasoningSettings

PARAMS = params_with(
    {
        "data": {"frames": 2, "frame_size": 56},
        "evaluation": {"max_clips": 2, "max_new_tokens": 4, "resamples": 50},
        "execution": {"answer_batch": 1},
        "reasoning": {"candidates": 2},
    }
)


def plain(inputs, output):
    own = {name: inputs[name] for name in ("data_build", "tree_rl")}
    return answer_stage.run(AnswerSettings.of(PARAMS, "answers_rl"), own, output, reasoning=False)


def reasoned(inputs, output, answers_rl):
    own = {name: inputs[name] for name in ("data_build", "tree_rl")}
    settings = ReasoningSettings.of(PARAMS, "answers_rl_reasoning")
    return answer_stage.run(settings, {**own, "answers_rl": answers_rl}, output, reasoning=True)


@pytest.fixture(scope="module")
def killed_and_resumed(inputs, tmp_path_factory):
    """The report of a stage killed before its second batch and started again; the ids asked before and after."""
    output = tmp_path_factory.mktemp("store") / "answers_rl"
    before, after = [], []
    ask = answers.ask

    def recorded(into, stop=None):
        def asking(sampler, questions, config):
            if len(into) == stop:
                raise KeyboardInterrupt
            into.append([sample.id for sample in questions.samples])
            return ask(sampler, questions, config)

        return asking

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "ask", recorded(before, stop=1))
        with pytest.raises(KeyboardInterrupt):
            plain(inputs, output)
        assert not output.exists()
        patch.setattr(answers, "ask", recorded(after))
        return plain(inputs, output), before, after


@pytest.fixture(scope="module")
def answers_rl(killed_and_resumed):
    return killed_and_resumed[0].output


def test_a_model_answers_every_test_question_once(killed_and_resumed, inputs):
    report = killed_and_resumed[0]
    questions = choose_questions(open_dataset(inputs["data_build"]), 2)
    assert [answer.id for answer in read_answers(report.output)] == [sample.id for sample in questions.samples]
    assert report.metrics == {"questions": len(questions.samples)}
    assert questions.clips == 2


def test_what_was_answered_before_a_kill_is_not_asked_again(killed_and_resumed, inputs):
    _, before, after = killed_and_resumed
    samples = [sample.id for sample in choose_questions(open_dataset(inputs["data_build"]), 2).samples]
    assert sorted(sample for batch in (*before, *after) for sample in batch) == sorted(samples)
    assert (len(before), len(after)) == (1, 1)


def test_without_a_policy_the_backbone_answers(inputs, answers_rl, tmp_path):
    settings = AnswerSettings.of(PARAMS, "answers_base")
    base = answer_stage.run(settings, {"data_build": inputs["data_build"]}, tmp_path / "base", reasoning=False)
    assert read_answers(base.output) == read_answers(answers_rl)  # both are the tiny model


def test_reasoning_answers_the_questions_for_whole_trees_and_no_others(inputs, answers_rl, tmp_path):
    searched = read_answers(reasoned(inputs, tmp_path / "reasoned", answers_rl).output)
    trees = choose_questions(open_dataset(inputs["data_build"]), 2).only(*answers.REASONED)
    sampler, settings = HfSampler(load_policy("tiny")), PARAMS.evaluation
    expected = [
        one for batch in trees.by_clips(32) for one in answers.ask_reasoning(sampler, batch, settings, PARAMS.reasoning)
    ]
    assert [one.response for one in searched if one.part in answers.REASONED] == [one.response for one in expected]
    assert [one for one in searched if one.part not in answers.REASONED] == [
        one for one in read_answers(answers_rl) if one.part not in answers.REASONED
    ]


@pytest.mark.parametrize("reasoning", [False, True])
def test_a_kill_after_the_last_answer_leaves_nothing_behind(inputs, answers_rl, tmp_path, monkeypatch, reasoning):
    output = tmp_path / "answers"
    write = answer_stage.write_predictions

    def run():
        return reasoned(inputs, output, answers_rl) if reasoning else plain(inputs, output)

    def killed(path, predictions):
        write(path, predictions)
        raise KeyboardInterrupt

    monkeypatch.setattr(answer_stage, "write_predictions", killed)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.setattr(answer_stage, "write_predictions", write)
    assert sorted(path.name for path in run().output.iterdir()) == ["predictions.jsonl", "stage.json"]
