"""Samples follow from labels and trees; held-out people are held out."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videmo.data.clip import Clip
from videmo.data.people import people_groups, people_in
from videmo.data.samples import assign_splits, make_samples
from videmo.tasks.catalog import PARTS
from videmo.tree.model import AffectiveTree, Pair
from videmo.tree.text import parse

BARE = Clip("a", "a.mp4", "test", "p1", "test", 1.0, 10.0, 64, 48)
TREE = AffectiveTree(
    attribute=(
        Pair("accessory", "hat"),
        Pair("accessory", "earrings"),
        Pair("hair colour", "red"),
        Pair("hair type", "wavy"),
    ),
    expression=(Pair("brows", "relaxed"),),
    emotion=(Pair("emotion", "neutral"),),
)


def answers(clip: Clip, seed: int = 0) -> dict[str, str]:
    return {sample.part: sample.answer for sample in make_samples(clip, random.Random(seed))}


def test_a_clip_that_nothing_is_known_of_gives_no_samples():
    assert make_samples(BARE, random.Random(0)) == ()


def test_closed_answers_stand_in_the_order_of_the_answer_space():
    labels = {"action_units": ("AU12", "AU1"), "emotion_multi": (), "head_pose": ("left 30",)}
    assert answers(replace(BARE, labels=labels)) == {
        "head_pose": "left 30", "emotion_multi": "none", "action_units": "AU1, AU12"}  # fmt: skip


def test_a_sample_carries_its_parts_level_and_its_clips_split():
    (sample,) = make_samples(replace(BARE, labels={"sentiment": ("negative",)}), random.Random(0))
    assert (sample.id, sample.clip, sample.level, sample.split) == ("a.sentiment", "a", "expression", "test")
    assert sample.question.startswith("What is the sentiment?")


def test_an_open_question_asks_for_an_aspect_that_is_known():
    clip = replace(BARE, tree=TREE)
    assert {answers(clip, seed)["hair"] for seed in range(20)} == {"red", "wavy"}
    assert answers(clip)["accessories"] == "earrings, hat"
    assert "nose" not in answers(clip)


def test_no_accessory_is_an_answer_only_where_somebody_looked():
    tree = AffectiveTree(attribute=(Pair("hair colour", "red"),))
    assert "accessories" not in answers(replace(BARE, tree=tree))
    assert "accessories" not in answers(replace(BARE, tree=tree, labels={"appearance": ("hat", "young")}))
    assert answers(replace(BARE, tree=tree, labels={"accessories": ()}))["accessories"] == "none"


def test_captions_need_something_on_each_of_their_levels():
    assert {"fine_caption", "rationale", "emotion_caption"} <= answers(replace(BARE, tree=TREE)).keys()
    without = answers(replace(BARE, tree=TREE.only("attribute", "emotion")))
    assert not {"fine_caption", "rationale", "emotion_caption"} & without.keys()
    assert "appearance_caption" in without


def test_a_rationale_of_a_face_at_rest_says_so_with_an_empty_level():
    parsed = parse(answers(replace(BARE, tree=TREE))["rationale"])
    assert parsed.problems == ()
    assert parsed.levels == ("attribute", "expression", "emotion")
    assert parsed.tree == AffectiveTree(emotion=TREE.emotion)


def test_an_answer_outside_the_space_is_refused():
    with pytest.raises(ValueError, match="no such answer"):
        make_samples(replace(BARE, labels={"head_pose": ("sideways",)}), random.Random(0))


def test_every_part_can_be_asked():
    labels = {part.name: part.answers[:1] for part in PARTS.values() if part.answers} | {"accessories": ()}
    tree = AffectiveTree(
        tuple(Pair(aspect, item) for aspect, item in (
            ("eye colour", "blue"), ("eyebrow angle", "flat"), ("lip colour", "red"), ("nose size", "small"),
            ("chin shape", "round"), ("face shape", "oval"), ("age", "young"), ("gender", "male"),
            ("skin colour", "tan"), ("body action", "still"), ("face action", "still"), ("head action", "still"))),
        TREE.expression, TREE.emotion)  # fmt: skip
    asked = answers(replace(BARE, labels=labels, tree=tree))
    assert set(PARTS) - asked.keys() == {"hair", "facial_features"}


people = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    st.none() | st.sampled_from(["p1", "p2", "p3", "p4", "p1+p2", "p4+p5"]),
    min_size=2,
)


@given(people, st.floats(0.01, 0.99), st.integers(0, 5))
def test_no_person_and_no_clip_is_in_both_splits_and_neither_is_empty(seen, share, seed):
    try:
        splits = assign_splits(seen, share, seed)
    except ValueError:
        return
    assert splits.keys() == seen.keys()
    assert set(splits.values()) == {"train", "test"}
    where: dict[str, set[str]] = {}
    for clip, person in seen.items():
        for name in (person or f"clip {clip}").split("+"):
            where.setdefault(name, set()).add(splits[clip])
    assert all(len(found) == 1 for found in where.values())


def test_the_share_held_out_is_of_people_and_follows_the_seed():
    seen = {f"{person}-{clip}": person for person in map(str, range(50)) for clip in range(4)}
    drawn = [assign_splits(seen, 0.2, seed) for seed in (0, 0, 1)]
    assert [sum(split == "test" for split in splits.values()) for splits in drawn] == [40, 40, 40]
    assert drawn[0] == drawn[1] != drawn[2]


def test_clips_of_one_person_cannot_be_split():
    with pytest.raises(ValueError, match="all 3 show the same people"):
        assign_splits({"a": "p", "b": "p", "c": "p"}, 0.2, 0)


@pytest.mark.parametrize(("people", "held_out"), [(7, 1), (8, 2), (12, 2), (13, 3)])
def test_as_many_people_are_held_out_as_come_closest_to_the_share(people, held_out):
    splits = assign_splits({f"clip {n}": f"person {n}" for n in range(people)}, 0.2, 0)
    assert list(splits.values()).count("test") == held_out


def test_people_joined_by_a_plus_are_the_same_with_spaces_around_it():
    assert people_in("ann + bob") == people_in("ann+bob") == ("ann", "bob")
    assert people_in(" ") == people_in(None) == ()
    groups = people_groups({"a": "ann + bob", "b": "bob", "c": None})
    assert sorted((sorted(clips), len(who)) for who, clips in groups.values()) == [(["a", "b"], 2), (["c"], 1)]
