import json

from hypothesis import given, settings
from hypothesis import strategies as st

from videmo.evaluation.predictions import Prediction, clusters_of, read_predictions, write_predictions

ANY = Prediction("a1", "identity", "a", None, "Same person?", "yes", "no", "a.mp4", (("no", -0.25),))


@settings(max_examples=60)
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


def seen(clip, person):
    return Prediction(f"{clip}.age", "age", clip, person, "?", "", "")


def test_clips_of_one_person_or_of_people_seen_together_are_one_cluster_and_of_nobody_known_one_each():
    alone = clusters_of([seen("a", "anna"), seen("b", "ben"), seen("c", "anna"), seen("d", None), seen("e", None)])
    assert alone["a"] == alone["c"]
    assert len(set(alone.values())) == 4
    met = clusters_of([seen("a", "anna"), seen("b", "ben"), seen("f", "ben + anna"), seen("anna", None)])
    assert met["a"] == met["b"] == met["f"] != met["anna"]


def test_a_logprob_beyond_all_numbers_is_a_bad_line(tmp_path):
    write_predictions(tmp_path / "m.jsonl", [Prediction("a", "age", "a", None, "?", "", "", logprobs=(("x", -1.0),))])
    text = (tmp_path / "m.jsonl").read_text()
    (tmp_path / "m.jsonl").write_text(text.replace("-1.0", "1" + "0" * 400))
    assert [bad.number for bad in read_predictions(tmp_path / "m.jsonl").bad_lines] == [1]
