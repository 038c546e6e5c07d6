import json
import random
import time

import pytest

from videmo.data.shards import open_dataset
from videmo.evaluation.judge import score
from videmo.evaluation.matching import match_file
from videmo.evaluation.predictions import Prediction, write_predictions

HOSTILE = ("", "x" * 100_000, "<script>alert(1)</script>", "\ud800", "none\x00")


@pytest.fixture(scope="module")
def dataset(built_data):
    return open_dataset(built_data)


@pytest.fixture(scope="module")
def samples(dataset):
    return dataset.of("test")


@pytest.fixture
def perfect(dataset, samples, tmp_path):
    """A file that answers every question with its reference."""
    path = tmp_path / "answers.jsonl"
    clips = dataset.clips
    write_predictions(
        path,
        [Prediction(s.id, s.part, s.clip, None, s.question, s.answer, s.answer, clips[s.clip].video) for s in samples],
    )
    return path


def foreign(line: bytes) -> bytes:
    """As ms-swift writes it: none of this project's fields, and the video where it lay on that machine."""
    stored = json.loads(line)
    for field in ("id", "part", "clip", "person"):
        del stored[field]
    return json.dumps({**stored, "videos": [f"/mnt/emo/{stored['videos'][0]}"]}).encode()


def test_a_file_of_another_tool_is_matched_by_video_and_question_in_any_order(perfect, dataset, samples):
    lines = [foreign(line) for line in perfect.read_bytes().splitlines()]
    random.Random(0).shuffle(lines)
    perfect.write_bytes(b"\n".join(lines))
    found = match_file(perfect, dataset, samples)
    assert [prediction.id for prediction in found.predictions] == [sample.id for sample in samples]
    assert not found.faults()
    assert set(score(found.predictions).values) == {100.0}


def test_ids_of_another_tool_are_no_hindrance(perfect, dataset, samples):
    lines = [json.loads(line) for line in perfect.read_bytes().splitlines()]
    perfect.write_text("\n".join(json.dumps({**line, "id": str(number)}) for number, line in enumerate(lines)))
    assert not match_file(perfect, dataset, samples).faults()


def test_a_path_of_a_hundred_thousand_directories_is_no_video_and_soon_told(perfect, dataset, samples):
    line = json.loads(foreign(perfect.read_bytes().splitlines()[0]))
    deep = json.dumps({**line, "videos": ["a/" * 100_000]}).encode()
    perfect.write_bytes(perfect.read_bytes() + deep)
    started = time.monotonic()
    assert match_file(perfect, dataset, samples).extra == (len(samples) + 1,)
    assert time.monotonic() - started < 2  # twelve seconds, when every end of the path was tried


def test_missing_extra_repeated_and_broken_lines_are_counted_and_nothing_is_lost(perfect, dataset, samples):
    lines = perfect.read_bytes().splitlines()
    other = lines[3].replace(json.dumps(samples[3].id).encode(), b'"x"').replace(samples[3].question.encode(), b"Who?")
    perfect.write_bytes(b"\n".join([lines[5], *lines[2:], lines[4], other, b"{broken", "ä".encode("latin-1")]))
    found = match_file(perfect, dataset, samples)
    total = len(lines)
    assert found.missing == (samples[0].id, samples[1].id)
    assert found.repeated == (5, total)  # the sixth, again at its place, and the fifth at the end
    assert found.extra == (total + 1,)
    assert [bad.number for bad in found.bad_lines] == [total + 2, total + 3]
    assert [p.response for p in found.predictions[2:]] == [sample.answer for sample in samples[2:]]
    assert f"2 unanswered samples, which score 0: {samples[0].id}, {samples[1].id}" in found.faults()
    assert found.counts() == {"missing": 2, "repeated": 2, "extra": 1, "bad_lines": 2}


def test_leaving_a_question_out_scores_nothing(perfect, dataset, samples):
    perfect.write_bytes(b"\n".join(perfect.read_bytes().splitlines()[1:]))
    scores = score(match_file(perfect, dataset, samples).predictions)
    left_out = [v for sample, v in zip(scores.samples, scores.values, strict=True) if sample == samples[0].id]
    assert set(left_out) == {0.0}


@pytest.mark.parametrize("answer", HOSTILE)
def test_an_answer_may_be_empty_endless_or_markup(perfect, dataset, samples, answer):
    lines = perfect.read_bytes().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), "response": answer}).encode()
    perfect.write_bytes(b"\n".join(lines))
    found = match_file(perfect, dataset, samples)
    assert found.predictions[0].response == answer
    assert not found.faults()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_in_another_encoding_is_refused_with_the_remedy(perfect, dataset, samples, encoding):
    perfect.write_bytes(perfect.read_text(encoding="utf-8").encode(encoding))
    with pytest.raises(ValueError, match="UTF-8"):
        match_file(perfect, dataset, samples)


def test_a_mark_at_the_start_of_a_file_does_no_harm(perfect, dataset, samples):
    perfect.write_bytes(b"\xef\xbb\xbf" + perfect.read_bytes().replace(b"\n", b"\r\n"))
    assert not match_file(perfect, dataset, samples).faults()


def test_answers_about_other_videos_are_refused(perfect, dataset, samples):
    lines = [foreign(line).replace(b"videos/", b"others/x") for line in perfect.read_bytes().splitlines()]
    perfect.write_bytes(b"\n".join(lines))
    with pytest.raises(ValueError, match="no line answers a question"):
        match_file(perfect, dataset, samples)
