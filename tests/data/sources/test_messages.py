"""What was exported as conversations comes back as the labels and trees it was made of."""

import json
import shutil

import pytest
from default_settings import folder_data

from videmo.data.clip import Recording, Rejected
from videmo.data.exchange import Item, export_samples
from videmo.data.sources import folder, messages
from videmo.settings.errors import SettingError
from videmo.tree.model import Pair


def item(answer: str, source: str, question: str = "Tell me.") -> Item:
    return Item("a.mp4", question, answer, source)


def test_an_export_is_a_source_again_and_gives_the_same_labels_and_trees(dataset, tmp_path):
    source = shutil.copytree(dataset.directory.parent / "in", tmp_path / "in")
    export_samples(dataset.samples, dataset.clips, source / "train.json")
    again = list(folder.recordings(folder_data(source, labels="train.json"), tmp_path))
    assert [recording.id for recording in again] == list(dataset.clips)
    for recording in again:
        clip = dataset.clips[recording.id]
        assert recording.labels == clip.labels
        assert recording.tree == clip.tree


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("CelebV-HQ_QA_Gender", "gender"),
        ("MEAD_QA_Face_shape", "face_shape"),
        ("faces_appearance_caption", "appearance_caption"),
        ("x_caption_head pose", "head_pose"),
        ("sentiment", "sentiment"),
    ],
)
def test_the_part_is_the_end_of_the_source(source, part):
    assert messages.part_of(item("", source)).name == part


def test_answers_in_other_words_are_read():
    labels, tree = messages.read_conversations(
        [
            item("The person is a male.", "CelebV_QA_Gender"),
            item("Her eyes are large and blue.", "CelebV_QA_Eyes"),
            item("She wears a hat.", "CelebV_QA_Accessories"),
            item("There are none.", "CelebV_QA_Facial_features"),
        ]
    )
    assert labels == {"facial_features": ()}
    said = {f"{pair.aspect}: {pair.item}" for pair in tree.attribute}
    assert said == {"gender: male", "eye colour: blue", "eye size: large", "accessory: hat"}


def test_what_two_answers_contradict_is_left_out():
    _, tree = messages.read_conversations([item("young", "a_age"), item("elderly", "b_age"), item("male", "a_gender")])
    assert tree.attribute == (Pair("gender", "male"),)


@pytest.mark.parametrize(
    ("answer", "source", "reason"),
    [
        ("happy", "MELD_jokes", "ends in no part"),
        ("sideways", "a_head_pose", "none of front"),
        ("happy and sad", "a_emotion_dfew", "none of happy"),
        ("purple", "a_hair", "names nothing of hair colour"),
        ("<attribute>age: young", "a_fine_caption", "no tree"),
    ],
)
def test_a_video_with_an_unreadable_answer_is_set_aside_with_its_reason(tmp_path, answer, source, reason):
    (tmp_path / "a.mp4").touch()
    (refused,) = messages.recordings([item(answer, source)], tmp_path)
    assert isinstance(refused, Rejected)
    assert reason in refused.reason


def test_a_video_that_is_not_there_is_set_aside_and_the_others_stay(tmp_path):
    shutil.copy(__file__, tmp_path / "a.mp4")
    found = list(messages.recordings([item("young", "a_age"), Item("gone.mp4", "q", "young", "a_age")], tmp_path))
    assert [type(one) for one in found] == [Recording, Rejected]


def test_a_file_that_is_missing_or_out_of_format_is_an_error_of_the_whole_source(tmp_path):
    with pytest.raises(SettingError, match=r"data\.labels"):
        list(folder.recordings(folder_data(tmp_path, labels="gone.json"), tmp_path))
    (tmp_path / "a.json").write_text(json.dumps([{"text": "no messages"}]))
    with pytest.raises(ValueError, match="item 0"):
        list(folder.recordings(folder_data(tmp_path, labels="a.json"), tmp_path))
