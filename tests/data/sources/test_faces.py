"""Procedural talking heads: same seed, same clips; what is named is in the vocabulary and can be seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import av
import numpy as np
import pytest
from default_settings import faces_data

from videmo.data.clip import CLIP_ID
from videmo.data.decoding import decode
from videmo.data.sources.faces import NAMESPACE, cast, recordings, stage
from videmo.drawn.acting import FPS, FRAMES, act
from videmo.drawn.action_units import BLENDS, INDEX, INTENSITIES, PROTOTYPES, blend, prototype
from videmo.drawn.appearance import active_units
from videmo.drawn.draw import draw_frames
from videmo.drawn.ground_truth import face_box, labels_of, tree_of
from videmo.drawn.performance import Performance, perform, sample_performance
from videmo.drawn.person import sample_person
from videmo.drawn.script import KINDS, Script
from videmo.tasks.catalog import COLUMNS, PAPER_COLUMNS, PARTS
from videmo.tree.model import LEVELS, Pair
from videmo.tree.vocabulary import ASPECTS, EMOTIONS, HEAD_POSES


@cache
def some_performances() -> tuple[Performance, ...]:
    return tuple(stage(7, NAMESPACE, person, clip) for person in range(200) for clip in range(2))


def worn(performance: Performance) -> tuple[str, ...]:
    return performance.figures[0].script.accessories


def aspects_of(performance: Performance) -> set[str]:
    tree = tree_of(performance)
    return {pair.aspect for level in LEVELS for pair in tree.level(level)}


def test_every_label_is_in_its_answer_space_and_in_its_order():
    for performance in some_performances():
        for part, answers in labels_of(performance).items():
            space = PARTS[part].answers
            assert answers == tuple(answer for answer in space if answer in answers), (part, answers)
            assert PARTS[part].many or len(answers) == 1


def test_every_tree_speaks_the_vocabulary():
    for performance in some_performances():
        tree = tree_of(performance)
        for level in LEVELS:
            aspects = Counter(pair.aspect for pair in tree.level(level))
            for pair in tree.level(level):
                aspect = ASPECTS[pair.aspect]
                assert aspect.level == level
                assert pair.item in aspect.items, pair
                assert aspect.many or aspects[pair.aspect] == 1, pair


def test_every_answer_of_every_closed_question_is_given_by_some_clip():
    given: dict[str, Counter] = {}
    for performance in (stage(1, NAMESPACE, person, clip) for person in range(400) for clip in range(3)):
        for part, answers in labels_of(performance).items():
            given.setdefault(part, Counter()).update(answers)
    closed = {part for column in PAPER_COLUMNS for part in COLUMNS[column].parts if PARTS[part].answers}
    assert given.keys() - {"accessories", "facial_features"} == closed  # these say that there are none
    for part in closed - {"appearance", "action"}:
        assert set(given[part]) == set(PARTS[part].answers), part
    assert len(given["appearance"]) >= 30
    assert len(given["action"]) >= 10


def test_kinds_emotions_and_poses_come_in_their_shares():
    performances = some_performances()
    kinds = Counter(performance.kind for performance in performances)
    for kind, share in KINDS.items():
        assert abs(kinds[kind] / len(performances) - share) < 0.06, kinds
    labels = [labels_of(performance) for performance in performances]
    emotions = Counter(answer for label in labels for answer in label.get("emotion_mafw", ()))
    assert min(emotions[emotion] for emotion in EMOTIONS) > 0.4 * sum(emotions.values()) / len(EMOTIONS)
    poses = Counter(
        performance.figures[0].script.head_pose for performance in performances if performance.kind == "single"
    )
    assert min(poses[pose] for pose in HEAD_POSES) > 0.5 * sum(poses.values()) / len(HEAD_POSES)
    for pair in ("identity", "conversation"):
        answers = Counter(answer for label in labels for answer in label.get(pair, ()))
        assert min(answers[answer] for answer in PARTS[pair].answers) >= 4, answers


def test_about_a_quarter_of_the_emotional_clips_show_a_second_emotion():
    scripts = [p.figures[0].script for p in some_performances() if p.kind == "single"]
    emotional = [script for script in scripts if script.emotion != "neutral"]
    assert 0.15 < np.mean([script.second_emotion is not None for script in emotional]) < 0.35


def test_a_person_stays_the_same_over_their_clips():
    first, *others = (stage(3, NAMESPACE, 5, clip) for clip in range(12))
    assert all(cast(3, NAMESPACE, 5) in [figure.person for figure in clip.figures] for clip in (first, *others))
    assert cast(3, NAMESPACE, 5) != cast(3, NAMESPACE, 6)


def test_who_else_is_in_a_clip_is_nobody_of_the_data_set_nor_of_another_clip():
    people = {cast(7, NAMESPACE, person) for person in range(200)}
    strangers = [
        figure.person
        for performance in some_performances()
        for figure in performance.figures
        if figure.person not in people
    ]
    assert strangers
    assert len(set(strangers)) == len(strangers)


def test_two_people_have_their_relation_or_identity_and_nothing_of_one_person():
    for performance in some_performances():
        if len(performance.figures) == 2:
            assert set(labels_of(performance)) == {performance.kind}
            assert tree_of(performance).attribute == (Pair("people", "two"),)


def test_the_same_person_is_on_both_sides_exactly_where_the_label_says_so():
    clips = [performance for performance in some_performances() if performance.kind == "identity"]
    for clip in clips:
        left, right = (figure.person for figure in clip.figures)
        assert labels_of(clip)["identity"] == (("yes",) if left == right else ("no",))


def test_what_a_mask_hides_is_not_named():
    masked = [performance for performance in some_performances() if "mask" in worn(performance)]
    assert masked
    for performance in masked:
        hidden = {"lip colour", "nose size", "chin shape", "mouth corners", "jaw", "emotion", "facial feature"}
        assert not hidden & aspects_of(performance)
        labels = labels_of(performance)
        assert not {"emotion_mafw", "action_units", "sentiment"} & set(labels)
        assert not {"big lips", "goatee", "no beard", "lipstick"} & set(labels["appearance"])


def test_what_sunglasses_and_bare_heads_do_not_show_is_not_named():
    for performance in some_performances():
        if performance.kind != "single":
            continue
        found = aspects_of(performance)
        if "sunglasses" in worn(performance):
            assert not {"eye colour", "eye size", "eyelids"} & found
        if performance.figures[0].person.hair_length == "bald":
            assert not {"hair colour", "hair type"} & found
        if performance.figures[0].script.head_action == "turning":
            assert "head pose" not in found
            assert "head_pose" not in labels_of(performance)


def test_micro_expressions_are_brief_and_lie_on_a_face_at_rest():
    for performance in some_performances():
        if performance.kind == "micro":
            labels = labels_of(performance)
            assert "micro_expression" in labels
            assert not [part for part in labels if part.startswith(("emotion", "sentiment"))]
            shown = performance.figures[0].acting.amplitudes.max(axis=(1, 2)) > 0.2
            assert 3 <= shown.sum() <= 6
            assert shown[1::2].any()


@pytest.mark.parametrize("emotion", sorted(set(PROTOTYPES) - {"neutral"}))
@pytest.mark.parametrize("intensity", sorted(INTENSITIES))
def test_an_emotion_shows_all_its_action_units_at_every_intensity(emotion, intensity):
    script = Script(emotion=emotion, intensity=intensity)
    for seed in range(5):
        assert active_units(act(np.random.default_rng(seed), script)) == set(PROTOTYPES[emotion])


def test_no_two_emotions_show_the_same_expression():
    seen = {}
    for emotion in PROTOTYPES:
        person = sample_person(np.random.default_rng(0))
        tree = tree_of(perform(np.random.default_rng(0), person, Script(emotion=emotion)))
        assert seen.setdefault(tree.expression, emotion) == emotion


def test_a_second_emotion_adds_at_least_two_units():
    for first, seconds in BLENDS.items():
        alone = prototype(first, 0)
        for second in seconds:
            added = (blend(alone, prototype(second, 0)) > alone).any(axis=1) & (alone.max(axis=1) == 0)
            assert added.sum() >= 2, (first, second)


def test_the_course_of_an_expression_is_in_its_amplitudes():
    def anger(course: str) -> np.ndarray:
        script = Script(emotion="anger", course=course)
        return act(np.random.default_rng(0), script).amplitudes[:, INDEX[4], 0]

    assert anger("growing")[0] < 0.05 < 0.6 < anger("growing")[-1]
    assert anger("fading")[0] > 0.6 > 0.05 > anger("fading")[-1]
    assert anger("steady")[1:].min() > 0.6


def test_the_same_numbers_draw_the_same_frames_at_any_size():
    one, other = (draw_frames(stage(2, NAMESPACE, 3, 1), 84) for _ in range(2))
    assert one.shape == (FRAMES, 84, 84, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, other)
    assert np.array_equal(draw_frames(stage(2, NAMESPACE, 3, 1), 84, chosen=[3, 9]), one[[3, 9]])


@pytest.mark.parametrize(
    "change",
    [
        {"emotion": "happiness"}, {"head_pose": "left 30"}, {"body_action": "waving"}, {"accessories": ("hat",)},
        {"face_action": "yawning"}, {"head_action": "tilting"}, {"gaze": "wandering"},
    ],
)  # fmt: skip
def test_what_a_script_says_changes_the_picture(change):
    person = sample_person(np.random.default_rng(1))
    plain, changed = (
        draw_frames(perform(np.random.default_rng(1), person, script), 84).astype(int)
        for script in (Script(), replace(Script(), **change))
    )
    assert (np.abs(plain - changed).max(axis=(0, 3)) > 40).sum() > 12


def test_the_face_box_holds_the_face_and_not_the_whole_frame():
    for performance in some_performances()[:60]:
        left, top, right, bottom = face_box(performance)
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert bottom - top > 0.4
        assert (right - left) * (bottom - top) < 0.95


def test_a_pool_of_workers_yields_what_one_does_in_order(tmp_path):
    alone = list(recordings(faces_data(people=3, clips_per_person=2), tmp_path / "alone", workers=1))
    pooled = list(recordings(faces_data(people=3, clips_per_person=2), tmp_path / "pooled", workers=2))
    assert [recording.id for recording in alone] == [recording.id for recording in pooled]
    assert len({recording.id for recording in alone}) == 6
    assert all(CLIP_ID.fullmatch(recording.id) for recording in alone)
    for one, other in zip(alone, pooled, strict=True):
        assert (one.labels, one.tree, one.face_box, one.person) == (
            other.labels,
            other.tree,
            other.face_box,
            other.person,
        )
        assert one.video.read_bytes() == other.video.read_bytes()


def test_a_video_comes_back_with_its_frames_and_colours(tmp_path):
    recording, *_ = recordings(faces_data(people=2, clips_per_person=1, seed=4), tmp_path, workers=1)
    drawn = draw_frames(stage(4, NAMESPACE, 0, 0), 168)
    with av.open(str(recording.video)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].average_rate == FPS
        read = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert read.shape == drawn.shape
    assert np.abs(read.astype(int) - drawn).mean() < 4
    assert decode(recording.video, 8, 84).shape == (8, 84, 84, 3)


def test_a_performance_of_a_given_kind_is_of_that_kind():
    rng = np.random.default_rng(0)
    person, stranger = sample_person(rng), sample_person(rng)
    for kind in KINDS:
        assert sample_performance(rng, person, stranger, kind).kind == kind
