"""Decoding: from paths that wait for a token to finished segments, dropping rows from the batch as they finish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from videmo.backbone.policy import Policy
from videmo.generation.cache import HEADROOM, PathCache, stack
from videmo.generation.paths import Paths, step

LIKELIEST = -1.0  # in place of a random number
SMALL = 10**8  # multiplications; the tiny model takes as many for 55 rows
TAIL = 24  # last tokens, searched for a closing tag; a real tokenizer spells one in up to 6


@dataclass(frozen=True)
class Ending:
    """When a segment is over: at `tag`, or where there is none at the end of the turn; never later than `tokens`.

    `closers`: the tokens that may complete a tag, so that text is decoded only where it can matter.
    """

    tag: str | None
    tokens: int
    closers: frozenset[int]


@dataclass
class Segments:
    """Finished segments, one a path: tokens, their log-probabilities, and whether each ended as it should."""

    tokens: list[list[int]]
    logprobs: list[list[float]]
    complete: list[bool]
    cache: PathCache | None = None  # of all paths in order, without each one's last token

    def goes_on(self, row: int, token: int, logprob: float, policy: Policy, ending: Ending) -> bool:
        """Append a token to a segment; returns whether another one follows."""
        self.tokens[row].append(token)
        self.logprobs[row].append(logprob)
        ended, self.complete[row] = over(policy, self.tokens[row], ending)
        return not ended


@dataclass
class _Retired:
    caches: list[PathCache] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def add(self, cache: PathCache, rows: Sequence[int], of: Sequence[int]) -> None:
        if of:
            self.caches.append(cache.select(of))
            self.rows.extend(rows[row] for row in of)

    def together(self) -> PathCache:
        order = sorted(range(len(self.rows)), key=self.rows.__getitem__)
        return stack(self.caches).select(order)


def closers(policy: Policy) -> frozenset[int]:
    """The tokens that hold a `>`."""
    return frozenset(token for text, token in policy.tokenizer.get_vocab().items() if ">" in text)


def decode_segments(
    policy: Policy,
    paths: Paths,
    endings: Sequence[Ending],
    temperature: float = 0.0,
    numbers: Tensor | None = None,
    keep: bool = False,
) -> Segments:
    """One segment for each of `paths`, which are used up; `endings[row]` ends that of row `row`.

    temperature 0 takes the likeliest token. Above it, token t of row i is where the cumulated probabilities pass
    numbers[i, t], uniform in [0, 1), so a segment does not depend on what else is in the batch; where that is LIKELIEST
    it is the likeliest token all the same. `keep`: return the paths' cache, to go on from.
    """
    total = len(paths.logits)
    weights = sum(weight.numel() for weight in policy.decoder.parameters())
    segments = Segments([[] for _ in range(total)], [[] for _ in range(total)], [False] * total)
    rows, live = list(range(total)), [True] * total
    retired = _Retired()
    for count in range(max(ending.tokens for ending in endings)):
        uniform = None if numbers is None else numbers[rows, count].to(paths.logits.device)
        tokens, logprobs = choose(paths.logits, temperature, uniform, policy.never_said)
        for place, (row, token, logprob) in enumerate(zip(rows, tokens.tolist(), logprobs.tolist(), strict=True)):
            if live[place]:
                live[place] = segments.goes_on(row, token, logprob, policy, endings[row])
        if not any(live):
            break
        if sum(live) <= len(live) // 2:
            if keep:
                retired.add(paths.cache, rows, [place for place, alive in enumerate(live) if not alive])
            going = [place for place, alive in enumerate(live) if alive]
            paths.cache = paths.cache.select(going, paths.cache.length + HEADROOM)
            rows, live, tokens = [rows[place] for place in going], [True] * len(going), tokens[going]
        with few_threads(weights * len(rows)):
            paths = step(policy, paths.cache, tokens, torch.tensor(live, device=tokens.device))
    if keep:
        retired.add(paths.cache, rows, range(len(rows)))
        segments.cache = retired.together()
    return segments


@contextmanager
def few_threads(products: int) -> Iterator[None]:
    """One thread for a step of few multiplications: waking others for each of its operations saves nothing on an idle
    machine, and takes several times as long on a busy one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if products < SMALL else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def choose(
    logits: Tensor, temperature: float, uniform: Tensor | None, never: Sequence[int] = ()
) -> tuple[Tensor, Tensor]:
    """The next token of every row of `logits` (rows, vocabulary), and its log-probability at the temperature.

    The tokens in `never` are not sampled: pads that stand for pixels make no sense in an answer, and a model that was
    trained at all gives them next to no probability.
    """
    logprobs = torch.log_softmax(logits / (temperature or 1.0), dim=-1)
    tokens = logits.argmax(dim=-1)
    if temperature > 0:
        assert uniform is not None
        probabilities = logprobs.exp().double()
        probabilities[:, list(never)] = 0
        cumulated = probabilities.cumsum(dim=-1)
        wanted = uniform.double()[:, None] * cumulated[:, -1:]
        drawn = torch.searchsorted(cumulated, wanted, right=True)[:, 0].clamp(max=logits.shape[1] - 1)
        tokens = torch.where(uniform == LIKELIEST, tokens, drawn)
    return tokens, logprobs.gather(1, tokens[:, None])[:, 0]


def over(policy: Policy, tokens: list[int], ending: Ending) -> tuple[bool, bool]:
    """Whether a segment is over with the last of `tokens`, and whether it ended as it should."""
    if tokens[-1] == policy.end_of_turn:
        return True, ending.tag is None
    closed = (
        ending.tag is not None
        and tokens[-1] in ending.closers
        and ending.tag in policy.decode(torch.tensor(tokens[-TAIL:]))
    )
    return closed or len(tokens) >= ending.tokens, closed
