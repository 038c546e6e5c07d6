import json
from functools import partial

import pytest

from videmo.backbone.policy import load_policy, save_policy
from videmo.config import Data, Evaluation, Params, Reasoning
from videmo.data.shards import open_dataset
from videmo.evaluation import evaluate
from videmo.evaluation.answers import answered, ask, choose_questions
from videmo.evaluation.predictions import read_predictions
from videmo.generation.hf import HfSampler
from videmo.stage import StageReport

PARAMS = Params(
    data=Data(frames=2, frame_size=56),
    evaluation=Evaluation(max_clips=2, max_new_tokens=4, resamples=50, batch=1),
    reasoning=Reasoning(candidates=2),
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, built_data, one_thread):
    """A small data set, and the tiny policy in the place of every checkpoint."""
    root = tmp_path_factory.mktemp("inputs")
    save_policy(load_policy("tiny"), root / "model")
    found = {"data_build": built_data}
    for stage in ("sft_attribute", "sft_expression", "sft_emotion", "tree_rl"):
        found[stage] = root / stage
        found[stage].mkdir()
        (root / stage / "model").symlink_to(root / "model")
        report = StageReport(stage, f"digest-{stage}", root / stage, {}, 1.0)
        (root / stage / "stage.json").write_text(json.dumps(report.to_json()))
    return found


@pytest.fixture(scope="module")
def killed_and_resumed(inputs, tmp_path_factory):
    """The report of a stage killed in the middle of its third model and started again; the ids of what was answered
    before and after."""
    output = tmp_path_factory.mktemp("store") / "face15_eval"
    before, after = [], []
    ask = evaluate.ask

    def recorded(into, stop=None):
        def asking(sampler, questions, config):
            for batch in ask(sampler, questions, config):
                if len(into) == stop:
                    raise KeyboardInterrupt
                into.append([prediction.id for prediction in batch])
                yield batch

        return asking

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "ask", recorded(before, stop=5))
        with pytest.raises(KeyboardInterrupt):
            evaluate.run(PARAMS, inputs, output)
        assert not output.exists()
        patch.setattr(evaluate, "ask", recorded(after))
        return evaluate.run(PARAMS, inputs, output), before, after


@pytest.fixture(scope="module")
def report(killed_and_resumed):
    return killed_and_resumed[0]


def lines(output, model):
    return read_predictions(output / "predictions" / f"{model}.jsonl").predictions


def test_every_model_answers_every_test_question_once(report, inputs):
    questions = choose_questions(open_dataset(inputs["data_build"]), 2)
    for model in evaluate.MODELS:
        assert [p.id for p in lines(report.output, model)] == [sample.id for sample in questions.samples]
    assert questions.clips == 2


def test_scores_and_metrics_hold_every_model(report):
    scores = json.loads((report.output / "scores.json").read_text())
    assert tuple(scores["models"]) == evaluate.MODELS
    assert scores["judge"] == "rules"
    value, low, high = scores["models"]["rl"]["mean15"]
    assert low <= value <= high
    assert {f"mean15.{model}" for model in evaluate.MODELS} <= set(report.metrics)
    assert {f"table.base.{table}" for table in ("attribute", "expression", "understanding")} <= set(report.metrics)


def test_reasoning_changes_the_whole_trees_only(report):
    for plain, reasoned in zip(lines(report.output, "rl"), lines(report.output, "rl_reasoning"), strict=True):
        if plain.part not in evaluate.REASONED:
            assert plain == reasoned


def test_what_was_answered_before_a_kill_is_not_asked_again(killed_and_resumed, inputs):
    _, before, after = killed_and_resumed
    samples = [sample.id for sample in choose_questions(open_dataset(inputs["data_build"]), 2).samples]
    asked = sorted(sample for batch in (*before, *after) for sample in batch)
    assert asked == sorted(samples * 5)  # rl_reasoning reasons, and takes the rest from rl
    assert len(before) == 5


def test_the_clips_asked_about_are_always_the_same_and_whole(inputs):
    dataset = open_dataset(inputs["data_build"])
    few, more = choose_questions(dataset, 1), choose_questions(dataset, 2)
    assert {s.id for s in few.samples} < {s.id for s in more.samples}
    chosen = {s.clip for s in few.samples}
    assert {s.id for s in few.samples} == {s.id for s in dataset.of(split="test") if s.clip in chosen}


def test_a_video_is_encoded_once_for_all_questions_about_its_clip(inputs):
    policy = load_policy("tiny")
    seen = []
    policy.model.model.visual.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(len(kwargs["grid_thw"])), with_kwargs=True
    )
    questions = choose_questions(open_dataset(inputs["data_build"]), 2)
    config = Evaluation(max_new_tokens=40)  # more than the answer to a single choice may take
    answers = [answer for batch in ask(HfSampler(policy), questions, config) for answer in batch]
    assert sum(seen) == questions.clips
    assert len(answers) > 15 * questions.clips


def test_progress_ends_where_everything_is_asked(inputs, tmp_path):
    questions = choose_questions(open_dataset(inputs["data_build"]), 1)
    reached = []
    asking = partial(ask, HfSampler(load_policy("tiny")), config=PARAMS.evaluation)
    answered(tmp_path / "kept.jsonl", questions, asking, lambda done, total: reached.append((done, total)))
    assert reached[-1] == (len(questions.samples), len(questions.samples))


def test_an_answer_cut_short_by_a_kill_is_asked_again(inputs, tmp_path):
    questions = choose_questions(open_dataset(inputs["data_build"]), 1)
    asking = partial(ask, HfSampler(load_policy("tiny")), config=PARAMS.evaluation)
    kept = tmp_path / "kept.jsonl"
    whole = answered(kept, questions, asking, lambda done, total: None)
    kept.write_bytes(kept.read_bytes()[:-30])
    asked = []

    def counted(questions):
        asked.extend(sample.id for sample in questions.samples)
        return asking(questions)

    again = answered(kept, questions, counted, lambda done, total: None)
    assert [answer.response for answer in again] == [answer.response for answer in whole]
    assert asked == [whole[-1].id]
