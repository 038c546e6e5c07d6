"""Stage data_build: recordings -> clips with sampled frames, samples, shards, and the quarantine."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TypeVar

from videmo.data.clip import Clip, Recording, Rejected, Split
from videmo.data.decoding import letterbox, probe, sampled
from videmo.data.face import face_box
from videmo.data.people import people_in
from videmo.data.refusal import ClipError
from videmo.data.samples import Sample, assign_splits, make_samples
from videmo.data.shards import Entry, encode_frame, write_index, write_shard
from videmo.data.tables import clip_from_json, clip_to_json, write_clips, write_samples
from videmo.data.workers import LONGEST, Workers
from videmo.settings.data import Data
from videmo.settings.sections import DataBuildSettings
from videmo.stages.content import file_digest
from videmo.stages.files import write_json
from videmo.stages.report import StageReport
from videmo.stages.work import Work, stage_directory

T = TypeVar("T")
UNDECIDED: Split = "train"  # the split of a clip until all people are known


@dataclass(frozen=True)
class Decoded:
    """A recording with its frames encoded, and the digest of the video's content."""

    clip: Clip
    content: str
    frames: tuple[bytes, ...]


@dataclass(frozen=True)
class ShardContents:
    """What became of one shard's worth of recordings."""

    clips: tuple[Clip, ...]
    contents: dict[str, str]  # clip -> sha256 of its video
    entries: tuple[Entry, ...]
    rejected: tuple[Rejected, ...]


