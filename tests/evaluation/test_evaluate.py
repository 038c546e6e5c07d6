import json

import pytest

from videmo.backbone.loading import load_policy, save_policy
from videmo.data.shards import open_dataset
from videmo.evaluation import answers, evaluate
from videmo.evaluation.answers import ask, choose_questions, plain_answers, reasoned_answers
from videmo.evaluation.predictions import read_predictions
from videmo.generation.hf import HfSampler
from videmo.settings.data import Data
from videmo.settings.evaluation import Evaluation, Reasoning
from videmo.settings.execution import Execution
from videmo.settings.params import Params
from videmo.settings.sections import EvalSettings
from videmo.stages.report import StageReport

PARAMS = Params(
    data=Data(frames=2, frame_size=56),
    evaluation=Evaluation(max_clips=2, max_new_tokens=4, resamples=50),
    execution=Execution(answer_batch=1),
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
    ask = answers.ask

    def recorded(into, stop=None):
        def asking(sampler, questions, config):
            if len(into) == stop:
                raise KeyboardInterrupt
            into.append([sample.id for sample in questions.samples])
            return ask(sampler, questions, config)

        return asking

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "ask", recorded(before, stop=5))
        with pytest.raises(KeyboardInterrupt):
            evaluate.run(EvalSettings.of(PARAMS, "face15_eval"), inputs, output)
        assert not output.exists()
        patch.setattr(answers, "ask", recorded(after))
        return evaluate.run(EvalSettings.of(PARAMS, "face15_eval"), inputs, output), before, after


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


def test_reasoning_answers_the_questions_for_whole_trees_and_no_others(report, inputs):
    plain, reasoned = (lines(report.output, model) for model in ("rl", "rl_reasoning"))
    trees = choose_questions(open_dataset(inputs["data_build"]), 2).only(*answers.REASONED)
    sampler, settings = HfSampler(load_policy("tiny")), PARAMS.evaluation
    searched = [
        one for batch in trees.by_clips(1) for one in answers.ask_reasoning(sampler, batch, settings, PARAMS.reasoning)
    ]
    assert [one.response for one in reasoned if one.part in answers.REASONED] == [one.response for one in searched]
    assert [one for one in reasoned if one.part not in answers.REASONED] == [
        one for one in plain if one.part not in answers.REASONED
    ]


def test_what_reasons_may_say_as_much_as_the_settings_allow(inputs):
    trees = choose_questions(open_dataset(inputs["data_build"]), 1).only(*answers.REASONED)
    sampler = HfSampler(load_policy("tiny"))
    for candidates in (1, 2):
        (one, *_) = answers.ask_reasoning(sampler, trees, PARAMS.evaluation, Reasoning(candidates=candidates))
        assert 0 < len(one.logprobs) <= 4 * (1 if candidates == 1 else 3)


@pytest.mark.parametrize("model", ["base", "rl_reasoning"])
def test_a_kill_after_the_last_answer_leaves_nothing_behind(inputs, tmp_path, monkeypatch, model):
    write = evaluate.write_predictions

    def killed(path, predictions):
        write(path, predictions)
        if path.name == f"{model}.jsonl":
            raise KeyboardInterrupt

    few = PARAMS.model_copy(update={"evaluation": Evaluation(max_clips=1, max_new_tokens=2, resamples=10)})
    params = EvalSettings.of(few, "face15_eval")
    monkeypatch.setattr(evaluate, "write_predictions", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(params, inputs, tmp_path / "face15_eval")
    monkeypatch.setattr(evaluate, "write_predictions", write)
    output = evaluate.run(params, inputs, tmp_path / "face15_eval").output
    assert sorted(path.stem for path in (output / "predictions").iterdir()) == sorted(evaluate.MODELS)


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
    policy.tower.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(len(kwargs["grid_thw"])), with_kwargs=True
    )
    questions = choose_questions(open_dataset(inputs["data_build"]), 2)
    config = Evaluation(max_new_tokens=40)  # more than the answer to a single choice may take
    assert len(ask(HfSampler(policy), questions, config)) > 15 * questions.clips
    assert sum(seen) == questions.clips


def no_progress(done, total):
    pass


def test_progress_ends_where_everything_is_asked(inputs, tmp_path):
    questions = choose_questions(open_dataset(inputs["data_build"]), 2)
    reached = []
    sampler = HfSampler(load_policy("tiny"))
    plain_answers(sampler, questions, PARAMS, tmp_path / "kept", lambda done, total: reached.append((done, total)))
    assert len(reached) == 2
    assert reached[-1] == (len(questions.samples), len(questions.samples))


def test_the_batch_of_an_answer_cut_short_by_a_kill_is_asked_again_and_no_other(inputs, tmp_path, monkeypatch):
    questions = choose_questions(open_dataset(inputs["data_build"]), 2)
    sampler, kept = HfSampler(load_policy("tiny")), tmp_path / "kept.jsonl"
    plain = plain_answers(sampler, questions, PARAMS, kept, no_progress)
    kept.write_bytes(kept.read_bytes()[:-30])
    asked = []
    monkeypatch.setattr(answers, "ask", lambda *a, **k: asked.append(ask(*a, **k)) or asked[-1])
    assert [one.response for one in plain_answers(sampler, questions, PARAMS, kept, no_progress)] == [
        one.response for one in plain
    ]
    assert [{one.clip for one in batch} for batch in asked] == [{plain[-1].clip}]


def test_a_search_that_was_cut_short_finds_what_it_would_have_found(inputs, tmp_path):
    questions = choose_questions(open_dataset(inputs["data_build"]), 2)
    sampler, kept = HfSampler(load_policy("tiny")), tmp_path / "kept.jsonl"
    params = PARAMS.model_copy(
        update={"evaluation": Evaluation(max_new_tokens=8), "execution": Execution(answer_batch=4)}
    )
    plain = plain_answers(sampler, questions, params, tmp_path / "plain.jsonl", no_progress)
    found = reasoned_answers(sampler, questions, params, kept, no_progress, plain)
    kept.write_bytes(kept.read_bytes()[:-30])
    again = reasoned_answers(sampler, questions, params, kept, no_progress, plain)
    assert [one.response for one in again] == [one.response for one in found]
