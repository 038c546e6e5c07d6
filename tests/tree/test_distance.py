"""The compiled distance against two public libraries, and what a distance has to be."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest
import zss
from apted import APTED, Config
from apted.apted import LEFT
from hypothesis import given, settings
from hypothesis import strategies as st

from videmo.tree.distance import Costs, distance, distances
from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair
from videmo.tree.ordered import hang
from videmo.tree.vocabulary import ASPECTS, EMOTIONS

Label = tuple[Level, Pair] | None
Nested = tuple[Label, list["Nested"]]  # a node and its children

PAIRS = {
    level: [Pair(a.name, item) for a in ASPECTS.values() if a.level == level for item in a.items] for level in LEVELS
}
trees = st.builds(AffectiveTree, **{level: st.lists(st.sampled_from(PAIRS[level]), max_size=8).map(tuple)
                                    for level in LEVELS})  # fmt: skip
# Plutchik's wheel as a ring: an item costs by the steps to the other, which is a metric.
WHEEL = ("happiness", "surprise", "fear", "sadness", "disgust", "anger", "anxiety")


def ring(step: float, top: float) -> dict[tuple[Pair, Pair], float]:
    """Costs of every two items on the wheel: `step` for neighbours, and so on up to `top`."""
    pairs = [Pair("emotion", name) for name in WHEEL]
    return {(a, b): min(step * min((i - j) % len(WHEEL), (j - i) % len(WHEEL)), top)
            for i, a in enumerate(pairs) for j, b in enumerate(pairs[:i])}  # fmt: skip


@st.composite
def metric(draw):
    label = draw(st.floats(0.01, 1))
    # An item off the wheel is `label` from all on it: at least half the way across.
    items = ring(draw(st.floats(0.01, 1)) * label, label) if draw(st.booleans()) else {}
    return Costs(label, draw(st.floats(0.5, 2)), items)


metric_costs = metric()
# Few aspects that rest on each other, so that random trees share labels, differ in items and lack parents.
CLOSE = [(level, pair) for level in LEVELS for pair in PAIRS[level]
         if pair.aspect in ("lip thickness", "lip colour", "lips", "mouth corners", "emotion")
         and pair.item in ("thin", "full", "pink", "pressed", "raised", "lowered", "anger", "fear")]  # fmt: skip


def relabel(a: Label, b: Label, costs: Costs) -> float:
    if a == b:
        return 0.0
    if a is None or b is None or (a[0], a[1].aspect) != (b[0], b[1].aspect):
        return costs.other
    return costs.items.get((a[1], b[1]), costs.items.get((b[1], a[1]), costs.label))


def nested(tree: AffectiveTree) -> Nested:
    root: Nested = (None, [])
    nodes: list[Nested] = []
    for node in hang(tree):
        nodes.append(((node.level, node.pair), []))
        (root if node.parent < 0 else nodes[node.parent])[1].append(nodes[-1])
    return root


def by_zss(a: Nested, b: Nested, costs: Costs) -> float:
    return zss.distance(a, b, lambda node: node[1], lambda node: 1, lambda node: 1,
                        lambda x, y: relabel(x[0], y[0], costs))  # fmt: skip


def apted(a: Nested, b: Nested, costs: Costs) -> APTED:
    class Same(Config):
        def rename(self, x, y):
            return relabel(x[0], y[0], costs)

        def children(self, node):
            return node[1]

    return APTED(a, b, Same())


def by_apted(a: Nested, b: Nested, costs: Costs) -> float:
    # Decomposed along left paths: along the inner paths that it chooses itself, apted 1.0.3 is at times too high.
    return apted(a, b, costs).compute_edit_distance_spf_test(LEFT)


def random_tree(random_: random.Random, most: int) -> AffectiveTree:
    return gathered(random_.sample(CLOSE, random_.randint(0, most)))


def gathered(statements: list[tuple[Level, Pair]]) -> AffectiveTree:
    return AffectiveTree(**{level: tuple(pair for of, pair in statements if of == level) for level in LEVELS})


def random_costs(random_: random.Random) -> Costs:
    label = random_.random()
    items = {(Pair("emotion", "anger"), Pair("emotion", "fear")): random_.random()} if random_.random() < 0.5 else {}
    return Costs(label, random_.uniform(label / 2, 2), items)


def test_ten_thousand_random_pairs_with_random_costs_equal_zss_and_apted():
    random_ = random.Random(0)
    for _ in range(100):
        costs = random_costs(random_)
        pairs = [(random_tree(random_, 5), random_tree(random_, 5)) for _ in range(100)]
        expected = [(nested(a), nested(b)) for a, b in pairs]
        found = distances(pairs, costs)
        assert found == pytest.approx([by_zss(a, b, costs) for a, b in expected], abs=1e-9)
        assert found == pytest.approx([by_apted(a, b, costs) for a, b in expected], abs=1e-9)


def test_random_trees_under_unit_costs_and_under_a_table_equal_zss_and_apted():
    random_ = random.Random(4)
    statements = [("emotion", Pair("emotion", name)) for name in (*WHEEL, "neutral", "contempt")] + CLOSE
    for costs in (Costs(1, 1), Costs(0.9, 2, ring(0.3, 0.8)), Costs(0, 0.5, ring(0.1, 0.3))):
        pairs = [tuple(gathered(random_.sample(statements, random_.randint(0, 7))) for _ in range(2))
                 for _ in range(300)]  # fmt: skip
        found = distances(pairs, costs)
        assert found == pytest.approx([by_zss(nested(a), nested(b), costs) for a, b in pairs], abs=1e-9)
        assert found == pytest.approx([by_apted(nested(a), nested(b), costs) for a, b in pairs], abs=1e-9)


def test_large_trees_of_the_whole_vocabulary_equal_zss_and_apted():
    random_ = random.Random(1)
    every = [(level, pair) for level in LEVELS for pair in PAIRS[level]]
    costs = Costs(0.3, 1.4)
    pairs = [tuple(gathered(random_.sample(every, 25)) for _ in range(2)) for _ in range(20)]
    for (a, b), found in zip(pairs, distances(pairs, costs), strict=True):
        assert found == pytest.approx(by_zss(nested(a), nested(b), costs))
        assert found == pytest.approx(by_apted(nested(a), nested(b), costs))
        assert found <= apted(nested(a), nested(b), costs).compute_edit_distance() + 1e-9


def test_where_apted_is_too_high_there_is_a_cheaper_script():
    a = AffectiveTree((Pair("eyebrow thickness", "thick"),), (Pair("brows", "raised"),),
                      (Pair("relation", "tense"), Pair("sentiment", "positive")))  # fmt: skip
    b = AffectiveTree((Pair("eyebrow thickness", "thin"), Pair("skin colour", "dark")),
                      (Pair("mouth corners", "lowered"),), (Pair("emotion", "sadness"),))  # fmt: skip
    # thick becomes thin for 0.5; three statements go and three come.
    assert distance(a, b) == by_zss(nested(a), nested(b), Costs()) == 6.5
    assert apted(nested(a), nested(b), Costs()).compute_edit_distance() == 7.0


def shaped(random_: random.Random, nodes: int) -> tuple[list[int], Nested]:
    """A random ordered tree of any shape: the labels and leftmost leaves that the kernel wants, and the tree itself."""
    made: list[Nested] = [((LEVELS[0], Pair("age", str(random_.randint(0, 3)))), []) for _ in range(nodes)]
    for index in range(1, nodes):
        made[random_.randint(max(0, index - 4), index - 1)][1].append(made[index])
    order: list[tuple[int, int]] = []

    def walk(node: Nested) -> int:
        first = [walk(child) for child in node[1]]
        left = first[0] if first else len(order)
        order.append((int(node[0][1].item), left))
        return left

    walk(made[0])
    return order, made[0]


def test_trees_of_any_shape_equal_zss():
    from videmo.tree.zhang_shasha import forest_distances

    random_ = random.Random(2)
    made = [shaped(random_, random_.randint(1, 14)) for _ in range(200)]
    label = np.array([label for order, _ in made for label, _ in order], np.int32)
    left = np.array([left for order, _ in made for _, left in order], np.int32)
    keyroots = [[i for i, (_, at) in enumerate(order) if at not in [later for _, later in order[i + 1 :]]]
                for order, _ in made]  # fmt: skip
    padded = [index for (order, _), roots in zip(made, keyroots, strict=True)
              for index in roots + [0] * (len(order) - len(roots))]  # fmt: skip
    bases = np.cumsum([0] + [len(order) for order, _ in made]).astype(np.int32)
    pairs = np.array([[i, i + 1] for i in range(0, 200, 2)], np.int32)
    found = forest_distances(
        pairs, bases, label, left, np.array(padded, np.int32), np.array(list(map(len, keyroots)), np.int32),
        np.zeros(4, np.int32), np.full(4, -1, np.int32), np.zeros((1, 1)), 2.0, 0.7,
    )  # fmt: skip
    costs = Costs(0.7)
    assert found == pytest.approx([by_zss(made[i][1], made[i + 1][1], costs) for i in range(0, 200, 2)])


@given(trees, trees, metric_costs)
def test_the_distance_is_symmetric_and_zero_only_on_the_same_tree(a, b, costs):
    assert distance(a, b, costs) == distances([(a, b)], costs)[0] == pytest.approx(distance(b, a, costs))
    assert distance(a, a, costs) == 0
    assert (distance(a, b, costs) < 1e-9) == (a == b)


@given(trees, trees, trees, metric_costs)
@settings(max_examples=300)
def test_the_triangle_inequality_holds(a, b, c, costs):
    ab, bc, ac = distances([(a, b), (b, c), (a, c)], costs)
    assert ac <= ab + bc + 1e-9


@given(trees)
def test_everything_has_to_be_said_once(tree):
    assert distance(tree, AffectiveTree()) == len(tree)


@given(trees, st.randoms())
def test_leaving_out_a_statement_costs_exactly_one(tree, random_):
    stated = [(level, pair) for level in LEVELS for pair in tree.level(level)]
    # Of several items of one aspect, one carries the children of all.
    single = [(level, pair) for level, pair in stated if [p.aspect for _, p in stated].count(pair.aspect) == 1]
    if single:
        left_out, gone = random_.choice(single)
        rest = {
            level: tuple(pair for pair in tree.level(level) if (level, pair) != (left_out, gone)) for level in LEVELS
        }
        assert distance(tree, AffectiveTree(**rest)) == 1


def test_the_order_of_mention_costs_nothing():
    pairs = tuple(PAIRS["attribute"])
    assert distance(AffectiveTree(attribute=pairs), AffectiveTree(attribute=pairs[::-1])) == 0


def test_another_item_costs_less_than_another_aspect():
    young = AffectiveTree(attribute=(Pair("age", "young"),))
    assert distance(young, AffectiveTree(attribute=(Pair("age", "elderly"),))) == 0.5
    assert distance(young, AffectiveTree(attribute=(Pair("gender", "male"),))) == 2
    assert distance(young, AffectiveTree(emotion=(Pair("age", "young"),))) == 2


def test_neighbours_on_the_emotion_wheel_can_cost_less_than_opposites():
    near = {(Pair("emotion", "fear"), Pair("emotion", "anxiety")): 0.1}
    costs = Costs(label=0.8, items=near)
    anxious, afraid, happy = (
        AffectiveTree(emotion=(Pair("emotion", name),)) for name in ("anxiety", "fear", "happiness")
    )
    assert distances([(anxious, afraid), (afraid, anxious), (anxious, happy)], costs) == pytest.approx([0.1, 0.1, 0.8])


def test_statements_no_vocabulary_knows_are_compared_like_any_other():
    a = AffectiveTree(attribute=(Pair("ears", "pointed"), Pair("emotion", "joy")), emotion=(Pair("aura", "red"),))
    b = AffectiveTree(attribute=(Pair("ears", "round"), Pair("emotion", "joy")), emotion=(Pair("aura", "red"),))
    assert distance(a, b) == 0.5


def test_a_batch_gives_what_its_pairs_give_alone():
    random_ = random.Random(3)
    pairs = [(random_tree(random_, 8), random_tree(random_, 8)) for _ in range(50)]
    assert list(distances(pairs)) == [distance(a, b) for a, b in pairs]
    assert distances([]).shape == (0,)


def test_trees_of_one_statement_and_of_none_are_told_apart():
    def young():
        return AffectiveTree(attribute=(Pair("age", "young"),))

    pairs = [(young(), young()), (young(), AffectiveTree()), (AffectiveTree(), AffectiveTree()), (young(), young())]
    assert list(distances(pairs)) == [0, 1, 0, 0]


def test_where_compiled_code_cannot_be_kept_it_is_compiled_again():
    # Of all places to keep it, only that of a notebook: nowhere, in a process that is none.
    nowhere = {**os.environ, "NUMBA_CACHE_LOCATOR_CLASSES": "_IPythonCacheLocator"}
    code = "from videmo.tree.zhang_shasha import forest_distances; print(forest_distances.py_func.__name__)"
    done = subprocess.run([sys.executable, "-c", code], env=nowhere, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "forest_distances", done.stderr


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"label": 1.5}, "label = 1.5"),
        ({"label": 1.0, "other": 0.4}, "other = 0.4"),
        ({"other": 3.0}, "other = 3.0"),
        ({"items": {(Pair("age", "young"), Pair("emotion", "fear")): 0.1}}, "two items of one aspect"),
        ({"items": {(Pair("emotion", EMOTIONS[0]), Pair("emotion", EMOTIONS[1])): 2}}, "two items of one aspect"),
    ],
)
def test_costs_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Costs(**values)
