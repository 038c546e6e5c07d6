from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sentences import render_sentences

from videmo.data.annotation.trees import stated_levels, stated_tree, tree_from_labels
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import is_open
from videmo.tree.model import LEVELS, AffectiveTree, Pair
from videmo.tree.text import Parsed, parse, render
from videmo.tree.vocabulary import ASPECTS

PAIRS = {
    level: [Pair(a.name, item) for a in ASPECTS.values() if a.level == level for item in a.items] for level in LEVELS
}
words = st.text("abcdefgxyz-'5", min_size=1).filter(lambda word: word not in ("is", "are", "the"))
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)
known_trees = st.builds(AffectiveTree, **{level: st.lists(st.sampled_from(PAIRS[level]), max_size=30).map(tuple)
                                          for level in LEVELS})  # fmt: skip
other_pairs = st.lists(st.builds(Pair, phrases, phrases), max_size=6).map(tuple)
other_trees = st.builds(AffectiveTree, other_pairs, other_pairs, other_pairs)
TAGS = [f"<{level}>" for level in LEVELS] + [f"</{level}>" for level in LEVELS]
pieces = st.sampled_from([*TAGS, "age: young", "; ", "The age is young.", " is ", "the", ":", ",", ".", "<", "\n", " ",
                          "\ud800", "\0", "\u2028"])  # fmt: skip


@pytest.mark.parametrize("write", [render, render_sentences])
@given(tree=known_trees | other_trees)
def test_a_written_tree_reads_back_as_the_same_tree(write, tree):
    read = parse(write(tree))
    assert read.tree == tree
    assert read.levels == LEVELS
    assert not read.problems
    assert not read.repeats


@given(known_trees, st.lists(st.sampled_from(LEVELS), unique=True))
def test_a_part_of_the_levels_reads_back_as_that_part(tree, levels):
    levels = tuple(sorted(levels, key=LEVELS.index))
    read = parse(render(tree, levels))
    assert read.tree == tree.only(*levels)
    assert read.levels == levels
    assert not read.problems


# Lone surrogates too: a byte-level tokenizer can be made to say anything.
anything = st.text(st.characters(exclude_categories=()))


@given(anything | st.lists(pieces | st.text(max_size=5), max_size=40).map("".join))
@settings(max_examples=400)
def test_any_string_can_be_parsed_and_problems_point_into_it(text):
    read = parse(text)
    assert all(0 <= problem.position <= len(text) for problem in read.problems)
    assert set(read.levels) >= {level for level in LEVELS if read.tree.level(level)}


@given(known_trees, anything, st.data())
def test_a_written_tree_with_anything_thrown_into_it_can_be_parsed(tree, thrown, data):
    text = render(tree)
    place = data.draw(st.integers(0, len(text)))
    read = parse(text[:place] + thrown + text[place:])
    assert all(0 <= problem.position <= len(text) + len(thrown) for problem in read.problems)


@pytest.mark.parametrize("write", [render, render_sentences])
def test_every_statement_of_the_vocabulary_and_all_of_them_together_read_back(write):
    alone = [AffectiveTree(**{level: (pair,)}) for level in LEVELS for pair in PAIRS[level]]
    everything = AffectiveTree(**{level: tuple(PAIRS[level]) for level in LEVELS})
    for tree in (*alone, everything, AffectiveTree()):
        read = parse(write(tree))
        assert (read.tree, read.levels, read.problems, read.repeats) == (tree, LEVELS, (), 0)


LABELLED = [part for part in PARTS.values() if part.answers]
CAPTIONS = [part for part in PARTS.values() if not part.answers and not is_open(part)]


@given(st.fixed_dictionaries({}, optional={part.name: st.lists(st.sampled_from(part.answers), max_size=4).map(tuple)
                                           for part in LABELLED}))  # fmt: skip
def test_every_tree_that_labels_of_face_15_make_reads_back_from_every_caption(labels):
    tree = tree_from_labels(labels)
    assert parse(render(tree)).tree == parse(render_sentences(tree)).tree == tree
    for part in CAPTIONS:
        stated = stated_tree(part, tree)
        read = parse(render(stated, stated_levels(part)))
        assert (read.tree, read.levels, read.problems) == (stated, stated_levels(part), ())


