import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videmo.backbone.prefix_tree import collate
from videmo.backbone.qwen2_5_vl.tiny import random_policy
from videmo.data.samples import Sample
from videmo.training.batches import Deck, Mixture, Order, answer_mask, sample_tree


def sample(clip, number, level="attribute"):
    return Sample(f"c{clip}.{number}", f"c{clip}", "age", level, "train", f"Question {number}?", f"answer {number}")


decks = st.builds(
    lambda sizes, per_clip, seed: Deck(
        tuple(sample(clip, number) for clip, size in enumerate(sizes) for number in range(size)), per_clip, seed
    ),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.integers(1, 4),
    st.integers(0, 5),
)


@given(decks, st.integers(0, 3))
def test_an_epoch_shows_every_sample_once_in_even_packs(deck, epoch):
    packs = [deck.pack(epoch * len(deck) + place) for place in range(len(deck))]
    shown = [one.id for pack in packs for one in pack.samples]
    assert sorted(shown) == sorted(one.id for one in deck.samples)
    assert all(len(pack.samples) <= deck.samples_per_clip for pack in packs)
    assert all(one.clip == pack.clip for pack in packs for one in pack.samples)


@given(decks, st.integers(1, 5), st.integers(0, 20))
def test_a_batch_depends_on_the_seed_and_its_number_only(deck, batch, step):
    again = Deck(deck.samples, deck.samples_per_clip, deck.seed)
    order, resumed = (Order(one, None, batch, 0.0, 2.0) for one in (deck, again))
    for earlier in range(step):
        order.packs(earlier)
    assert order.packs(step) == resumed.packs(step)


@given(st.integers(1, 8), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9]))
def test_replay_keeps_to_its_share(batch, replay):
    own = Deck(tuple(sample(clip, 0, "emotion") for clip in range(40)), 1, 0)
    earlier = Deck(tuple(sample(clip, 0) for clip in range(40)), 1, 1)
    order = Order(own, earlier, batch, replay, 1.0)
    levels = [one.level for step in range(order.steps) for pack in order.packs(step) for one in pack.samples]
    assert len(levels) == order.steps * batch
    assert abs(levels.count("attribute") - replay * len(levels)) <= 1
    shown = [one.id for step in range(order.steps) for pack in order.packs(step) for one in pack.samples
             if one.level == "emotion"]  # fmt: skip
    assert set(shown) == {one.id for one in own.samples}


def test_a_mixture_shows_the_packs_of_its_orders_in_as_many_steps_and_none_of_their_order():
    levels = ("attribute", "expression", "emotion")
    decks = [Deck(tuple(sample(clip, 0, level) for clip in range(20)), 1, 0) for level in levels]
    orders = tuple(Order(own, decks[0] if place else None, 3, 0.25, 1.5) for place, own in enumerate(decks))
    mixture, again = Mixture(orders, seed=0), Mixture(orders, seed=0)
    curriculum = [pack for order in orders for step in range(order.steps) for pack in order.packs(step)]
    mixed = [pack for step in range(mixture.steps) for pack in mixture.packs(step)]
    assert mixture.steps == sum(order.steps for order in orders)
    assert sorted(pack.clip + pack.samples[0].level for pack in mixed) == sorted(
        pack.clip + pack.samples[0].level for pack in curriculum
    )
    assert {pack.samples[0].level for pack in mixed[: len(mixed) // 3]} == set(levels)
    assert again.packs(4) == mixture.packs(4)
    assert Mixture(orders, seed=1).packs(4) != mixture.packs(4)


def test_a_level_without_samples_and_a_replay_of_everything_are_refused():
    full = Deck((sample(0, 0),), 1, 0)
    with pytest.raises(ValueError, match="no training samples"):
        Order(Deck((), 1, 0), None, 1, 0.0, 1.0)
    with pytest.raises(ValueError, match="use less than 1"):
        Order(full, full, 1, 1.0, 1.0)


def test_the_loss_counts_the_tokens_of_answers_alone():
    policy = random_policy(0)
    video = policy.pack(np.zeros((2, 56, 56, 3), dtype=np.uint8))
    samples = [sample(0, number) for number in range(3)]
    batch = collate(policy, [sample_tree(policy, video, samples), sample_tree(policy, video, samples[:1])])
    answers = [policy.answer_tokens(one.answer).tolist() for one in samples]
    assert batch.input_ids[0][answer_mask(batch)[0]].tolist() == [token for answer in answers for token in answer]
    assert batch.input_ids[1][answer_mask(batch)[1]].tolist() == answers[0]
    assert answers[0][-1] == policy.end_of_turn
