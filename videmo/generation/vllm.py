"""Sampling through vLLM, an optional dependency: for large policies, on one GPU, in this process.

The policy's own vision tower sees a clip once, and vLLM takes what it saw as embeddings. A rollout is asked for segment
by segment; vLLM's prefix cache finds what siblings and children share.

For evaluation and reasoning, not to train on. Tried on a CPU with vLLM 0.32 and tiny policies in float32: greedy
answers equalled those of `HfSampler`, before and after `follow`; log-probabilities of sampled tokens missed those of
the training pass by up to 7e-4, more than tree RL allows. Not tried: a GPU, bfloat16, real weights. See
docs/sampling.md.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, TypedDict

import torch
from torch import Tensor, nn

from videmo.backbone.policy import Policy
from videmo.generation.decoding import Ending, closers, over
from videmo.generation.draws import draws
from videmo.generation.growth import Growth, GrowthLevel, Keep, growth_levels
from videmo.generation.prompts import by_video, each
from videmo.generation.rollout import Answer, Rollout, RolloutNode
from videmo.generation.sampler import Prompt, Sampler

if TYPE_CHECKING:
    from vllm import LLM
    from vllm.multimodal.inputs import MultiModalFeatureSpec

CONTEXT = 32_768  # tokens of a prompt with its answer
MEMORY = 0.5  # share of the GPU that vLLM takes: the policy stays beside it
CPU_CACHE = 2**30  # bytes of keys and values where there is no GPU
SEEDS = 2**31
NEVER = -100.0  # the lowest bias vLLM takes; what is left of a token's probability is e-44


class SeenClip(TypedDict):
    """What of a prompt shows its clip to vLLM."""

    multi_modal_data: dict[str, dict[str, Tensor]]
    multi_modal_uuids: dict[str, list[str]]


class Opened(SeenClip):
    """A prompt as vLLM takes it."""

    prompt_token_ids: list[int]


class VllmSampler(Sampler):
    """Samples from `policy` as it was when it was given, here or to `follow`.

    rows: requests that are decoded side by side.  prefix_tokens: how many tokens of videos are held as embeddings at a
    time. Raises ModuleNotFoundError if vLLM is not installed. The same seed gives the same rollouts, not those of
    `HfSampler`, which draws differently.
    """

    def __init__(self, policy: Policy, rows: int = 64, prefix_tokens: int = 32_768):
        self.policy = policy
        self.prefix_tokens = prefix_tokens
        self._clips = itertools.count()
        self._closers = closers(policy)
        self._engine = _engine(policy, rows)
        self.follow(policy)

    def follow(self, policy: Policy) -> None:
        """Hand vLLM the weights of `policy`, and forget what it computed with others."""
        self.policy = policy
        weights = ((name, weight.detach()) for name, weight in policy.model.state_dict().items())
        self._engine.collective_rpc("reload_weights", kwargs={"weights_iterator": weights})
        self._engine.apply_model(self._lay_positions)
        self._engine.reset_prefix_cache()

    def answer(self, prompts: Sequence[Prompt], max_new_tokens: int | Sequence[int] = 200) -> list[Answer]:
        """As `Sampler` says."""
        answers: dict[int, Answer] = {}
        endings = [Ending(None, limit, self._closers) for limit in each(max_new_tokens, prompts)]
        for indices, opened in self._open(prompts):
            ended = [endings[index] for index in indices]
            nodes = self._sample("answer", opened, [-1] * len(indices), ended, 0.0, [None] * len(indices))
            answers.update({i: Answer(n.text, n.tokens, n.logprobs) for i, n in zip(indices, nodes, strict=True)})
        return [answers[index] for index in range(len(prompts))]

    def grow(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        branching: Sequence[int] = (2, 2, 2),
        temperature: float = 1.0,
        max_segment_tokens: int = 160,
        keep: Keep | None = None,
    ) -> list[Rollout]:
        """As `Sampler` says."""
        levels = growth_levels(branching)
        numbers = draws(seeds, branching, lambda count, by: torch.randint(SEEDS, (count,), generator=by))
        rollouts: dict[int, Rollout] = {}
        for indices, opened in self._open(prompts):
            growth = Growth(indices, keep)
            for level, drawn in zip(levels, numbers, strict=True):
                ending = Ending(level.tag, max_segment_tokens, self._closers)
                self._grow(growth, opened, level, ending, temperature, drawn.tolist())
            rollouts.update(zip(indices, growth.rollouts(), strict=True))
        return [rollouts[index] for index in range(len(prompts))]

    def _grow(
        self,
        growth: Growth,
        opened: Sequence[Opened],
        level: GrowthLevel,
        ending: Ending,
        temperature: float,
        seeds: Sequence[int],
    ) -> None:
        places = growth.branch(level.children)
        if not places:
            return
        requests: list[Opened] = []
        for place in places:
            nodes, start = growth.nodes[place.rollout], opened[place.rollout]
            path = Rollout(tuple(nodes)).path(place.node) if place.node >= 0 else []
            tokens = [token for node in path for token in nodes[node].tokens]
            requests.append({**start, "prompt_token_ids": start["prompt_token_ids"] + tokens})
        drawn: list[int | None] = [seeds[place.slot] for place in places]
        if growth.keep:
            drawn[:: level.children] = [None] * (len(places) // level.children)
        parents = [place.node for place in places]
        nodes = self._sample(level.level, requests, parents, [ending] * len(places), temperature, drawn)
        growth.add(places, nodes, level.children)

    def _open(self, prompts: Sequence[Prompt]) -> Iterator[tuple[list[int], list[Opened]]]:
        """The prompts as vLLM takes them, those about one clip sharing its embeddings under one name."""
        for chunk in by_video(prompts, self.prefix_tokens):
            clips: dict[int, SeenClip] = {}
            opened: list[Opened] = []
            for video, question in (prompts[index] for index in chunk):
                if id(video) not in clips:
                    with torch.no_grad():
                        seen = self.policy.features([video])[0]
                    # The name is new with every call: the same clip may look different to another policy.
                    clips[id(video)] = {
                        "multi_modal_data": {"video": {"video_embeds": seen, "video_grid_thw": video.grid[None]}},
                        "multi_modal_uuids": {"video": [f"clip-{next(self._clips)}"]},
                    }
                tokens = torch.cat([self.policy.video_tokens(video), self.policy.question_tokens(question)])
                start = one_pad(tokens.tolist(), self.policy.video_pad)
                opened.append({"prompt_token_ids": start, **clips[id(video)]})
            yield chunk, opened

    def _lay_positions(self, model: nn.Module) -> None:
        """Make vLLM's `model` assign rotary positions as the policy does. By default it continues text after the
        video's last position on any axis, as Qwen's first code did; transformers 5, with which the policy is trained,
        after the last on height and width.
        """

        def positions(_: nn.Module, tokens: list[int], features: Sequence[MultiModalFeatureSpec]) -> tuple[Tensor, int]:
            grid = features[0].data["video_grid_thw"].data
            laid = self.policy.positions(torch.tensor(tokens), grid)
            # What follows the prompt is text, whose positions run on from the last one.
            return laid, int(laid[0, -1]) + 1 - len(tokens)

        model.get_mrope_input_positions = MethodType(positions, model)  # type: ignore[assignment]

    def _sample(
        self,
        level: str,
        requests: Sequence[Opened],
        parents: Sequence[int],
        endings: Sequence[Ending],
        temperature: float,
        seeds: Sequence[int | None],
    ) -> list[RolloutNode]:
        """One segment after each of `requests`: drawn, or the likeliest where it has no seed."""
        from vllm import SamplingParams

        wanted = [
            SamplingParams(
                temperature=0.0 if seed is None else temperature,
                seed=seed,
                max_tokens=ending.tokens,
                logprobs=0,  # that of the sampled token, and of no other
                ignore_eos=True,  # the end of the turn ends it, and nothing else that generation_config.json may name
                stop_token_ids=[self.policy.end_of_turn],
                stop=[ending.tag] if ending.tag else None,
                include_stop_str_in_output=True,
                logit_bias=dict.fromkeys(self.policy.never_said, NEVER),
            )
            for seed, ending in zip(seeds, endings, strict=True)
        ]
        nodes = []
        outputs = self._engine.generate(list(requests), wanted, use_tqdm=False)
        for output, parent, ending in zip(outputs, parents, endings, strict=True):
            tokens = list(output.outputs[0].token_ids)
            logprobs = [step[token].logprob for token, step in zip(tokens, output.outputs[0].logprobs, strict=True)]
            _, complete = over(self.policy, tokens, ending)
            text = self.policy.decode(torch.tensor(tokens))
            nodes.append(RolloutNode(level, text, tuple(tokens), tuple(logprobs), parent, complete))
        return nodes


def one_pad(tokens: Sequence[int], pad: int) -> list[int]:
    """`tokens` with a single pad for the whole video: vLLM puts in the others itself."""
    first = tokens.index(pad)
    return [token for place, token in enumerate(tokens) if token != pad or place == first]


def _engine(policy: Policy, rows: int) -> LLM:
    """vLLM with the shape of `policy` and no weights yet."""
    # In this process: weights are handed over without a copy on disk, and requests are scheduled alike every time.
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    from vllm import LLM

    with tempfile.TemporaryDirectory(prefix="videmo-vllm-") as directory:
        policy.save_settings(Path(directory))
        return LLM(
            model=directory,
            load_format="dummy",
            hf_overrides={"architectures": [type(policy.model).__name__]},  # a model that was never saved has none
            dtype=str(policy.model.dtype).removeprefix("torch."),
            enable_mm_embeds=True,
            limit_mm_per_prompt={"image": 0, "video": 1},
            enable_prefix_caching=True,
            logprobs_mode="processed_logprobs",  # of the distribution that is sampled from, temperature and all
            max_model_len=min(policy.config.get_text_config().max_position_embeddings, CONTEXT),
            max_num_seqs=rows,
            gpu_memory_utilization=MEMORY,
            kv_cache_memory_bytes=None if torch.cuda.is_available() else CPU_CACHE,
            enforce_eager=not torch.cuda.is_available(),
        )
