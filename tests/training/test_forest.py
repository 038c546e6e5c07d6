import re

import pytest
import torch
from default_settings import rl_settings
from hypothesis import given
from hypothesis import strategies as st

from videmo.backbone.prefix_tree import PrefixTree, Segment, collate, token_logprobs
from videmo.backbone.qwen2_5_vl.tiny import random_policy
from videmo.data.samples import Sample
from videmo.generation.rollout import Rollout, RolloutNode
from videmo.tasks.catalog import PARTS
from videmo.training.forest import (
    check_room,
    micro_batches,
    per_token,
    pieces,
    rollout_mask,
    rollout_tree,
    sampled_logprobs,
)
from videmo.training.prompts import prompts
from videmo.tree.model import LEVELS

QUESTION = "What does the face show?"


def grown(lengths, branching=(2, 2, 2)):
    """A rollout of random tokens; the lengths of its nodes are taken in turns."""
    generator = torch.Generator().manual_seed(0)
    nodes, parents = [], [-1]
    for level, children in zip(LEVELS, branching, strict=True):
        above, parents = parents, []
        for parent in above:
            for _ in range(children):
                count = lengths[len(nodes) % len(lengths)]
                tokens = tuple(torch.randint(300, 900, (count,), generator=generator).tolist())
                nodes.append(RolloutNode(level, "", tokens, tuple(-0.1 * token for token in tokens), parent))
                parents.append(len(nodes) - 1)
    return Rollout(tuple(nodes))


@pytest.fixture(scope="module")
def double_policy():
    policy = random_policy(seed=1)
    policy.model.double()
    return policy


def test_a_packed_rollout_has_the_log_probabilities_and_gradients_of_its_unpacked_leaves(double_policy, noise_videos):
    rollout = grown([3, 5, 2, 4])
    batch = collate(double_policy, [rollout_tree(double_policy, noise_videos[0], QUESTION, rollout)])
    packed = token_logprobs(double_policy, batch, rollout_mask(batch))
    advantages = torch.linspace(-1, 1, len(rollout.nodes), dtype=torch.double)
    spread = per_token([advantages], batch)
    alone, seen = 0.0, set()
    for leaf in rollout.leaf_indices():
        path = rollout.path(leaf)
        tokens = torch.tensor([token for node in path for token in rollout.nodes[node].tokens])
        prefix = [double_policy.video_tokens(noise_videos[0]), double_policy.question_tokens(QUESTION)]
        chain = PrefixTree(noise_videos[0], (Segment(torch.cat(prefix), -1), Segment(tokens, 0)))
        single = collate(double_policy, [chain])
        logprobs = token_logprobs(double_policy, single, single.segment == 1)[single.segment == 1]
        in_tree = torch.cat([packed[batch.segment == node + 2] for node in path])
        assert torch.allclose(logprobs, in_tree, rtol=0, atol=1e-12)
        of_nodes = logprobs.split([len(rollout.nodes[node].tokens) for node in path])
        for node, own in zip(path, of_nodes, strict=True):
            alone = alone + (own.sum() * advantages[node].float() if node not in seen else 0.0)
            seen.add(node)
    weights = [weight for weight in double_policy.model.parameters() if weight.requires_grad]
    of_packed = torch.autograd.grad((packed * spread).sum(), weights, allow_unused=True)
    of_leaves = torch.autograd.grad(alone, weights, allow_unused=True)
    for one, other in zip(of_packed, of_leaves, strict=True):
        if other is not None:
            assert (one - other).norm() <= 1e-6 * other.norm()


lengths = st.lists(st.integers(1, 30), min_size=1, max_size=14)
branchings = st.tuples(*[st.integers(1, 3)] * 3)


