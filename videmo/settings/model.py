"""params.yaml -> frozen models, checked once at the door: unknown keys, wrong types, ranges and cross-field rules.

Importing this module imports pydantic and yaml, nothing heavy.
"""

from __future__ import annotations

from difflib import get_close_matches
from math import isqrt
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from videmo.settings.errors import SettingError, describe
from videmo.settings.reading import override, read
from videmo.tasks.catalog import TASKS

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]
Points = Annotated[float, Field(ge=0, strict=True)]  # strict: a yes inside a mapping would count as 1


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def yes_is_no_number(cls, value: Any, field: ValidationInfo) -> Any:
        """YAML reads `yes` and `on` as true, which Python takes for 1."""
        takes = cls.model_fields[field.field_name or ""].annotation
        if takes is not bool and any(isinstance(one, bool) for one in (value if isinstance(value, list) else [value])):
            raise PydanticCustomError("yes", "takes no yes or no, which are true and false in YAML, as on and off are")
        return value


class Data(Section):
    """What clips there are and how they are sampled."""

    source: Literal["faces", "folder"] = "faces"
    path: Path | None = None  # folder: the directory of videos
    labels: str = "labels.csv"  # folder: the CSV beside them
    people: Annotated[int, Field(ge=2)] = 200  # faces: how many different people; some are held out
    clips_per_person: Positive = 4  # faces
    seed: int = 0
    # Of the people (of the clips where people are unknown); 1: nobody is trained on, for an evaluation alone.
    test_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    frames: Annotated[int, Field(ge=2, le=16, multiple_of=2)] = 8
    frame_size: Annotated[int, Field(ge=28, multiple_of=28)] = 84  # pixels; frames are squared by padding
    max_rejected: Share = 0.2
    shard_clips: Positive = 256
    workers: Positive = 2

    @model_validator(mode="after")
    def folder_has_a_path(self) -> Data:
        if self.source == "folder" and self.path is None:
            raise ValueError("data.path is missing: data.source = folder needs the directory of the videos")
        return self


class Validation(Section):
    """What must hold of clips and samples before anything is trained on them."""

    min_clips: Positive = 8
    min_columns: Positive = 1  # face-15 columns with at least one test sample
    max_unknown_share: Share = 0.0  # tree pairs outside the vocabulary


class Backbone(Section):
    """The model that everything starts from: `tiny`, a Hugging Face name, or a local directory."""

    name: str = "tiny"
    dtype: Literal["float32", "bfloat16"] = "float32"
    max_pixels: Positive = 100_352  # a frame, 128*28*28 in the paper
    freeze_vision: bool = False


class Lora(Section):
    rank: Positive = 16
    alpha: Positive = 32
    dropout: Share = 0.0


class Level(Section):
    """One step of the curriculum."""

    epochs: Rate = 3.0
    learning_rate: Rate = 2e-5
    replay: Share = 0.0  # share of each batch drawn from the levels before
    samples_per_clip: Positive = 8  # questions about one clip that share its video in a pack


class Sft(Section):
    attribute: Level = Level()
    expression: Level = Level()
    emotion: Level = Level()
    batch_clips: Positive = 16  # packs in a micro-batch
    accumulation: Positive = 1
    warmup: Share = 0.03
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    gradient_clip: Rate = 1.0
    checkpoint_steps: Positive = 50
    lora: Lora | None = None
    seed: int = 0


class Engine(Section):
    """DeepSpeed."""

    zero_stage: Annotated[int, Field(ge=0, le=3)] = 0
    offload: bool = False
    processes: Positive = 1

    @model_validator(mode="after")
    def offload_needs_zero(self) -> Engine:
        if self.offload and self.zero_stage < 2:
            raise ValueError(f"engine.offload = true needs engine.zero_stage 2 or 3, not {self.zero_stage}")
        return self


