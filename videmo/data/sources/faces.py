"""Procedural talking heads: people drawn frame by frame from action units, with exact ground truth."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from videmo.data.clip import Recording
from videmo.drawn.acting import FPS
from videmo.drawn.draw import draw_frames
from videmo.drawn.ground_truth import face_box, labels_of, tree_of
from videmo.drawn.performance import Performance, sample_performance
from videmo.drawn.person import Person, sample_person
from videmo.drawn.video import write_video
from videmo.settings.sources import FacesData

SIZE = 168  # pixels; colour has half the resolution in the file
NAMESPACE = 15  # of the people of the data set; people drawn for anything else take another


def recordings(config: FacesData, work: Path, workers: int) -> Iterator[Recording]:
    """Draw and encode config.people x config.clips_per_person clips below `work`, in order.

    The number of workers changes nothing but the time. Each person's clips share its traits and nothing else.
    """
    jobs = [(person, clip) for person in range(config.people) for clip in range(config.clips_per_person)]
    record = partial(_record, config.seed, work)
    if workers == 1:
        yield from map(record, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        yield from pool.map(record, jobs, chunksize=8)


def cast(seed: int, namespace: int, person: int) -> Person:
    """The person of that number."""
    return sample_person(np.random.default_rng([seed, namespace, person]))


def stage(seed: int, namespace: int, person: int, clip: int) -> Performance:
    """A clip of that person. Who else is in it belongs to this clip alone."""
    rng = np.random.default_rng([seed, namespace, person, 1 + clip])
    stranger = sample_person(rng)
    return sample_performance(rng, cast(seed, namespace, person), stranger)


def _record(seed: int, work: Path, job: tuple[int, int]) -> Recording:
    person, clip = job
    performance = stage(seed, NAMESPACE, person, clip)
    video = work / f"p{person:04d}" / f"c{clip:02d}.mp4"
    write_video(video, draw_frames(performance, SIZE), FPS)
    return Recording(
        id=f"faces-p{person:04d}-c{clip:02d}",
        video=video,
        person=f"p{person:04d}",
        labels=labels_of(performance),
        tree=tree_of(performance),
        face_box=face_box(performance),
    )


def _one_thread() -> None:
    cv2.setNumThreads(1)
