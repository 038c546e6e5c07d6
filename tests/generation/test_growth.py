import pytest
from hypothesis import given
from hypothesis import strategies as st

from videmo.generation.growth import Growth, growth_levels, slots
from videmo.generation.rollout import RolloutNode

BRANCHINGS = st.tuples(*[st.integers(1, 4)] * 3)


def grown(prompts, branching, keep=None, complete=lambda place: True):
    """Rollouts whose segments name the slot they were grown in, and the slots of each level."""
    growth, used = Growth(prompts, keep), []
    for step in growth_levels(branching):
        places = growth.branch(step.children)
        used.append([place.slot for place in places])
        nodes = [RolloutNode(step.level, str(p.slot), (1,), (0.0,), p.node, complete(p)) for p in places]
        growth.add(places, nodes, step.children)
    return growth.rollouts(), used


@given(BRANCHINGS, st.integers(1, 3))
def test_every_slot_of_every_level_is_used_once(branching, prompts):
    rollouts, used = grown(range(prompts), branching)
    assert [sorted(level) for level in used] == [list(range(count)) for count in slots(prompts, branching)]
    assert all(len(rollout.leaves()) == branching[0] * branching[1] * branching[2] for rollout in rollouts)


@given(BRANCHINGS)
def test_a_prompt_grows_in_the_same_slots_alone_and_in_company(branching):
    together, _ = grown(range(3), branching)
    alone, _ = grown([1], branching)
    assert alone == [together[1]]


def test_children_follow_the_segment_they_were_asked_for():
    (rollout,), _ = grown([0], (2, 2, 2))
    assert all(int(node.text) // 2 == int(rollout.nodes[node.parent].text) for node in rollout.nodes[2:])


def test_what_is_not_complete_and_what_is_not_kept_has_no_children():
    (rollout,), _ = grown([0], (2, 3, 1), complete=lambda place: place.slot != 0)
    assert 0 not in rollout.parents
    (rollout,), _ = grown([0], (3, 3, 3), keep=lambda _, siblings: siblings[2])
    assert set(rollout.parents) == {-1, 2, 5}


def test_nothing_is_asked_for_where_nothing_goes_on():
    (rollout,), used = grown([0], (2, 2, 2), complete=lambda place: False)
    assert len(rollout.nodes) == 2
    assert used[1:] == [[], []]


def test_one_number_grows_whole_answers():
    (step,) = growth_levels((4,))
    assert (step.level, step.tag, step.children) == ("answer", None, 4)


def test_two_numbers_are_refused():
    with pytest.raises(ValueError, match="one number for whole answers, or 3"):
        growth_levels((2, 2))
