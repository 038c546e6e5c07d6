import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from videmo.training.objective import (
    clipped_terms,
    kl_terms,
    leaves_below,
    level_advantages,
    node_values,
    sequence_weights,
    token_weights,
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


@given(st.lists(rewards, min_size=2, max_size=8), st.integers(0, 100))
def test_a_chain_is_plain_grpo(leaf_rewards, seed):
    group = torch.tensor(leaf_rewards, dtype=torch.double)
    count = len(leaf_rewards)
    parent = [-1] * count + list(range(count)) + list(range(count, 2 * count))  # branching (G, 1, 1)
    own = torch.rand(3 * count, generator=torch.Generator().manual_seed(seed))
    values = node_values(torch.cat([torch.zeros(2 * count), group]), own, parent)
    found = level_advantages(values, parent)
    spread = group.std(correction=0)
    expected = (group - group.mean()) / (spread + 1e-4) if spread > 1e-9 else torch.zeros(count, dtype=torch.double)
    assert torch.allclose(found.advantages.view(3, count), expected.expand(3, count), atol=1e-9)
    chosen = torch.arange(count) if spread > 1e-9 else torch.full((count,), -1)
    assert torch.equal(found.choice.view(3, count), chosen.expand(3, count))


def test_an_inner_node_is_worth_the_mean_of_its_leaves_and_its_own_level_where_a_choice_follows():
    parent = [-1, -1, 0, 0, 1]
    values = node_values(torch.tensor([9.0, 9, 0.2, 0.6, 0.9]), torch.tensor([0.1, 0.3, 9, 9, 9]), parent)
    assert values.tolist() == pytest.approx([0.5, 0.9, 0.2, 0.6, 0.9])
    assert leaves_below(parent) == [[2, 3], [4], [2], [3], [4]]


@given(valued_forests())
def test_a_token_belongs_to_the_nearest_choice_above_it_that_made_a_difference(forest):
    parent, values = forest
    values = values.round(decimals=3)
    found = level_advantages(values, parent)
    for node, above in enumerate(parent):
        siblings = [other for other, of in enumerate(parent) if of == above]
        if len(siblings) > 1:
            differs = bool((values[siblings] != values[siblings[0]]).any())
            assert found.choice[node] == (node if differs else -1)
        else:
            assert found.choice[node] == (found.choice[above] if above >= 0 else -1)
        if found.choice[node] < 0:
            assert found.advantages[node] == 0


def test_the_spread_of_a_pair_leaves_its_sign_alone_and_without_it_the_gap_counts():
    values = torch.tensor([0.50, 0.51, 0.1, 0.9], dtype=torch.double)
    parent = [-1, -1, 0, 0]
    assert level_advantages(values, parent).advantages.tolist() == pytest.approx([-1, 1, -1, 1], abs=0.02)
    plain = level_advantages(values, parent, by_group=False)
    assert plain.advantages.tolist() == pytest.approx([-0.005, 0.005, -0.4, 0.4])
    assert plain.choice.tolist() == [0, 1, 2, 3]


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


logprobs = st.floats(-20, 0)


@given(st.lists(st.tuples(logprobs, logprobs, logprobs), min_size=1))
def test_the_penalty_is_never_negative_and_zero_for_the_reference(tokens):
    policy, reference, sampled = (torch.tensor(side, dtype=torch.double) for side in zip(*tokens, strict=True))
    assert (kl_terms(policy, reference, sampled) >= 0).all()
    assert not kl_terms(policy, policy, sampled).any()


@given(st.integers(0, 100))
def test_the_penalty_is_unbiased_and_so_is_its_gradient_whichever_policy_made_the_samples(seed):
    generator = torch.Generator().manual_seed(seed)
    logits, reference, sampled = torch.randn(3, 5, generator=generator, dtype=torch.double) * 2
    logits.requires_grad_(True)
    reference, sampled = reference.log_softmax(-1), sampled.log_softmax(-1)
    policy = logits.log_softmax(-1)
    exact = (policy.exp() * (policy - reference)).sum()
    for made_by in (sampled, policy.detach()):  # of an earlier epoch, and of the first
        estimate = (made_by.exp() * kl_terms(policy, reference, made_by)).sum()
        assert estimate.item() == pytest.approx(exact.item(), rel=1e-9)
        of_exact, of_estimate = (torch.autograd.grad(sum_, logits, retain_graph=True)[0] for sum_ in (exact, estimate))
        assert torch.allclose(of_estimate, of_exact, atol=1e-9)


def test_a_token_whose_probability_an_update_ruined_does_not_outweigh_all_others():
    ruined, reference = torch.tensor([-100.0]), torch.tensor([-0.01])
    assert 0 < float(kl_terms(ruined, reference, reference)) < 1.1  # k3 alone: e^100


@st.composite
def counted_forests(draw):
    parent = draw(forests())
    lengths = draw(st.lists(st.integers(1, 9), min_size=len(parent), max_size=len(parent)))
    counted = draw(st.lists(st.booleans(), min_size=len(parent), max_size=len(parent)))
    return parent, lengths, torch.tensor(counted)


@given(counted_forests())
def test_sequence_weights_give_the_mean_over_answers_of_the_means_over_their_tokens(forest):
    parent, lengths, counted = forest
    terms = [[float(node * 10 + token) for token in range(length)] for node, length in enumerate(lengths)]
    means = []
    for leaf in set(range(len(parent))) - set(parent):
        path, node = [], leaf
        while node >= 0:
            path += terms[node] if counted[node] else []
            node = parent[node]
        means += [sum(path) / len(path)] if path else []
    weights = sequence_weights(counted, lengths, parent)
    assert weights.dtype == torch.float64
    total = sum(float(weights[node]) * length for node, length in enumerate(lengths))
    assert total == pytest.approx(len(means))
    if means:
        weighted = sum(float(weights[node]) * sum(of) for node, of in enumerate(terms))
        assert weighted / total == pytest.approx(sum(means) / len(means))


@given(counted_forests())
def test_token_weights_are_alike_and_zero_where_a_token_does_not_count(forest):
    _, _, counted = forest
    weights = token_weights(counted)
    assert weights.tolist() == [float(one) for one in counted]
    assert weights.dtype == torch.float64
