import pytest
from default_settings import reasoning_settings

from videmo.generation.hf import HfSampler
from videmo.generation.rollout import RolloutNode
from videmo.reasoning.search import rank, reason
from videmo.tasks.catalog import PARTS

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
    (found,) = reason(sampler, prompts, reasoning_settings(candidates=1), 200, [5])
    assert found.answer == sampler.answer(prompts, 200)[0]


def test_the_answer_is_the_chosen_candidates_one_after_the_other(noise_videos, speaking_policy):
    sampler, prompts = HfSampler(speaking_policy), [(video, DESCRIBE) for video in noise_videos[:2]]
    searches = reason(sampler, prompts, reasoning_settings(candidates=4, temperature=0.5), 160, [5, 6])
    assert any(len(search.selections) == 3 for search in searches)
    for search in searches:
        chosen = [selection.candidates[selection.chosen].text for selection in search.selections]
        assert search.answer.text == "".join(chosen)
        assert all(len(selection.candidates) == 4 for selection in search.selections)
    assert searches == reason(sampler, prompts, reasoning_settings(candidates=4, temperature=0.5), 160, [5, 6])
