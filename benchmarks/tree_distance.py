"""Tree edit distance beside apted: trees as tree RL meets them, and a batch of 1,024 pairs of 60 nodes.

Five interleaved repeats, medians; that both give the same distances is checked first. Ours is timed from affective
trees to distances, apted from its own trees, built beforehand.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable

from apted import APTED, Config
from apted.apted import LEFT

from videmo.tree.distance import DEFAULT, distances
from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair
from videmo.tree.ordered import hang
from videmo.tree.vocabulary import ASPECTS

Label = tuple[Level, Pair] | None
Nested = tuple[Label, list["Nested"]]
TreePair = tuple[AffectiveTree, AffectiveTree]

REPEATS = 5
CLIPS, LEAVES = 128, 8  # a batch of the paper's
PEER_PAIRS = 128  # of them, what apted is given: the whole batch would take it ten seconds each time
STATEMENTS: list[tuple[Level, Pair]] = [
    (aspect.level, Pair(aspect.name, item)) for aspect in ASPECTS.values() for item in aspect.items
]


class SameCosts(Config):
    def rename(self, node1: Nested, node2: Nested) -> float:
        a, b = node1[0], node2[0]
        if a == b:
            return 0.0
        same_aspect = a is not None and b is not None and (a[0], a[1].aspect) == (b[0], b[1].aspect)
        return DEFAULT.label if same_aspect else DEFAULT.other

    def children(self, node: Nested) -> list[Nested]:
        return node[1]


def main() -> None:
    random_ = random.Random(0)
    rollouts = [pair for _ in range(CLIPS) for pair in rollout_pairs(random_)]
    sixties = [(gather(random_.sample(STATEMENTS, 59)), gather(random_.sample(STATEMENTS, 59))) for _ in range(1024)]
    peers = [(nested(a), nested(b)) for a, b in rollouts[:PEER_PAIRS]]
    too_high = check_equal(rollouts[:PEER_PAIRS], peers) + check_equal(
        sixties[:4], [(nested(a), nested(b)) for a, b in sixties[:4]]
    )
    ours, theirs, sixty = [], [], []
    for _ in range(REPEATS):
        ours.append(seconds(lambda: distances(rollouts)))
        theirs.append(seconds(lambda: [APTED(a, b, SameCosts()).compute_edit_distance() for a, b in peers]))
        sixty.append(seconds(lambda: distances(sixties)))
    rates = {
        "videmo.tree.distance": len(rollouts) / statistics.median(ours),
        "apted": len(peers) / statistics.median(theirs),
    }
    report(rollouts, rates, statistics.median(sixty), too_high)


def rollout_pairs(random_: random.Random) -> list[TreePair]:
    """A clip's reference of about 25 statements with the leaves of one rollout, each near it."""
    aspects = random_.sample(list(ASPECTS.values()), random_.randint(21, 29))
    reference = [(aspect.level, Pair(aspect.name, random_.choice(aspect.items))) for aspect in aspects]
    wanted = gather(reference)
    return [(wanted, gather(perturbed(reference, random_))) for _ in range(LEAVES)]


def perturbed(statements: list[tuple[Level, Pair]], random_: random.Random) -> list[tuple[Level, Pair]]:
    """One in ten left out, three in twenty with another item, one in twenty joined by a false one."""
    said = []
    for level, pair in statements:
        chance = random_.random()
        if chance > 0.1:
            item = random_.choice(ASPECTS[pair.aspect].items) if chance < 0.25 else pair.item
            said.append((level, Pair(pair.aspect, item)))
        if chance > 0.95:
            said.append(random_.choice(STATEMENTS))
    return said


def gather(statements: list[tuple[Level, Pair]]) -> AffectiveTree:
    return AffectiveTree(**{level: tuple(pair for of, pair in statements if of == level) for level in LEVELS})


def nested(tree: AffectiveTree) -> Nested:
    root: Nested = (None, [])
    nodes: list[Nested] = []
    for node in hang(tree):
        nodes.append(((node.level, node.pair), []))
        (root if node.parent < 0 else nodes[node.parent])[1].append(nodes[-1])
    return root


def check_equal(pairs: list[TreePair], peers: list[tuple[Nested, Nested]]) -> int:
    """Equality with apted along left paths; returns how often apted's own choice of paths ends higher (its fault)."""
    too_high = 0
    for ours, (a, b) in zip(distances(pairs), peers, strict=True):
        theirs = APTED(a, b, SameCosts()).compute_edit_distance_spf_test(LEFT)
        if abs(ours - theirs) > 1e-9:
            raise SystemExit(f"not equal: {ours} here, {theirs} by apted, for {a} and {b}")
        too_high += APTED(a, b, SameCosts()).compute_edit_distance() > ours + 1e-9
    return too_high


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def report(rollouts: list[TreePair], rates: dict[str, float], sixty: float, too_high: int) -> None:
    size = statistics.mean(len(tree) + 1 for pair in rollouts for tree in pair)
    print(f"{len(rollouts)} pairs of a reference and a leaf of its rollout, {size:.1f} nodes on average")
    print(f"equal to apted along left paths; its own choice of paths ended too high on {too_high} of {PEER_PAIRS + 4}")
    print(f"{'':<28}{'pairs a second':>16}{'ms a pair':>12}")
    for name, rate in rates.items():
        print(f"{name:<28}{rate:>16,.0f}{1000 / rate:>12.4f}")
    print(f"1,024 pairs of 60 nodes: {sixty:.4f} s")
    ratio = rates["videmo.tree.distance"] / rates["apted"]
    print(json.dumps({"ratio_to_apted": round(ratio, 1), "seconds_1024x60": round(sixty, 4)}))


if __name__ == "__main__":
    main()
