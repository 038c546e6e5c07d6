"""From labels to trees, and what captions and rationales tell of a tree."""

from hypothesis import given
from hypothesis import strategies as st

from videmo.data.annotation.trees import emotion_word, rationale_tree, stated_levels, stated_tree, tree_from_labels
from videmo.tasks.catalog import PARTS
from videmo.tree.model import LEVELS, AffectiveTree, Pair
from videmo.tree.vocabulary import ASPECTS

FULL = AffectiveTree(
    attribute=tuple(Pair(name, aspect.items[0]) for name, aspect in ASPECTS.items() if aspect.level == "attribute"),
    expression=(Pair("brows", "lowered"), Pair("jaw", "relaxed"), Pair("mouth corners", "lowered")),
    emotion=(Pair("emotion", "anger"), Pair("sentiment", "negative")),
)


@st.composite
def labels(draw):
    parts = draw(st.sets(st.sampled_from([part for part in PARTS.values() if part.answers])))
    return {
        part.name: tuple(
            draw(st.sets(st.sampled_from(part.answers), min_size=not part.many, max_size=9 * part.many or 1))
        )
        for part in sorted(parts, key=lambda part: part.name)
    }


@given(labels())
def test_labels_give_only_words_of_the_vocabulary_on_their_own_levels_and_never_two_for_a_single_aspect(given_labels):
    tree = tree_from_labels(given_labels)
    for level in LEVELS:
        aspects = [pair.aspect for pair in tree.level(level)]
        assert all(ASPECTS[pair.aspect].level == level for pair in tree.level(level))
        assert all(pair.item in ASPECTS[pair.aspect].items for pair in tree.level(level))
        assert all(ASPECTS[aspect].many or aspects.count(aspect) == 1 for aspect in aspects)


def test_units_that_are_absent_leave_their_part_of_the_face_at_rest():
    tree = tree_from_labels({"action_units": ("AU12", "AU25")})
    assert Pair("mouth corners", "raised") in tree.expression
    assert Pair("brows", "relaxed") in tree.expression
    assert Pair("lips", "relaxed") not in tree.expression


def test_every_emotion_of_every_corpus_has_a_word():
    for part in PARTS.values():
        if part.name.startswith("emotion_"):
            assert all(emotion_word(answer) for answer in part.answers)


def test_a_rationale_keeps_what_moves_what_it_rests_on_and_every_action():
    told = rationale_tree(FULL)
    assert told.emotion == FULL.emotion
    assert told.expression == (Pair("brows", "lowered"), Pair("mouth corners", "lowered"))
    kept = {pair.aspect for pair in told.attribute}
    assert kept == {"body action", "eyebrow thickness", "face action", "head action", "lip thickness"}


def test_a_caption_tells_its_aspects_on_its_levels():
    assert stated_levels(PARTS["appearance_caption"]) == ("attribute",)
    assert stated_levels(PARTS["emotion_caption"]) == ("expression", "emotion")
    assert stated_levels(PARTS["fine_caption"]) == stated_levels(PARTS["rationale"]) == LEVELS
    assert {pair.aspect for pair in stated_tree(PARTS["action_caption"], FULL).attribute} == {
        "body action", "head action", "face action"}  # fmt: skip
    assert stated_tree(PARTS["fine_caption"], FULL) == FULL
