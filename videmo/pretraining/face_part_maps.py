"""Maps of the parts of a face, from which the tower learns what small parts look like before it can name them.

Naming facts alone teaches that slowly. Brows are one hundredth of a picture, and until something in the tower responds
to them no gradient says where to look: after 20,000 pictures their thickness is still at chance, for a convolutional
network too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from videmo.drawn.draw import draw_frames
from videmo.drawn.performance import Figure, Performance

CELL = 14  # side, in pixels of the map, of the cell that a token draws; in the picture it covers twice that
_BLACK = (0, 0, 0)


def parts_of(performance: Performance, size: int, moment: int) -> NDArray[np.uint8]:
    """One moment on black, each part in its own fixed colour for everybody: uint8 (size / 2, size / 2, 3)."""
    figures = tuple(_in_fixed_colours(figure) for figure in performance.figures)
    bare = replace(performance, figures=figures, pattern="plain")
    return cv2.resize(draw_frames(bare, size, [moment])[0], (size // 2, size // 2), interpolation=cv2.INTER_AREA)


def _in_fixed_colours(figure: Figure) -> Figure:
    person = replace(
        figure.person,
        skin=(90, 90, 90),
        hair=(40, 0, 80),
        brow=(255, 0, 0),
        iris=(0, 0, 255),
        lips=(0, 255, 0),
    )
    return replace(figure, person=person, clothes=_BLACK, background=_BLACK, light=(1.0, 1.0))


class PartsHead(nn.Module):
    """Draws the map of parts from the tokens of a glance: each token draws its own cell."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.draw = nn.Linear(hidden, CELL * CELL * 3)

    def loss(self, features: Tensor, maps: Sequence[NDArray[np.uint8] | None]) -> Tensor:
        """Mean squared error, with colours from -1 to 3, over the pictures that have a map; 0 if none has.

        features: (pictures, tokens, hidden), tokens row by row.
        """
        known = [index for index, drawn in enumerate(maps) if drawn is not None]
        if not known:
            return features.new_zeros(())
        target = torch.stack([cells(torch.from_numpy(maps[index])) for index in known])
        return nn.functional.mse_loss(self.draw(features[known]), target.float() / 64 - 1)


def cells(drawn: Tensor) -> Tensor:
    """(height, width, 3) -> (cells, CELL * CELL * 3), row by row."""
    rows, columns = drawn.shape[0] // CELL, drawn.shape[1] // CELL
    return drawn.view(rows, CELL, columns, CELL, 3).transpose(1, 2).reshape(rows * columns, -1)
