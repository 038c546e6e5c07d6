from dataclasses import replace

import numpy as np
import pytest
import torch

from videmo.drawn.performance import Figure, sample_performance
from videmo.drawn.person import sample_person
from videmo.pretraining.face_part_maps import CELL, PartsHead, cells, parts_of
from videmo.pretraining.pictures import GLANCE, take_picture


def performance(seed):
    rng = np.random.default_rng(seed)
    return sample_performance(rng, sample_person(rng), sample_person(rng), kind="single")


def in_other_colours(figure: Figure) -> Figure:
    green = (10, 240, 10)
    person = replace(figure.person, skin=green, hair=green, brow=green, iris=green, lips=green)
    return replace(figure, person=person, clothes=green, background=green, light=(0.9, 1.0))


@pytest.mark.parametrize("seed", range(5))
def test_a_map_of_parts_is_the_same_whatever_their_colours(seed):
    shown = performance(seed)
    other = replace(shown, figures=tuple(map(in_other_colours, shown.figures)), pattern="dots")
    assert np.array_equal(parts_of(shown, 84, 5), parts_of(other, 84, 5))
    assert not np.array_equal(parts_of(shown, 84, 5), parts_of(performance(seed + 100), 84, 5))


def test_a_glance_at_people_has_a_map_of_half_its_size_and_nothing_else_has_one():
    rng = np.random.default_rng(0)
    glances = [take_picture(rng, GLANCE, 84)[1] for _ in range(60)]
    assert {"scene shape" in glance.facts for glance in glances} == {True, False}
    for glance in glances:
        assert (glance.parts is None) == ("scene shape" in glance.facts)
        assert glance.parts is None or glance.parts.shape == (42, 42, 3)
    assert take_picture(rng, 8, 84)[1].parts is None


def test_cells_lie_row_by_row_as_the_towers_tokens_do():
    drawn = torch.arange(2 * CELL * 3 * CELL).view(2 * CELL, 3 * CELL, 1).expand(-1, -1, 3)
    laid = cells(drawn).view(2, 3, CELL, CELL, 3)
    assert torch.equal(laid[1, 2], drawn[CELL:, 2 * CELL :])


def test_the_loss_is_nothing_where_the_map_is_drawn_and_pictures_without_one_do_not_count():
    drawn = np.full((CELL, CELL, 3), 128, np.uint8)
    head = PartsHead(4)
    torch.nn.init.zeros_(head.draw.weight)
    torch.nn.init.ones_(head.draw.bias)
    features = torch.randn(2, 1, 4)
    assert head.loss(features, [drawn, None]).item() == 0
    assert head.loss(features, [np.zeros_like(drawn), None]).item() == pytest.approx(4)
    assert head.loss(features, [None, None]).item() == 0
