import pytest
import torch

from benchmarks.evaluation import one_by_one
from videmo.backbone.prefix_tree import collate, token_logprobs
from videmo.backbone.qwen2_5_vl.tiny import random_policy
from videmo.generation.decoding import SMALL, choose, few_threads
from videmo.generation.hf import HfSampler
from videmo.tasks.catalog import PARTS
from videmo.training.forest import rollout_mask, rollout_tree, sampled_logprobs

DESCRIBE = PARTS["fine_caption"].question
QUESTIONS = ("What is the age?", "What is the hair colour? Choose one: black, blond, brown.", DESCRIBE)


def texts(rollouts):
    return [[node.text for node in rollout.nodes] for rollout in rollouts]


@pytest.fixture(scope="module")
def prompts(noise_videos):
    return [(video, DESCRIBE) for video in noise_videos]


@pytest.fixture
def seeds(prompts):
    return range(len(prompts))


@pytest.mark.parametrize("speaks", [False, True])
def test_greedy_answers_equal_those_of_plain_transformers(noise_videos, speaking_policy, speaks):
    policy = speaking_policy if speaks else random_policy(1)
    prompts = [(noise_videos[index % 3], question) for index, question in enumerate(QUESTIONS * 2)]
    answers = HfSampler(policy).answer(prompts, max_new_tokens=24)
    assert [list(answer.tokens) for answer in answers] == one_by_one(policy, prompts, [24] * len(prompts))


def test_an_answer_does_not_depend_on_its_batch(noise_videos, speaking_policy):
    prompts = [(video, question) for video in noise_videos[:2] for question in QUESTIONS]
    together = HfSampler(speaking_policy).answer(prompts, max_new_tokens=12)
    alone = HfSampler(speaking_policy, rows=1, prefix_tokens=1).answer(prompts, max_new_tokens=12)
    assert [answer.tokens for answer in together] == [answer.tokens for answer in alone]


def test_answers_of_one_batch_end_at_limits_of_their_own(noise_videos, speaking_policy):
    prompts = [(noise_videos[0], question) for question in QUESTIONS]
    whole = HfSampler(speaking_policy).answer(prompts, max_new_tokens=12)
    for answer, full, limit in zip(
        HfSampler(speaking_policy).answer(prompts, [1, 12, 5]), whole, (1, 12, 5), strict=True
    ):
        assert answer.tokens == full.tokens[:limit]


def test_a_clip_is_seen_once_for_all_its_questions(noise_videos, speaking_policy):
    seen = []
    hook = speaking_policy.tower.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    HfSampler(speaking_policy).answer([(noise_videos[0], question) for question in QUESTIONS], max_new_tokens=2)
    hook.remove()
    assert seen == [len(noise_videos[0].pixels)]


def test_the_same_seed_grows_the_same_tree_whatever_the_batch(seeds, prompts, speaking_policy):
    grown = HfSampler(speaking_policy).grow(prompts, seeds, max_segment_tokens=30)
    assert texts(grown) == texts(HfSampler(speaking_policy, rows=8).grow(prompts, seeds, max_segment_tokens=30))
    assert texts(grown) != texts(
        HfSampler(speaking_policy).grow(prompts, [seed + 9 for seed in seeds], max_segment_tokens=30)
    )


def test_log_probabilities_of_sampling_are_those_of_the_training_pass(seeds, prompts, speaking_policy):
    for branching in ((3, 2, 2), (6,)):
        rollouts = HfSampler(speaking_policy).grow(prompts, seeds, branching, temperature=1.3, max_segment_tokens=30)
        trees = [rollout_tree(speaking_policy, *prompt, grown) for prompt, grown in zip(prompts, rollouts, strict=True)]
        batch = collate(speaking_policy, trees)
        wanted = rollout_mask(batch)
        trained = token_logprobs(speaking_policy, batch, wanted, temperature=1.3)
        assert (trained - sampled_logprobs(rollouts, wanted)).abs().max() < 1e-4


