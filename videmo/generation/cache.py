"""A key-value cache for a batch of paths, with room to grow; attention writes to it and reads from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

HEADROOM = 32  # spare columns, so that one more token does not cost another copy


@dataclass(eq=False)
class PathCache:
    """R paths in shared columns; a column may be empty for some of them.

    keys, values: one (R, heads, capacity, dim) a layer.  bias (R, capacity): 0 where a path holds a token, the lowest
    number where it does not; added to attention scores.  position (R,): rotary position of each path's next token.
    `length` columns are in use. Takes the place of a transformers Cache: attention calls `update`.
    """

    bias: Tensor
    position: Tensor
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    length: int = 0

    @classmethod
    def empty(cls, rows: int, dtype: torch.dtype, device: torch.device) -> PathCache:
        return cls(torch.zeros(rows, 0, dtype=dtype, device=device), torch.zeros(rows, dtype=torch.long, device=device))

    @property
    def rows(self) -> int:
        return len(self.position)

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object) -> tuple[Tensor, Tensor]:
        """Append new columns to one layer; returns all its columns in use, the new ones included."""
        end = self.length + keys.shape[2]
        if layer == len(self.keys):
            for store, new in ((self.keys, keys), (self.values, values)):
                store.append(new.new_empty(*new.shape[:2], max(end, self.bias.shape[1]), new.shape[3]))
        self.keys[layer][:, :, self.length : end] = keys
        self.values[layer][:, :, self.length : end] = values
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]

    def reserve(self, columns: int) -> None:
        """Make room for `columns` more."""
        needed = self.length + columns
        if needed <= self.bias.shape[1]:
            return
        grown = self.select(range(self.rows), needed + max(HEADROOM, needed // 4))
        self.bias, self.keys, self.values = grown.bias, grown.keys, grown.values

    def select(self, rows: Sequence[int], capacity: int | None = None) -> PathCache:
        """A copy with these rows, in this order, repeats allowed."""
        index = torch.as_tensor(list(rows), dtype=torch.long, device=self.bias.device)
        capacity = max(capacity or 0, self.length)

        def widened(store: Tensor) -> Tensor:
            wide = store.new_empty(len(index), store.shape[1], capacity, store.shape[3])
            wide[:, :, : self.length] = store[:, :, : self.length].index_select(0, index)
            return wide

        bias = self.bias.new_full((len(index), capacity), torch.finfo(self.bias.dtype).min)
        bias[:, : self.length] = self.bias[index, : self.length]
        keys, values = [widened(store) for store in self.keys], [widened(store) for store in self.values]
        return PathCache(bias, self.position[index], keys, values, self.length)


def stack(caches: Sequence[PathCache]) -> PathCache:
    """The rows of all `caches`, one after the other, in as many columns as the longest has."""
    length = max(cache.length for cache in caches)
    wide = [cache.select(range(cache.rows), length) for cache in caches]
    for cache, original in zip(wide, caches, strict=True):
        for store in cache.keys + cache.values:
            store[:, :, original.length :] = 0  # attention multiplies what it masks by zero, which must not be NaN
    layers = range(len(wide[0].keys))
    return PathCache(
        torch.cat([cache.bias for cache in wide]),
        torch.cat([cache.position for cache in wide]),
        [torch.cat([cache.keys[layer] for cache in wide]) for layer in layers],
        [torch.cat([cache.values[layer] for cache in wide]) for layer in layers],
        length,
    )
