"""A policy under DeepSpeed: log-probabilities with gradient, updates out of several micro-batches, state on disk."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

from videmo.backbone.loading import save_policy
from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import PackedBatch, token_logprobs
from videmo.settings.execution import Execution
from videmo.training.tally import Tally, together

if TYPE_CHECKING:
    from deepspeed import DeepSpeedEngine
    from transformers import PreTrainedModel

BETAS = (0.9, 0.999)
Item = TypeVar("Item")


class Scorer(nn.Module):
    """The policy as DeepSpeed wants a model: one forward pass from a batch to the log-probabilities of its tokens."""

    def __init__(self, policy: Policy):
        super().__init__()
        self.model = policy.model
        self._policy = policy

    def forward(self, batch: PackedBatch, wanted: Tensor, temperature: float = 1.0) -> Tensor:
        return token_logprobs(self._policy, batch, wanted, temperature)


class TrainingEngine:
    """Trains `policy` in place with AdamW. One process on its own, or as many as torchrun started."""

    def __init__(self, policy: Policy, settings: Execution, gradient_clip: float, weight_decay: float = 0.0):
        deepspeed = import_deepspeed()
        _join_processes()
        self.policy = policy
        self.settings = settings
        self._copy: PreTrainedModel | None = None
        if torch.cuda.is_available():
            policy.model.to(torch.device("cuda", int(os.environ["LOCAL_RANK"])))
        trained = [weight for weight in policy.model.parameters() if weight.requires_grad]
        self._engine: DeepSpeedEngine = deepspeed.initialize(
            model=Scorer(policy),
            optimizer=torch.optim.AdamW(trained, lr=0.0, betas=BETAS, weight_decay=weight_decay, fused=True),
            dist_init_required=False,
            config=_config(policy, settings, gradient_clip),
        )[0]

    @property
    def processes(self) -> int:
        return dist.get_world_size()

    @property
    def process(self) -> int:
        return dist.get_rank()

    def logprobs(self, batch: PackedBatch, wanted: Tensor, temperature: float = 1.0) -> Tensor:
        """`token_logprobs` of the policy in training, with gradient."""
        return self._engine(batch, wanted, temperature)

    def update(self, losses: Sequence[Callable[[], Tensor]], learning_rate: float) -> float:
        """One step of the optimiser on the sum of `losses`, each computed and differentiated in its turn.

        Returns that sum over all processes. Raises FloatingPointError if a loss or the gradient is not finite,
        before any weight is changed.
        """
        for group in self._engine.optimizer.param_groups:
            group["lr"] = learning_rate
        total = 0.0
        count = int(self.most(len(losses)))
        for index in range(count):
            # Processes exchange gradients micro-batch by micro-batch: one that has fewer than the others fills in.
            loss = losses[index]() if index < len(losses) else losses[0]() * 0
            value = self.total(float(loss.detach()))
            if not isfinite(value):
                self._engine.optimizer.zero_grad()
                raise FloatingPointError(f"the loss is {value} in micro-batch {index + 1} of {count}")
            total += value
            self._engine.set_gradient_accumulation_boundary(index + 1 == count)
            self._engine.backward(loss * self.processes)  # gradients are averaged over processes
        self._step()
        return total

    def _step(self) -> None:
        """DeepSpeed silently skips a step whose gradient is not finite; without ZeRO it takes the step."""
        gradients = [weight.grad for weight in self.policy.model.parameters() if weight.grad is not None]
        if self.settings.zero_stage == 0 and not isfinite(nn.utils.get_total_norm(gradients)):
            self._engine.optimizer.zero_grad()
            raise FloatingPointError("the loss is finite, its gradient is not")
        self._engine.step()
        norm = self._engine.get_global_grad_norm()
        if norm is not None and not isfinite(norm):
            raise FloatingPointError(f"the loss is finite, the norm of its gradient is {float(norm)}")

    def save(self, directory: Path) -> None:
        """Weights and optimiser state into `directory`; every process calls it."""
        self._engine.save_checkpoint(str(directory), tag="engine", save_latest=False)

    def load(self, directory: Path) -> None:
        self._engine.load_checkpoint(str(directory), tag="engine")

    def whole(self) -> Policy:
        """The policy with all its weights in this process, to sample from or to save; every process calls it.

        Where ZeRO 3 keeps them in parts, a copy as it is now: forward passes of the parts themselves are exchanges
        between processes, which sample different numbers of tokens.
        """
        model = self.policy.model
        if self.settings.zero_stage < 3:
            return self.policy
        with import_deepspeed().zero.GatheredParameters(list(model.parameters())):
            if self._copy is None:
                self._copy = type(model)(model.config).to(model.dtype).eval()
            self._copy.load_state_dict(model.state_dict())
        return self.policy.with_model(self._copy.to(self.policy.device))

    def share(self, items: Sequence[Item]) -> list[Item]:
        """Those of `items` that are this process's. Raises ValueError if there are fewer items than processes."""
        if len(items) < self.processes:
            raise ValueError(
                f"execution.processes = {self.processes}: a step of {len(items)} cannot be shared out; "
                "use fewer processes or larger batches"
            )
        return list(items[self.process :: self.processes])

    def places(self, count: int) -> range:
        """Where the first `count` items that `share` gives this process stand among those of all processes."""
        return range(self.process, self.process + count * self.processes, self.processes)

    def gathered(self, tally: Tally) -> Tally:
        """What all processes counted."""
        if self.processes == 1:
            return tally
        held: list[dict[str, tuple[float, float]]] = [{}] * self.processes
        dist.all_gather_object(held, tally.sums)
        return together(Tally(counted) for counted in held)

    def total(self, value: float) -> float:
        """The sum of `value` over all processes."""
        return self._reduced(value, dist.ReduceOp.SUM)

    def most(self, value: float) -> float:
        """The largest `value` of all processes."""
        return self._reduced(value, dist.ReduceOp.MAX)

    def _reduced(self, value: float, operation: dist.ReduceOp.RedOpType) -> float:
        if self.processes == 1:
            return value
        number = torch.tensor(value, dtype=torch.float64, device=self.policy.device)
        dist.all_reduce(number, operation)
        return float(number)

    def close(self) -> None:
        self._engine.destroy()