@given(st.lists(pieces, max_size=40).map("".join))
def test_what_was_read_can_be_written_and_read_again(text):
    tree = parse(text).tree
    try:
        written = render(tree)
    except ValueError:
        return  # a stated pair such as `is: the` has no sure form
    assert parse(written).tree == tree


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("Well. <attribute>age: young</attribute>", 0, "outside"),
        ("<attribute>age: young</attribute> and so on", 33, "outside"),
        ("<attribute>age: young", 11, "not closed"),
        ("<attribute>age: young<emotion></emotion>", 11, "not closed"),
        ("age: young</attribute>", 10, "closes nothing"),
        ("<attribute>age: young; youth</attribute>", 23, "neither"),
        ("<attribute>age: </attribute>", 11, "neither"),
        ("<attribute>accessory: hat, </attribute>", 11, "neither"),
        ("<attribute>a young man here</attribute>", 11, "neither"),
        ("<attribute>the man is</attribute>", 11, "neither"),
        ("<attribute></attribute><attribute>age: young</attribute>", 34, "again"),
        ("<emotion></emotion><attribute></attribute>", 30, "out of order"),
        ("<attribute></attribute><emotion></emotion><expression></expression>", 54, "out of order"),
    ],
)
def test_a_problem_is_reported_where_it_is(text, position, reason):
    found = [problem.position for problem in parse(text).problems if reason in problem.reason]
    assert position in found


def test_a_problem_names_its_level():
    reasons = {
        "<attribute>": "<attribute> is not closed",
        "<attribute><emotion></emotion>": "<attribute> is not closed",
        "</expression>": "</expression> closes nothing",
        "<emotion></attribute>": "</attribute> closes nothing",
        "<emotion></emotion><emotion></emotion>": "<emotion> appears again",
        "<emotion></emotion><attribute></attribute>": "<attribute> is out of order",
    }
    assert {text: [problem.reason for problem in parse(text).problems] for text in reasons} == {
        text: [reason] for text, reason in reasons.items()
    }


def test_of_nothing_nothing_was_read():
    assert parse("") == parse(" \n") == Parsed(AffectiveTree())


def test_a_level_without_a_complete_segment_is_empty_and_the_others_count():
    read = parse("<attribute>age: young</attribute><expression>brows: lowered<emotion>emotion: fear</emotion>")
    assert read.tree == AffectiveTree(attribute=(Pair("age", "young"),), emotion=(Pair("emotion", "fear"),))
    assert read.levels == ("attribute", "emotion")


def test_repeated_statements_count_once_and_are_counted():
    read = parse("<attribute>age: young; Age: YOUNG; the age is young</attribute>")
    assert read.tree.attribute == (Pair("age", "young"),)
    assert read.repeats == 2


def test_both_forms_may_be_mixed_and_items_may_be_listed():
    read = parse("<attribute>accessory: hat, earrings; The eye colour is brown.\nlips are full</attribute>")
    assert read.tree.attribute == (
        Pair("accessory", "earrings"), Pair("accessory", "hat"), Pair("eye colour", "brown"), Pair("lips", "full"),
    )  # fmt: skip
    assert not read.problems


@pytest.mark.parametrize("item", ["a: b", "a; b", "<emotion>", "", "  ", "a, b", "x.", "the end", "a is b"])
def test_a_pair_that_the_grammar_cannot_hold_is_refused_when_written(item):
    with pytest.raises(ValueError, match="cannot be written"):
        render(AffectiveTree(attribute=(Pair("age", item),)))


def seconds(text: str, times: int) -> float:
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        for _ in range(times):
            parse(text)
        best = min(best, time.process_time() - begin)
    return best


PATTERNS = [*TAGS, "<attribute>a: b</attribute>", "a: b; ", "a ", ". ", "is ", ":", ",", "x", "<", "a: b, ", " ", "\n;"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_time_grows_as_the_length_does(pattern):
    """One long text takes a linear parser what sixteen short ones take, a quadratic one sixteen times as long."""
    short, long = ("<attribute>" + pattern * (length // len(pattern)) + "</attribute>" for length in (5_000, 80_000))
    assert seconds(long, 1) < 4 * max(seconds(short, 16), 0.02)  # some clocks tick a hundred times a second
