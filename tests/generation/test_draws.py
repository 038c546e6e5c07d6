import torch
from hypothesis import given
from hypothesis import strategies as st

from videmo.generation.draws import draws, seed_of

SEEDS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4, unique=True)


def numbers(seeds, branching=(2, 3)):
    return draws(seeds, branching, lambda count, generator: torch.rand(count, 5, generator=generator))


@given(SEEDS)
def test_a_prompt_draws_the_same_alone_and_in_company(seeds):
    together = numbers(seeds)
    for place, seed in enumerate(seeds):
        for level, alone in zip(together, numbers([seed]), strict=True):
            count = len(alone)
            assert torch.equal(level[place * count : (place + 1) * count], alone)


def test_every_slot_of_every_level_draws_numbers_of_its_own():
    levels = numbers([3, 4])
    assert [len(level) for level in levels] == [4, 12]
    assert len({tuple(row.tolist()) for level in levels for row in level}) == 16


def test_equal_names_have_equal_seeds_and_others_have_others():
    assert seed_of(0, 3, "clip") == seed_of(0, 3, "clip")
    assert len({seed_of(0, 3, "clip"), seed_of(1, 3, "clip"), seed_of(0, 4, "clip"), seed_of(0, 3, "clips")}) == 4
    assert seed_of(0, "a", "b") != seed_of(0, "ab")
    assert 0 <= seed_of(2**32 - 1, "x") < 2**63