class Endpoint(Section):
    """A chat server that speaks OpenAI's protocol. Its limits hold for each process of a stage."""

    url: str  # to /v1 and no further
    model: str
    key_variable: str | None = None  # the environment variable with the key, such as OPENAI_API_KEY; null: none asked
    temperature: Annotated[float, Field(ge=0)] = 0.0  # some models take 1 and nothing else
    max_reply_tokens: Annotated[int, Field(ge=0)] = 1024  # sent as max_tokens; 0: not sent, for models that refuse it
    concurrency: Positive = 8
    requests_per_minute: Rate | None = None
    timeout: Rate = 120  # seconds of silence
    retries: Annotated[int, Field(ge=0)] = 5  # after no answer, 408, 409, 429 or 5xx; the waits double to a minute
    max_requests: Positive = 10_000  # retries too, in one run of a stage; what an earlier one was told costs nothing

    @field_validator("url")
    @classmethod
    def is_an_address(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            right = False
        if not right:
            raise PydanticCustomError("address", "use an address such as https://api.openai.com/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            # Without the value: it may hold a key.
            raise ValueError("the url of an endpoint ends with its path and names no user; key_variable is for keys")
        return url.rstrip("/")


class Similar(Section):
    """Items of one aspect that are near each other, such as neighbours on the emotion wheel: to take one for another
    costs `cost` in place of the reward's label_cost."""

    aspect: str
    items: Annotated[tuple[str, ...], Field(min_length=2)]
    cost: Share


class Reward(Section):
    edit_lambda: Rate = 0.05  # R = exp(-lambda * Edit)
    label_cost: Share = 0.5  # same aspect, other item
    similar: tuple[Similar, ...] = ()  # where two items stand together in several, the last one's cost holds
    tree_weight: Share = 0.6
    qa_weight: Share = 0.3
    format_weight: Share = 0.1
    scorer: Endpoint | None = None  # a large model that scores full captions as well
    scorer_weight: Share = 0.3  # counts where there is a scorer


class Rl(Section):
    branching: tuple[int, int, int] = (2, 2, 2)
    steps: Positive = 40
    batch_clips: Positive = 8
    question_clips: Annotated[int, Field(ge=0)] = 4  # clips of a batch that are asked a question of face-15 instead
    learning_rate: Rate = 1e-5
    temperature: Rate = 1.0
    max_segment_tokens: Positive = 160
    micro_tokens: Positive = 8192  # of trees in one forward and backward pass: bounds memory
    clip_low: Share = 0.2
    clip_high: Share = 0.28
    kl: Annotated[float, Field(ge=0)] = 0.02
    # Deviations from siblings are divided by their spread within the group, by what is usual on the level in the batch,
    # or by nothing.
    advantage_scale: Literal["group", "level", "none"] = "level"
    aggregation: Literal["token", "sequence"] = "sequence"  # the loss is a mean over tokens, or over answers' means
    optimisation_epochs: Positive = 1
    gradient_clip: Rate = 1.0
    checkpoint_steps: Positive = 20
    parity_tolerance: Rate = 1e-4
    reward: Reward = Reward()
    seed: int = 0

    @model_validator(mode="after")
    def every_level_branches(self) -> Rl:
        if min(self.branching) < 1:
            fixed = [max(1, k) for k in self.branching]
            raise ValueError(
                f"rl.branching = {list(self.branching)}: every level needs at least one child; use {fixed}"
            )
        return self


class Reasoning(Section):
    candidates: Annotated[int, Field(ge=1, le=16)] = 4
    temperature: Rate = 1.0
    likelihood_weight: Annotated[float, Field(ge=0)] = 10.0  # edits that a nat a token is worth


class Evaluation(Section):
    judge: Literal["rules", "endpoint"] = "rules"
    endpoint: Endpoint | None = None  # of the judge with that name
    max_clips: Annotated[int, Field(ge=1)] | None = None  # test clips; all of them by default
    sampler: Literal["hf", "vllm"] = "hf"  # what decodes answers, reasoned ones too
    batch: Positive = 64
    max_new_tokens: Positive = 200
    resamples: Positive = 1000
    seed: int = 0

    @model_validator(mode="after")
    def the_judge_can_be_asked(self) -> Evaluation:
        if self.judge == "endpoint" and self.endpoint is None:
            raise ValueError("evaluation.judge = endpoint needs evaluation.endpoint, such as {url: ..., model: ...}")
        return self


class Promotion(Section):
    """When a challenger becomes the champion."""

    min_gain: float = 0.0  # points of mean15 that the lower end of the interval must exceed
    task_tolerance: Points = 3.0  # points any one task may fall
    task_tolerances: dict[str, Points] = {}  # task -> points, where it is another number for one task
    # What MLflow takes for a name, in an address such as models:/videmo@champion and in a search, too.
    model_name: Annotated[str, Field(max_length=200, pattern=r"^[^/:?'\s\x00-\x1f][^/:?'\x00-\x1f]*$")] = "videmo"

    @field_validator("task_tolerances")
    @classmethod
    def tolerances_are_of_tasks(cls, tolerances: dict[str, float]) -> dict[str, float]:
        if strange := [task for task in tolerances if task not in TASKS]:
            close = get_close_matches(strange[0], TASKS, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"there are {', '.join(TASKS)}"
            raise ValueError(f"promotion.task_tolerances = {tolerances}: {strange[0]} is no task; {remedy}")
        return tolerances

    @field_validator("model_name")
    @classmethod
    def name_is_not_that_of_a_log(cls, name: str) -> str:
        if name.endswith("-history"):
            raise ValueError(f"promotion.model_name = {name}: is the name of a log of champions; leave out -history")
        return name

    def tolerance(self, task: str) -> float:
        """How many points this task may fall."""
        return self.task_tolerances.get(task, self.task_tolerance)


class Params(Section):
    data: Data = Data()
    validation: Validation = Validation()
    backbone: Backbone = Backbone()
    sft: Sft = Sft()
    engine: Engine = Engine()
    rl: Rl = Rl()
    reasoning: Reasoning = Reasoning()
    evaluation: Evaluation = Evaluation()
    promotion: Promotion = Promotion()

    @model_validator(mode="after")
    def every_process_has_work(self) -> Params:
        shared = {
            "sft.batch_clips * sft.accumulation": self.sft.batch_clips * self.sft.accumulation,
            "rl.batch_clips": self.rl.batch_clips,
        }
        for setting, clips in shared.items():
            if clips < self.engine.processes:
                raise ValueError(
                    f"engine.processes = {self.engine.processes}: {setting} = {clips} cannot be shared out among so "
                    f"many; use at most {clips} processes, or larger batches"
                )
        return self

    @model_validator(mode="after")
    def frames_fit_the_backbone(self) -> Params:
        pixels, limit = self.data.frame_size**2, self.backbone.max_pixels
        if pixels > limit:
            raise ValueError(
                f"data.frame_size = {self.data.frame_size}: {pixels} pixels a frame, over backbone.max_pixels = "
                f"{limit}; use at most {isqrt(limit) // 28 * 28}"
            )
        return self


def load_params(path: Path, overrides: list[str] | None = None) -> Params:
    """Read and check a params file; `overrides` are `section.key=value`, the value in YAML.

    Raises SettingError on a missing or unreadable file, an unknown key, a value out of range.
    """
    settings = read(path)
    for change in overrides or []:
        override(settings, change)
    return check_params(settings, source=str(path))


def check_params(settings: dict[str, Any], source: str = "params") -> Params:
    try:
        return Params.model_validate(settings)
    except ValidationError as error:
        raise SettingError(f"{source}: " + "; ".join(describe(problem, Params) for problem in error.errors())) from None