def save_model(engine: TrainingEngine, directory: Path) -> None:
    """The policy in training as a Hugging Face directory. Every process calls it."""
    policy = engine.whole()
    if engine.process == 0:
        save_policy(policy, directory)
    dist.barrier()


def learning_rate(step: int, steps: int, warmup: float, peak: float) -> float:
    """Rate of update `step` (from 0) of `steps`: linear over the first `warmup` share, then a cosine down to 0.

    lr = peak (step + 1) / w for step < w = ceil(warmup * steps); else peak (1 + cos(pi (step - w) / (steps - w))) / 2.
    """
    ramp = torch.tensor(warmup * steps).ceil().int().item()
    if step < ramp:
        return peak * (step + 1) / ramp
    return peak * 0.5 * (1 + float(torch.tensor(torch.pi * (step - ramp) / max(steps - ramp, 1)).double().cos()))


def _config(policy: Policy, settings: Execution, gradient_clip: float) -> dict[str, object]:
    zero: dict[str, object] = {"stage": settings.zero_stage}
    if settings.offload:
        zero["offload_optimizer"] = {"device": "cpu"}
    return {
        # Micro-batches hold different numbers of tokens, so `update` says itself where a step ends.
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": gradient_clip,
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,  # DeepSpeed's own CPU optimiser is compiled for minutes on first use
        "bf16": {"enabled": policy.model.dtype == torch.bfloat16},
        "steps_per_print": 10**9,
    }


def import_deepspeed() -> ModuleType:
    """DeepSpeed, for the accelerator there is, with its own log messages off."""
    os.environ.setdefault("DS_ACCELERATOR", "cuda" if torch.cuda.is_available() else "cpu")
    import deepspeed

    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    # Shared-memory collectives for processes on one CPU: half a minute of compilation that a single process, and a
    # GPU, has no use for.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    return deepspeed


def _join_processes() -> None:
    """Join the processes that torchrun started; be the only one where nothing started us."""
    if dist.is_initialized():
        return
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    os.environ.setdefault("LOCAL_RANK", "0")
    if "RANK" in os.environ:
        dist.init_process_group(backend)
    else:
        dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)