@given(lengths, branchings, st.integers(1, 50), st.integers(1, 300))
def test_pieces_keep_within_their_budget_and_count_every_token_once(lengths, branching, prefix, room):
    rollout = grown(lengths, branching)
    longest = max(
        sum(len(rollout.nodes[node].tokens) for node in rollout.path(leaf)) for leaf in rollout.leaf_indices()
    )
    tokens = prefix + longest + room
    found = pieces(rollout, prefix, tokens)
    owned = [node for piece in found for node, own in zip(piece.nodes, piece.own, strict=True) if own]
    assert sorted(owned) == list(range(len(rollout.nodes)))
    for piece in found:
        part = piece.of(rollout)
        assert prefix + sum(len(node.tokens) for node in part.nodes) <= tokens
        for index, node in enumerate(piece.nodes):
            path = [piece.nodes[above] for above in part.path(index)]
            assert path == rollout.path(node)


def test_a_rollout_that_fits_is_one_piece_and_an_answer_that_never_does_is_refused():
    rollout = grown([10])
    assert [piece.nodes for piece in pieces(rollout, 5, 145)] == [tuple(range(14))]
    assert len(pieces(rollout, 5, 144)) == 2
    assert len(pieces(rollout, 5, 35)) == 8
    with pytest.raises(ValueError, match=r"execution\.micro_tokens = 34: one answer takes 35 tokens, 5 of them video"):
        pieces(rollout, 5, 34)


def test_a_setting_under_which_an_answer_has_no_room_is_refused_before_the_first_step(double_policy, noise_videos):
    asked = prompts([Sample("c.q", "c", "fine_caption", "emotion", "train", QUESTION, "!")], rl_settings())
    prefix = len(rollout_tree(double_policy, noise_videos[0], QUESTION, Rollout(())))
    enough, tight = (prefix + 3 * 24 - short for short in (0, 1))
    check_room(double_policy, asked, lambda clip: noise_videos[0], rl_settings(max_segment_tokens=24), enough)
    told = rf"execution\.micro_tokens = {tight}: .* {prefix} of them .* use at least {enough}"
    with pytest.raises(ValueError, match=told):
        check_room(double_policy, asked, lambda clip: noise_videos[0], rl_settings(max_segment_tokens=24), tight)


def test_the_number_of_tokens_that_a_refusal_asks_for_suffices_for_captions_and_questions(double_policy, noise_videos):
    part = next(name for name, part in PARTS.items() if part.answers)
    samples = [
        Sample("c.q", "c", "fine_caption", "emotion", "train", QUESTION, "!"),
        Sample("c.p", "c", part, "emotion", "train", QUESTION * 9, "!"),
    ]
    settings = rl_settings(max_segment_tokens=1)
    asked = prompts(samples, settings)
    with pytest.raises(ValueError, match="use at least") as refused:
        check_room(double_policy, asked, lambda clip: noise_videos[0], settings, 1)
    enough = int(re.findall(r"use at least (\d+)", str(refused.value))[0])
    check_room(double_policy, asked, lambda clip: noise_videos[0], settings, enough)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=30), st.integers(1, 400))
def test_micro_batches_hold_every_tree_once_and_no_more_padded_tokens_than_allowed(sizes, tokens):
    trees = [PrefixTree(None, (Segment(torch.zeros(size), -1),)) for size in sizes]
    groups = micro_batches(trees, tokens)
    assert sorted(index for group in groups for index in group) == list(range(len(sizes)))
    for group in groups:
        assert len(group) * max(sizes[index] for index in group) <= tokens or len(group) == 1


def test_values_of_nodes_and_sampled_log_probabilities_stand_at_their_tokens(double_policy, noise_videos):
    rollouts = [grown([2, 3]), grown([1], (1, 2, 1))]
    batch = collate(double_policy, [rollout_tree(double_policy, noise_videos[0], QUESTION, one) for one in rollouts])
    spread = per_token([torch.arange(len(one.nodes)) + 1.0 for one in rollouts], batch)
    kept = sampled_logprobs(rollouts, rollout_mask(batch))
    assert torch.equal(spread, (batch.segment - 1).clamp(min=0).float())
    assert torch.allclose(kept, torch.where(rollout_mask(batch), -0.1 * batch.input_ids, 0.0))
