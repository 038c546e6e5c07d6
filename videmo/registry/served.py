"""The model as MLflow serves it: video paths in, affective trees as JSON out. MLflow runs this file to load it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow

from videmo.registry.packaging import POLICY_ARTIFACT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from videmo.tree.model import AffectiveTree

QUESTION = "fine_caption"


class TreeModel(mlflow.pyfunc.PythonModel):
    """Answers the fine-grained caption question about each video and reads the tree from the answer."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        from videmo.backbone.loading import load_policy, to_gpu
        from videmo.generation.hf import HfSampler

        settings = context.model_config
        self.frames, self.size, self.batch = settings["frames"], settings["frame_size"], settings["batch"]
        self.policy = to_gpu(load_policy(context.artifacts[POLICY_ARTIFACT], dtype=settings["dtype"]))
        self.sampler = HfSampler(self.policy)

    # MLflow reads the signature from the hints, and turns a data frame with one column, such as `video`, into a list.
    def predict(
        self, context: mlflow.pyfunc.PythonModelContext, model_input: list[str], params: dict[str, object] | None = None
    ) -> list[str]:
        """For each path {"attribute": {aspect: [item, ...]}, "expression": ..., "emotion": ...} as JSON.

        A video that cannot be read has {"error": reason} instead.
        """
        videos = list(model_input)
        trees: list[str] = []
        for start in range(0, len(videos), self.batch):
            trees.extend(self._trees(videos[start : start + self.batch]))
        return trees

    def _trees(self, videos: list[str]) -> list[str]:
        from videmo.tasks.catalog import PARTS
        from videmo.tasks.questions import ask
        from videmo.tree.text import parse

        decoded = [self._decode(video) for video in videos]
        question = ask(PARTS[QUESTION])
        prompts = [(self.policy.pack(frames), question) for frames in decoded if not isinstance(frames, str)]
        answers = iter(self.sampler.answer(prompts) if prompts else [])
        return [
            json.dumps({"error": frames}) if isinstance(frames, str) else _tree_json(parse(next(answers).text).tree)
            for frames in decoded
        ]

    def _decode(self, video: str) -> NDArray[np.uint8] | str:
        """The frames, or the reason why there are none."""
        from videmo.data.decoding import decode

        try:
            return decode(Path(video), self.frames, self.size)
        except (ValueError, OSError) as error:
            return str(error)


def _tree_json(tree: AffectiveTree) -> str:
    from videmo.tree.model import LEVELS

    levels: dict[str, dict[str, list[str]]] = {level: {} for level in LEVELS}
    for level in LEVELS:
        for pair in tree.level(level):
            levels[level].setdefault(pair.aspect, []).append(pair.item)
    return json.dumps(levels)


mlflow.models.set_model(TreeModel())
