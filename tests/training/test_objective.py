import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from videmo.training.objective import (
    clipped_terms,
    kl_terms,
    leaves_below,
    level_advantages,
    node_values,
    sequence_mean,
    token_mean,
)

rewards = st.floats(0, 1, allow_nan=False)


@st.composite
def forests(draw):
    """Parents before children, any shape."""
    size = draw(st.integers(1, 20))
    return [draw(st.integers(-1, node - 1)) for node in range(size)]


@st.composite
def valued_forests(draw):
    parent = draw(forests())
    return parent, torch.tensor(draw(st.lists(rewards, min_size=len(parent), max_size=len(parent))), dtype=torch.double)


def families(parent):
    return [[node for node, above in enumerate(parent) if above == one] for one in set(parent)]


@given(valued_forests())
def test_advantages_of_siblings_sum_to_zero(forest):
    parent, values = forest
    advantages = level_advantages(values, parent).advantages
    for siblings in families(parent):
        if len(siblings) > 1:
            assert abs(float(advantages[siblings].sum())) < 1e-6


@given(forests(), rewards)
def test_siblings_that_agree_have_no_advantage_and_are_counted(parent, value):
    found = level_advantages(torch.full((len(parent),), value, dtype=torch.double), parent)
    assert not found.advantages.any()
    assert found.spreadless == found.groups == sum(len(siblings) > 1 for siblings in families(parent))


@given(valued_forests(), st.floats(-5, 5))
def test_adding_the_same_to_every_value_changes_no_advantage(forest, shift):
    parent, values = forest
    values = values.round(decimals=3)  # spreads far from rounding
    shifted = level_advantages(values + shift, parent).advantages
    assert torch.allclose(shifted, level_advantages(values, parent).advantages, atol=1e-6)


@given(valued_forests())
def test_the_better_sibling_has_the_greater_advantage(forest):
    parent, values = forest
    values = values.round(decimals=3)
    advantages = level_advantages(values, parent).advantages
    for siblings in families(parent):
        if len(siblings) > 1:
            assert torch.equal(values[siblings].argsort(stable=True), advantages[siblings].argsort(stable=True))


@given(st.lists(rewards, min_size=2, max_size=8))
def test_a_chain_is_plain_grpo(leaf_rewards):
    group = torch.tensor(leaf_rewards, dtype=torch.double)
    count = len(leaf_rewards)
    parent = [-1] * count + list(range(count)) + list(range(count, 2 * count))  # branching (G, 1, 1)
    values = node_values(torch.cat([torch.zeros(2 * count), group]), torch.zeros(3 * count), parent)
    advantages = level_advantages(values, parent).advantages.view(3, count)
    spread = group.std(correction=0)
    expected = (group - group.mean()) / (spread + 1e-4) if spread > 1e-9 else torch.zeros(count, dtype=torch.double)
    assert torch.allclose(advantages, expected.expand(3, count), atol=1e-9)


def test_an_inner_node_is_worth_the_mean_of_its_leaves_and_its_own_level():
    parent = [-1, -1, 0, 0, 1]
    values = node_values(torch.tensor([9.0, 9, 0.2, 0.6, 0.9]), torch.tensor([0.1, 0.3, 9, 9, 9]), parent)
    assert values.tolist() == pytest.approx([0.5, 1.2, 0.2, 0.6, 0.9])
    assert leaves_below(parent) == [[2, 3], [4], [2], [3], [4]]


def test_the_clip_holds_each_side_at_its_own_bound():
    sampled = torch.zeros(4)
    logprobs = torch.tensor([0.5, 0.5, -0.5, -0.5])
    advantages = torch.tensor([1.0, -1, 1, -1])
    loss, held = clipped_terms(logprobs, sampled, advantages, low=0.2, high=0.28)
    assert loss.tolist() == pytest.approx([-1.28, math.exp(0.5), -math.exp(-0.5), 0.8])
    assert held.tolist() == [True, False, False, True]


def test_a_held_token_has_no_gradient():
    logprobs = torch.tensor([0.5, 0.1], requires_grad=True)
    clipped_terms(logprobs, torch.zeros(2), torch.ones(2), 0.2, 0.28)[0].sum().backward()
    assert logprobs.grad.tolist() == pytest.approx([0.0, -math.exp(0.1)])


@given(st.lists(st.tuples(st.floats(-20, 0), st.floats(-20, 0)), min_size=1))
def test_the_penalty_is_never_negative_and_zero_only_for_the_reference(pairs):
    policy, reference = (torch.tensor(side, dtype=torch.double) for side in zip(*pairs, strict=True))
    assert (kl_terms(policy, reference) >= 0).all()
    assert not kl_terms(policy, policy).any()


@settings(deadline=None)
@given(st.integers(0, 100))
def test_the_penalty_is_an_unbiased_estimate_of_the_divergence(seed):
    generator = torch.Generator().manual_seed(seed)
    policy, reference = torch.randn(2, 5, generator=generator, dtype=torch.double).log_softmax(-1)
    expected = (policy.exp() * (policy - reference)).sum()
    assert float((policy.exp() * kl_terms(policy, reference)).sum()) == pytest.approx(float(expected), rel=1e-9)


def test_token_mean_weighs_tokens_and_sequence_mean_weighs_sequences():
    terms = torch.tensor([[1.0, 1, 1, 4], [7, 7, 0, 0]])
    sequence = torch.tensor([[0, 0, 0, 1], [2, 2, -1, -1]])
    assert float(token_mean(terms, sequence >= 0)) == pytest.approx(21 / 6)
    assert float(sequence_mean(terms, sequence)) == pytest.approx((1 + 4 + 7) / 3)
    assert float(sequence_mean(terms, torch.full((2, 4), -1))) == 0