def test_segments_end_at_their_tags_and_answers_at_the_end_of_the_turn(seeds, prompts, speaking_policy):
    rollouts = HfSampler(speaking_policy).grow(prompts, seeds, (2, 2, 2), max_segment_tokens=30)
    nodes = [node for rollout in rollouts for node in rollout.nodes]
    closed = [node for node in nodes if node.level != "emotion" and node.complete]
    assert any(node.level == "expression" for node in closed)
    assert all(node.text.endswith(f"</{node.level}>") for node in closed)
    ended = [node for node in nodes if node.level == "emotion" and node.complete]
    assert ended
    assert all(node.tokens[-1] == speaking_policy.end_of_turn for node in ended)


def test_what_does_not_close_is_not_continued(seeds, prompts, speaking_policy):
    for rollout in HfSampler(speaking_policy).grow(prompts, seeds, (2, 2, 2), max_segment_tokens=3):
        assert not any(node.complete for node in rollout.nodes)
        assert rollout.parents == [-1, -1]
        assert rollout.leaves() == [node.text for node in rollout.nodes]


def test_only_the_kept_sibling_has_children(seeds, prompts, speaking_policy):
    rollouts = HfSampler(speaking_policy).grow(
        prompts, seeds, (3, 3, 3), max_segment_tokens=30, keep=lambda rollout, siblings: siblings[1]
    )
    for rollout in rollouts:
        assert set(rollout.parents) <= {-1, 1, 4}


def test_where_one_sibling_is_kept_the_first_is_what_plain_decoding_says(seeds, prompts, speaking_policy):
    sampler = HfSampler(speaking_policy)
    rollouts = sampler.grow(
        prompts, seeds, (3, 3, 3), 1.0, max_segment_tokens=40, keep=lambda rollout, siblings: siblings[0]
    )
    answers = sampler.answer(prompts, max_new_tokens=120)
    assert any(len(rollout.nodes) > 3 for rollout in rollouts)
    for rollout, answer in zip(rollouts, answers, strict=True):
        first = rollout.path(max(rollout.parents) if max(rollout.parents) >= 0 else 0)
        said = [token for node in first for token in rollout.nodes[node].tokens]
        assert answer.tokens[: len(said)] == tuple(said)
        kept = [logprob for node in first for logprob in rollout.nodes[node].logprobs]
        assert kept == pytest.approx(answer.logprobs[: len(said)], abs=1e-4)


def test_branching_of_two_levels_is_refused(seeds, prompts, speaking_policy):
    with pytest.raises(ValueError, match="one number for whole answers, or 3"):
        HfSampler(speaking_policy).grow(prompts, seeds, (2, 2))


def test_tokens_are_drawn_in_proportion_to_their_probability():
    logits = torch.tensor([[0.0, 1.0, -torch.inf, 2.0]])
    numbers = (torch.arange(10_000) + 0.5) / 10_000
    tokens, logprobs = choose(logits.expand(10_000, -1), 0.5, numbers)
    expected = torch.softmax(logits[0] / 0.5, dim=-1)
    assert torch.allclose(torch.bincount(tokens, minlength=4) / 10_000, expected, atol=2e-4)
    assert torch.allclose(logprobs.exp(), expected[tokens], atol=1e-6)


def test_a_pad_of_the_vision_tower_is_never_drawn():
    tokens, _ = choose(torch.zeros(100, 4), 1.0, torch.arange(100) / 100, never=(0, 3))
    assert set(tokens.tolist()) == {1, 2}


def test_a_small_step_takes_one_thread_and_leaves_the_others_as_they_were():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with few_threads(SMALL - 1):
            assert torch.get_num_threads() == 1
        with few_threads(SMALL):
            assert torch.get_num_threads() == 2
        with pytest.raises(ZeroDivisionError), few_threads(1):
            1 / 0  # noqa: B018
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