def run(params: DataBuildSettings, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Build the data set that `params.data` names. Resumes at the first shard that a killed run did not finish.

    Raises ValueError where more than data.max_rejected of the candidates are no clips, or none are.
    """
    config, workers = params.data, params.execution.workers
    with stage_directory(output, __name__, params, inputs) as work:
        candidates = list(counted(recordings(config, work.path / "videos", workers), work, config.made, "videos found"))
        shards = list(build_shards(config, candidates, work, workers))
        rejected = [found for found in candidates if isinstance(found, Rejected)]
        rejected += [refused for shard in shards for refused in shard.rejected]
        write_json(work.path / "quarantine.json", [asdict(refused) for refused in rejected])
        check_rejected(rejected, len(candidates), config.max_rejected)
        clips = with_splits([clip for shard in shards for clip in shard.clips], config)
        samples = [s for clip in clips for s in make_samples(clip, random.Random(f"{config.seed} {clip.id}"))]
        write_index((entry for shard in shards for entry in shard.entries), work.path / "index.parquet")
        write_clips(clips, work.path / "clips.parquet")
        write_samples(samples, work.path / "samples.parquet")
        shutil.rmtree(work.path / "parts")
        return work.finish(measure(clips, samples, rejected))


def recordings(config: Data, videos: Path, workers: int) -> Iterator[Recording | Rejected]:
    """What the source that `config` names holds; one that makes its videos writes them below `videos`."""
    found: Iterator[Recording | Rejected] = import_module(config.module).recordings(config, videos, workers)
    return found


def build_shards(
    config: Data, candidates: list[Recording | Rejected], work: Work, workers: int
) -> Iterator[ShardContents]:
    """The shards, in order. One that an interrupted run has finished is read back instead."""
    offered = [found for found in candidates if isinstance(found, Recording)]
    check_ids(offered)
    root = config.videos or work.path
    seen: dict[str, str] = {}
    (work.path / "parts").mkdir(exist_ok=True)
    (work.path / "shards").mkdir(exist_ok=True)
    decode = partial(decode_recording, config=config, root=root)
    with Workers(workers) as pool:
        for number, batch in enumerate(batches(offered, config.shard_clips)):
            stored = work.path / "parts" / f"{number:05}.json"
            if stored.exists():
                shard = read_contents(stored)
            else:
                outcomes = pool.map(decode, batch, lost=partial(crashed, root=root))
                shown = counted(outcomes, work, len(offered), "videos decoded", done=number * config.shard_clips)
                shard = build_shard(shown, seen, work.path / "shards" / f"{number:05}.tar")
                write_contents(shard, stored)
            seen |= {content: clip for clip, content in shard.contents.items()}
            yield shard


def check_ids(offered: Iterable[Recording]) -> None:
    """Raise ValueError if two videos have one id: labels of one would go to the other."""
    videos: dict[str, Path] = {}
    for recording in offered:
        other = videos.setdefault(recording.id, recording.video)
        if other != recording.video:
            raise ValueError(f"data: {other} and {recording.video} have the same id {recording.id}; rename one of them")


def build_shard(outcomes: Iterable[Decoded | Rejected], seen: Mapping[str, str], shard: Path) -> ShardContents:
    """Write the shard of the recordings that are clips; a video seen before, `seen` by content, is none."""
    held: dict[str, Decoded] = {}
    rejected: list[Rejected] = []
    for outcome in outcomes:
        if isinstance(outcome, Rejected):
            rejected.append(outcome)
        elif first := held[outcome.content].clip.id if outcome.content in held else seen.get(outcome.content):
            rejected.append(Rejected(outcome.clip.video, f"duplicate: same content as {first}"))
        else:
            held[outcome.content] = outcome
    entries = write_shard(shard, ((item.clip.id, known(item.clip), item.frames) for item in held.values()))
    clips = tuple(item.clip for item in held.values())
    contents = {item.clip.id: content for content, item in held.items()}
    return ShardContents(clips, contents, tuple(entries), tuple(rejected))


def decode_recording(recording: Recording, config: Data, root: Path) -> Decoded | Rejected:
    """Decode one video, square its frames and encode them. A recording that brings no face box has to show a face.

    The source `faces` says where it drew the face, and its drawings are not what a detector of photographed faces was
    made for: asked, it would judge the drawing and not the clip.
    """
    video = os.path.relpath(recording.video, root)
    try:
        found = probe(recording.video)
        frames, width, height = [], 0, 0
        for picture in sampled(recording.video, found, config.frames):
            height, width = picture.shape[:2]
            frames.append(encode_frame(letterbox(picture, config.frame_size)))
        box = recording.face_box or face_box(lambda: sampled(recording.video, found, config.frames))
        if box is None:
            return Rejected(video, f"no face found in {config.frames} frames of {found.duration:.1f} s")
    except ClipError as error:
        return Rejected(video, str(error))
    clip = Clip(recording.id, video, config.source, recording.person, UNDECIDED, found.duration, found.fps, width,
                height, box, recording.labels, recording.tree)  # fmt: skip
    return Decoded(clip, file_digest(recording.video), tuple(frames))


def crashed(recording: Recording, root: Path) -> Rejected:
    return Rejected(
        os.path.relpath(recording.video, root), f"decoding crashed or did not finish within {LONGEST:.0f} s"
    )


def known(clip: Clip) -> dict[str, object]:
    """What a shard says of a clip: all but the split, which is decided when all people are known."""
    return {name: value for name, value in clip_to_json(clip).items() if name != "split"}


def with_splits(clips: list[Clip], config: Data) -> list[Clip]:
    splits = assign_splits({clip.id: clip.person for clip in clips}, config.test_share, config.seed)
    return [replace(clip, split=splits[clip.id]) for clip in clips]


def check_rejected(rejected: list[Rejected], candidates: int, limit: float) -> None:
    """Raises ValueError past the limit, naming the first reasons, or where nothing is left at all."""
    if not candidates:
        raise ValueError("data: the source holds no videos at all")
    share = len(rejected) / candidates
    if share > limit or len(rejected) == candidates:
        first = "; ".join(f"{refused.file}: {refused.reason}" for refused in rejected[:3])
        raise ValueError(
            f"data.max_rejected = {limit}: {len(rejected)} of {candidates} videos ({share:.1%}) are no clips; "
            f"first {first}; mend or remove them, or allow more"
        )


def measure(clips: list[Clip], samples: list[Sample], rejected: list[Rejected]) -> dict[str, float]:
    people = {name for clip in clips for name in people_in(clip.person)}
    parts = Counter(sample.part for sample in samples)
    return {
        "clips": len(clips),
        "test_clips": sum(clip.split == "test" for clip in clips),
        "people": len(people),
        "rejected": len(rejected),
        "samples": len(samples),
        "test_samples": sum(sample.split == "test" for sample in samples),
        "seconds_of_video": sum(clip.duration for clip in clips),
        **{f"samples_{part}": count for part, count in sorted(parts.items())},
    }


def counted(found: Iterable[T], work: Work, total: int, note: str, done: int = 0) -> Iterator[T]:
    for number, one in enumerate(found, start=done + 1):
        work.progress(number, max(number, total), note)
        yield one


def batches(items: list[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def write_contents(shard: ShardContents, path: Path) -> None:
    stored = {**asdict(shard), "clips": [clip_to_json(clip) for clip in shard.clips]}
    write_json(path, stored)


def read_contents(path: Path) -> ShardContents:
    stored = json.loads(path.read_text(encoding="utf-8"))
    entries = tuple(
        Entry(entry["clip"], entry["shard"], tuple(entry["offsets"]), tuple(entry["lengths"]))
        for entry in stored["entries"]
    )
    rejected = tuple(Rejected(**refused) for refused in stored["rejected"])
    return ShardContents(tuple(map(clip_from_json, stored["clips"])), stored["contents"], entries, rejected)
