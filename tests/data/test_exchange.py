"""Samples leave and come back in the format that ms-swift and LLaMA-Factory read."""

import json

import pytest

from videmo.data.exchange import ExchangeError, Item, export_samples, read_items, write_items


def test_samples_come_back_as_they_went(dataset, tmp_path):
    assert export_samples(dataset.samples, dataset.clips, tmp_path / "out.json") == len(dataset.samples)
    items = read_items(tmp_path / "out.json")
    assert [(item.question, item.answer) for item in items] == [(s.question, s.answer) for s in dataset.samples]
    assert [item.video for item in items] == [dataset.clips[sample.clip].video for sample in dataset.samples]
    assert items[0].source == f"folder_{dataset.samples[0].part}"


def test_an_item_is_what_the_others_expect(tmp_path):
    write_items([Item("v/笑顔.mp4", "What?", "happy", "faces_emotion")], tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == [
        {
            "messages": [{"role": "user", "content": "<video>What?"}, {"role": "assistant", "content": "happy"}],
            "videos": ["v/笑顔.mp4"],
            "source": "faces_emotion",
        }
    ]


def test_json_lines_and_a_system_turn_are_read(tmp_path):
    item = {
        "messages": [
            {"role": "system", "content": "You see."},
            {"role": "user", "content": "<video>\nWho?"},
            {"role": "assistant", "content": "A man."},
        ],
        "videos": ["a.mp4"],
    }
    (tmp_path / "a.jsonl").write_text(json.dumps(item) + "\n\n" + json.dumps(item))
    assert read_items(tmp_path / "a.jsonl") == [Item("a.mp4", "Who?", "A man.", "")] * 2


GOOD = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "videos": ["a.mp4"]}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"videos": ["../a.mp4"]}, "must be a relative path without"),
        ({"videos": ["/a.mp4"]}, "must be a relative path without"),
        ({"videos": ["a.mp4", "b.mp4"]}, "must name exactly one video"),
        ({"videos": []}, "must name exactly one video"),
        ({"videos": "a.mp4"}, "must name exactly one video"),
        ({"messages": GOOD["messages"] * 2}, "must be one user question and one assistant answer"),
        ({"messages": [{"role": "user", "content": 3}, {"role": "assistant", "content": "a"}]}, "as text"),
        ({"messages": [{"from": "human"}]}, "must have videos, and messages with role and content"),
        ({"messages": None}, "must have videos, and messages with role and content"),
    ],
)
def test_an_item_out_of_format_is_named(tmp_path, change, fault):
    (tmp_path / "a.json").write_text(json.dumps([GOOD, {**GOOD, **change}]))
    with pytest.raises(ExchangeError, match=rf"a\.json: item 1: .*{fault}"):
        read_items(tmp_path / "a.json")


@pytest.mark.parametrize(("content", "fault"), [(b"[{", "not JSON"), (b"\xff\xfe[]", "not UTF-8"), (b"[3]", "item 0")])
def test_a_file_out_of_format_is_named(tmp_path, content, fault):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ExchangeError, match=fault):
        read_items(tmp_path / "a.json")
