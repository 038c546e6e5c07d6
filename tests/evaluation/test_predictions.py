import json

from hypothesis import given, settings
from hypothesis import strategies as st

from videmo.evaluation.predictions import Prediction, read_predictions, write_predictions

ANY = Prediction("a1", "identity", "a", None, "Same person?", "yes", "no", "a.mp4", (("no", -0.25),))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.one_of(st.none(), st.text()))
def test_any_text_survives_the_file(tmp_path_factory, text, person):
    path = tmp_path_factory.mktemp("p") / "model.jsonl"
    written = Prediction("1", "age", "c", person, "How old?", "young", text, "c.mp4", ((text, -1.5),))
    write_predictions(path, [written])
    assert read_predictions(path).predictions == (written,)
    assert read_predictions(path).bad_lines == ()


def test_a_line_has_the_fields_of_ms_swift(tmp_path):
    write_predictions(tmp_path / "m.jsonl", [ANY])
    line = json.loads((tmp_path / "m.jsonl").read_text())
    assert {"response", "labels", "logprobs", "messages", "videos"} <= set(line)
    assert line["messages"][0] == {"role": "user", "content": "<video>Same person?"}
    assert line["logprobs"]["content"] == [{"token": "no", "logprob": -0.25}]


def test_bad_lines_are_counted_with_their_reason_and_the_good_ones_kept(tmp_path):
    write_predictions(tmp_path / "m.jsonl", [ANY])
    good = (tmp_path / "m.jsonl").read_bytes()
    missing = json.dumps({**json.loads(good), "id": "a2", "labels": None}).encode() + b"\n"
    latin = good.replace(b"a1", b"a3").replace(b"yes", b"\xe9")
    (tmp_path / "m.jsonl").write_bytes(b"{broken\n[1]\n" + latin + missing + good + good + b"[" * 100_000 + b"\n")
    found = read_predictions(tmp_path / "m.jsonl")
    assert found.predictions == (ANY,)
    assert [bad.number for bad in found.bad_lines] == [1, 2, 3, 4, 6, 7]
    assert "labels" in found.bad_lines[3].reason
    assert "twice" in found.bad_lines[4].reason


def test_samples_of_one_person_are_one_cluster_and_of_nobody_known_one_for_each_clip():
    assert ANY.cluster == "a"
    assert Prediction("a1", "age", "a", "p7", "?", "", "").cluster == "p7"
