"""How a model is asked, whatever it is asked for."""

from default_settings import evaluation_settings, execution_settings, params_with, reasoning_settings

from videmo.backbone.loading import load_policy
from videmo.data.shards import open_dataset
from videmo.evaluation import answers
from videmo.evaluation.answers import ask, choose_questions, plain_answers, reasoned_answers
from videmo.generation.hf import HfSampler

PARAMS = params_with(
    {
        "data": {"frames": 2, "frame_size": 56},
        "evaluation": {"max_clips": 2, "max_new_tokens": 4, "resamples": 50},
        "execution": {"answer_batch": 1},
        "reasoning": {"candidates": 2},
    }
)


def test_what_reasons_may_say_as_much_as_the_settings_allow(inputs):
    trees = choose_questions(open_dataset(inputs["data_build"]), 1).only(*answers.REASONED)
    sampler = HfSampler(load_policy("tiny"))
    for candidates in (1, 2):
        (one, *_) = answers.ask_reasoning(sampler, trees, PARAMS.evaluation, reasoning_settings(candidates=candidates))
        assert 0 < len(one.logprobs) <= 4 * (1 if candidates == 1 else 3)


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
    config = evaluation_settings(max_new_tokens=40)  # more than the answer to a single choice may take
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
    params = PARAMS.model_copy(update={"execution": execution_settings(answer_batch=2)})  # a clip at a time
    questions = choose_questions(open_dataset(inputs["data_build"]), 2)
    sampler, kept = HfSampler(load_policy("tiny")), tmp_path / "kept.jsonl"
    plain = plain_answers(sampler, questions, PARAMS, tmp_path / "plain.jsonl", no_progress)
    found = reasoned_answers(sampler, questions, params, kept, no_progress, plain)
    kept.write_bytes(kept.read_bytes()[:-30])
    again = reasoned_answers(sampler, questions, params, kept, no_progress, plain)
    assert [one.response for one in again] == [one.response for one in found]


def test_a_search_finds_the_same_however_many_questions_are_answered_at_once(inputs, tmp_path):
    policy, data = load_policy("tiny"), inputs["data_build"]
    longer = PARAMS.model_copy(update={"evaluation": evaluation_settings(max_clips=2, max_new_tokens=8)})
    found = []
    for batch in (1, 64):
        params = longer.model_copy(update={"execution": execution_settings(answer_batch=batch)})
        plain = plain_answers(HfSampler(policy), choose_questions(open_dataset(data), 2), params,
                              tmp_path / f"plain-{batch}", no_progress)  # fmt: skip
        found.append(reasoned_answers(HfSampler(policy, batch), choose_questions(open_dataset(data), 2), params,
                                      tmp_path / f"reasoned-{batch}", no_progress, plain))  # fmt: skip
    assert [one.response for one in found[0]] == [one.response for one in found[1]]
