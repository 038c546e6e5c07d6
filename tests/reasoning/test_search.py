import pytest

from videmo.config import Reasoning
from videmo.generation.hf import HfSampler
from videmo.generation.rollout import RolloutNode
from videmo.reasoning.search import answers_apart, rank, reason, reason_in_one, trees_apart
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import ask

DESCRIBE = PARTS["fine_caption"].question


def segment(text, logprob=-0.1):
    return RolloutNode("attribute", f"<attribute>{text}</attribute>", (1, 2), (logprob, logprob), -1)


def test_the_candidate_that_most_agree_with_wins():
    ranked = rank([segment("age: young"), segment("age: elderly; gender: male"), segment("age: young")], 0.1)
    assert max(range(3), key=lambda place: ranked[place].score) != 1
    assert ranked[0].distance < ranked[1].distance


def test_likelihood_decides_between_equals():
    ranked = rank([segment("age: young", -2.0), segment("age: young", -0.5)], 0.1)
    assert ranked[0].distance == ranked[1].distance == 0
    assert ranked[1].score - ranked[0].score == pytest.approx(0.15)


def test_what_cannot_be_read_is_marked():
    ranked = rank([segment("age: young"), RolloutNode("attribute", "<attribute>age", (1,), (0.0,), -1)], 0.1)
    assert [candidate.readable for candidate in ranked] == [True, False]


def test_one_candidate_is_greedy_decoding(noise_videos, speaking_policy):
    sampler, prompts = HfSampler(speaking_policy), [(noise_videos[0], DESCRIBE)]
    assert reason(sampler, prompts, Reasoning(candidates=1))[0].answer == sampler.answer(prompts)[0]


def test_the_answer_is_the_chosen_candidates_one_after_the_other(noise_videos, speaking_policy):
    sampler, prompts = HfSampler(speaking_policy), [(video, DESCRIBE) for video in noise_videos[:2]]
    searches = reason(sampler, prompts, Reasoning(candidates=4, temperature=0.5), seed=5)
    assert any(len(search.candidates) == 3 for search in searches)
    for search in searches:
        chosen = [choice.candidates[choice.chosen].text for choice in search.candidates]
        assert search.answer.text == "".join(chosen)
        assert all(len(choice.candidates) == 4 for choice in search.candidates)
    assert searches == reason(sampler, prompts, Reasoning(candidates=4, temperature=0.5), seed=5)


def answer(text, logprob=-0.1):
    return RolloutNode("answer", text, (1, 2), (logprob, logprob), -1)


def test_of_several_answers_the_one_that_shares_most_with_the_others_wins():
    texts = ("none", "AU1, AU2", "AU1, AU2, AU4", "AU1, AU4")
    ranked = rank([answer(text) for text in texts], 0.1, answers_apart(PARTS["action_units"], None))
    assert max(range(4), key=lambda place: ranked[place].score) == 2
    assert ranked[0].distance == 1
    assert ranked[2].distance == pytest.approx((1 + 2 * (1 - 0.8)) / 3)


def test_of_single_choices_the_majority_wins_and_what_says_nothing_cannot_be_read():
    texts = ("happy", "sad", "sad", "perhaps")
    ranked = rank([answer(text) for text in texts], 0.1, answers_apart(PARTS["emotion_dfew"], None))
    assert [candidate.distance for candidate in ranked] == pytest.approx([1, 2 / 3, 2 / 3, 1])
    assert [candidate.readable for candidate in ranked] == [True, True, True, False]


def test_an_answer_without_levels_is_searched_in_one_piece(noise_videos, speaking_policy):
    sampler = HfSampler(speaking_policy)
    asked = [("emotion_dfew", answers_apart(PARTS["emotion_dfew"], None)), ("action_caption", trees_apart)]
    prompts = [(noise_videos[0], ask(PARTS[part])) for part, _ in asked]
    apart = [how for _, how in asked]
    plain = sampler.answer(prompts, max_new_tokens=20)
    searches = reason_in_one(sampler, prompts, apart, Reasoning(candidates=4), max_new_tokens=20)
    for search, said in zip(searches, plain, strict=True):
        ((_, candidates, chosen),) = [(c.level, c.candidates, c.chosen) for c in search.candidates]
        assert candidates[0].text == said.text  # the likeliest is always among them
        assert search.answer.text == candidates[chosen].text
        assert candidates[chosen].score == max(
            c.score for c in candidates if c.readable or not any(r.readable for r in candidates)
        )
    alone = reason_in_one(sampler, prompts, apart, Reasoning(candidates=1), max_new_tokens=20)
    assert [search.answer for search in alone] == plain
