from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videmo.tree.model import LEVELS, AffectiveTree, Pair
from videmo.tree.ordered import hang
from videmo.tree.vocabulary import ASPECTS

PAIRS = {
    level: [Pair(a.name, item) for a in ASPECTS.values() if a.level == level for item in a.items] for level in LEVELS
}
trees = st.builds(AffectiveTree, **{level: st.lists(st.sampled_from(PAIRS[level]), max_size=20).map(tuple)
                                    for level in LEVELS})  # fmt: skip


def parents(tree: AffectiveTree) -> dict[str, str]:
    nodes = hang(tree)
    names = [f"{node.pair.aspect}: {node.pair.item}" for node in nodes]
    return {name: names[node.parent] if node.parent >= 0 else "root" for name, node in zip(names, nodes, strict=True)}


def test_a_rationale_runs_from_attribute_over_expression_to_emotion():
    tree = AffectiveTree(
        (Pair("lip thickness", "thin"),), (Pair("mouth corners", "lowered"),), (Pair("emotion", "sadness"),)
    )
    assert parents(tree) == {
        "lip thickness: thin": "root",
        "mouth corners: lowered": "lip thickness: thin",
        "emotion: sadness": "mouth corners: lowered",
    }


def test_where_the_expression_is_missing_the_emotion_hangs_from_what_it_would_rest_on():
    tree = AffectiveTree((Pair("lip thickness", "thin"),), (), (Pair("emotion", "sadness"),))
    assert parents(tree)["emotion: sadness"] == "lip thickness: thin"
    assert parents(tree.only("emotion")) == {"emotion: sadness": "root"}


def test_of_several_items_the_last_carries_the_children():
    tree = AffectiveTree((), (Pair("brows", "lowered"), Pair("brows", "raised")), (Pair("intensity", "weak"),))
    assert parents(tree) == {
        "brows: lowered": "root",
        "brows: raised": "root",
        "intensity: weak": "brows: raised",
    }


def test_a_word_on_a_level_where_it_does_not_belong_rests_on_nothing():
    tree = AffectiveTree((Pair("lip thickness", "thin"), Pair("mouth corners", "lowered")), (), ())
    assert set(parents(tree).values()) == {"root"}


@given(trees)
def test_every_statement_hangs_once_below_an_earlier_one(tree):
    nodes = hang(tree)
    assert sorted((node.level, node.pair) for node in nodes) == sorted(
        (level, pair) for level in LEVELS for pair in tree.level(level)
    )
    assert all(node.parent < index for index, node in enumerate(nodes))


@given(trees)
def test_the_nodes_come_in_preorder(tree):
    path: list[int] = []
    for index, node in enumerate(hang(tree)):
        while path and path[-1] != node.parent:
            path.pop()
        assert node.parent == (path[-1] if path else -1)
        path.append(index)


def test_a_tree_keeps_each_pair_once_in_canonical_order():
    tree = AffectiveTree((Pair("gender", "male"), Pair("age", "young"), Pair("gender", "male")))
    assert tree.attribute == (Pair("age", "young"), Pair("gender", "male"))
    assert len(tree) == 2
    assert tree.only("emotion") == AffectiveTree()


@pytest.mark.parametrize("name", list(ASPECTS))
def test_the_items_of_an_aspect_are_few_different_and_plain(name):
    items = ASPECTS[name].items
    assert len(items) == len(set(items)) >= 2
    assert all(item == " ".join(item.lower().split()) for item in items)


def test_every_aspect_above_the_attributes_rests_on_one_of_the_level_above_it():
    for aspect in ASPECTS.values():
        if aspect.level == "attribute":
            assert aspect.rests_on is None
        else:
            assert aspect.rests_on is not None
            assert LEVELS.index(ASPECTS[aspect.rests_on].level) == LEVELS.index(aspect.level) - 1


def test_items_are_several_and_each_once():
    assert all(len(set(aspect.items)) == len(aspect.items) >= 2 for aspect in ASPECTS.values())
    assert {aspect.name for aspect in ASPECTS.values() if aspect.many} == {
        "facial feature", "accessory", "brows", "emotion",
    }  # fmt: skip
