"""A directory of videos with a CSV: what each value means, and what becomes of what is wrong."""

from pathlib import Path

import pytest
from default_settings import folder_data

from videmo.data.clip import Recording, Rejected
from videmo.data.sources.folder import recordings
from videmo.data.sources.label_columns import COLUMNS, course
from videmo.settings.errors import SettingError
from videmo.settings.sources import FolderData
from videmo.tasks.catalog import PARTS
from videmo.tree.model import LEVELS
from videmo.tree.vocabulary import ASPECTS


def folder(path: Path, csv: str | bytes, *files: str) -> FolderData:
    for name in files:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(name.encode())
    (path / "labels.csv").write_bytes(csv if isinstance(csv, bytes) else csv.encode())
    return folder_data(path)


def found(config: FolderData) -> list[Recording | Rejected]:
    return list(recordings(config, Path("unused")))


def only(config: FolderData) -> Recording:
    (recording,) = found(config)
    assert isinstance(recording, Recording), recording
    return recording


def reasons(config: FolderData) -> dict[str, str]:
    return {refused.file: refused.reason for refused in found(config) if isinstance(refused, Rejected)}


def test_every_meaning_is_a_word_of_the_catalogue_and_of_the_vocabulary():
    for values in COLUMNS.values():
        for meaning in values.values():
            for part, answers in meaning.labels.items():
                assert set(answers) <= set(PARTS[part].answers)
            assert all(pair.item in ASPECTS[pair.aspect].items for pair in meaning.pairs)


def test_labels_become_answers_and_a_tree(tmp_path):
    header = (
        "file,person,people,hair_color,hair_length,eyeglasses,expression,expression_sequence,sentiment,head_pose,note\n"
    )
    row = "a b.mp4,p1,1,black,long,yes,happy,neutral>happy,positive,front,a remark that nobody reads\n"
    recording = only(folder(tmp_path, header + row, "a b.mp4"))
    assert recording.person == "p1"
    assert recording.labels["emotion_mafw"] == ("happiness",)
    assert recording.labels["emotion_dfew"] == ("happy",)
    assert recording.labels["emotion_multi"] == ("neutral", "happiness")
    said = {level: {f"{pair.aspect}: {pair.item}" for pair in recording.tree.level(level)} for level in LEVELS}
    assert said["attribute"] == {"people: one", "hair colour: black", "hair length: long", "accessory: eyeglasses",
                                 "head pose: front"}  # fmt: skip
    assert said["expression"] == {"course: growing"}
    assert said["emotion"] == {"emotion: happiness", "emotion: neutral", "sentiment: positive"}


def test_a_column_may_be_named_after_a_part_or_an_aspect(tmp_path):
    csv = "file,action_units,emotion_mead,nose_size,accessory\na.mp4,AU4; AU15,strong angry,large,hat; earrings\n"
    recording = only(folder(tmp_path, csv, "a.mp4"))
    assert recording.labels == {"action_units": ("AU4", "AU15"), "emotion_mead": ("strong angry",)}
    said = {f"{pair.aspect}: {pair.item}" for level in LEVELS for pair in recording.tree.level(level)}
    assert {"nose size: large", "accessory: hat", "accessory: earrings"} <= said
    assert {"brows: lowered", "mouth corners: lowered", "emotion: anger", "intensity: strong"} <= said


def test_an_empty_field_was_not_judged(tmp_path):
    recording = only(folder(tmp_path, "file,person,expression,hair_length\na.mp4,,,\n", "a.mp4"))
    assert recording.person is None
    assert recording.labels == {}
    assert len(recording.tree) == 0


def test_a_vague_value_says_nothing_rather_than_something_wrong(tmp_path):
    recording = only(folder(tmp_path, "file,hair_color,head_pose\na.mp4,dark,left\n", "a.mp4"))
    assert recording.labels == {}
    assert len(recording.tree) == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("gone.mp4,happy", "no such file"),
        ("../a.mp4,happy", "outside the directory"),
        ("sub/../../a.mp4,happy", "outside the directory"),
        ("/etc/hostname,happy", "outside the directory"),
        ("..\\a.mp4,happy", "outside the directory"),
        ("b.mp4,joyous", "unknown label expression = 'joyous'; known are"),
        ("b.mp4,happy,more", "number of fields differs"),
        (",happy", "no file named"),
        ("a.mp4,sad", "duplicate in labels.csv"),
    ],
)
def test_a_row_that_cannot_be_used_is_set_aside_with_its_reason(tmp_path, row, reason):
    config = folder(tmp_path / "in", f"file,expression\na.mp4,happy\n{row}\n", "a.mp4", "b.mp4")
    (tmp_path / "a.mp4").touch()
    said = [why for file, why in reasons(config).items() if file != "b.mp4" or row.startswith("b.mp4")]
    assert len(said) == 1
    assert reason in said[0]
    assert any(isinstance(one, Recording) and one.video.name == "a.mp4" for one in found(config))


def test_a_label_outside_a_single_choice_is_set_aside(tmp_path):
    config = folder(tmp_path, "file,emotion_mead\na.mp4,weak sad; weak fear\n", "a.mp4")
    assert "takes one" in reasons(config)["a.mp4"]


def test_a_video_that_the_csv_does_not_list_is_set_aside_and_other_files_are_no_candidates(tmp_path):
    config = folder(tmp_path, "file\na.mp4\n", "a.mp4", "sub/b.MOV", "still.jpg", "README.md", ".hidden.mp4")
    assert reasons(config) == {"still.jpg": "not in labels.csv", "sub/b.MOV": "not in labels.csv"}


def test_names_with_spaces_and_of_any_script_are_read(tmp_path):
    names = ["zwei leute.mp4", "été/naïve.mp4", "笑顔.mp4"]
    config = folder(tmp_path, "file\n" + "\n".join(names), *names)
    recordings_found = [one for one in found(config) if isinstance(one, Recording)]
    assert [str(one.video.relative_to(tmp_path)) for one in recordings_found] == names
    assert len({one.id for one in recordings_found}) == 3


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    recording = only(folder(tmp_path, "\ufefffile,expression\r\na.mp4,sad\r\n", "a.mp4"))
    assert recording.labels["emotion_mer"] == ("sad",)


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ("name,expression\na.mp4,sad\n", "no column `file`"),
        ("", "no column `file`"),
        ("file;expression\na.mp4;sad\n", "separate fields by commas"),
        ("file,expression,expression\na.mp4,sad,happy\n", "duplicate column `expression`"),
        ("file,expresion\na.mp4,sad\n", "unknown column `expresion`: did you mean `expression`?"),
        ("file,Expresion\na.mp4,sad\n", "did you mean `expression`?"),
        ("file,hair color,hair_color\na.mp4,black,black\n", "duplicate column `hair_color`"),
        ("file,note\na.mp4,x\n".encode("utf-16")[:-1], "not UTF-16-LE at byte"),
        ("file,note\na.mp4,caf\u00e9\n".encode("latin-1"), "not UTF-8 at byte"),
        ('file\n"a.mp4\n', "not a readable CSV"),
    ],
)
def test_a_csv_that_cannot_be_used_is_an_error_of_the_whole_source(tmp_path, csv, message):
    with pytest.raises(SettingError, match=message) as refusal:
        found(folder(tmp_path, csv, "a.mp4"))
    assert "\n" not in str(refusal.value)


def test_columns_that_are_named_like_nothing_known_are_notes_and_aspects_may_be_written_with_spaces(tmp_path):
    csv = "file,hair length,eye_color,top,gender_note\na.mp4,long,brown,red,sure\n"
    said = {f"{pair.aspect}: {pair.item}" for pair in only(folder(tmp_path, csv, "a.mp4")).tree.attribute}
    assert said == {"hair length: long", "eye colour: brown"}


def test_a_file_named_from_the_current_directory_is_the_one_without_the_dot(tmp_path):
    recording = only(folder(tmp_path, "file\n./a.mp4\n", "a.mp4"))
    assert recording.id == "a_mp4"


def test_a_column_without_a_name_may_be_empty_as_spreadsheets_leave_them(tmp_path):
    assert only(folder(tmp_path, "file,expression,\na.mp4,sad,\n", "a.mp4")).labels["emotion_mer"] == ("sad",)
    assert "number of fields" in reasons(folder(tmp_path, "file,expression,\na.mp4,sad,x\n", "a.mp4"))["a.mp4"]


def test_a_row_is_named_by_its_line_in_the_file(tmp_path):
    csv = 'file,note\n\na.mp4,"two\nlines"\ngone.mp4,\n'
    assert reasons(folder(tmp_path, csv, "a.mp4"))["gone.mp4"].startswith("line 5 of labels.csv")


def test_a_name_that_no_disk_could_hold_is_a_file_that_is_not_there(tmp_path):
    name = "x" * 5000
    assert "no such file" in reasons(folder(tmp_path, f"file\na.mp4\n{name}\n", "a.mp4"))[name]


def test_a_missing_directory_or_csv_names_the_setting(tmp_path):
    with pytest.raises(SettingError, match=r"data\.path"):
        found(folder_data(tmp_path / "gone"))
    with pytest.raises(SettingError, match=r"data\.labels"):
        found(folder_data(tmp_path))


@pytest.mark.parametrize(
    ("sequence", "runs"),
    [
        (["happiness"], "steady"),
        (["sadness", "happiness"], "growing"),
        (["happiness", "neutral"], "fading"),
        (["neutral", "happiness", "neutral"], "brief"),
    ],
)
def test_a_sequence_of_expressions_has_a_course(sequence, runs):
    assert course(sequence) == runs


@pytest.mark.parametrize(
    "csv",
    [
        "File,Expression\na.mp4,sad\n",
        ",file,expression\n0,a.mp4,sad\n",
        "\ufeffsep=;\r\nfile;expression\r\na.mp4;sad\r\n",
        "file,expression\na.mp4,sad\n".encode("utf-16"),
        "file,expression\n.\\a.mp4,sad\n",
    ],
)
def test_a_table_is_read_as_people_and_their_programs_save_it(tmp_path, csv):
    assert only(folder(tmp_path, csv, "a.mp4")).labels["emotion_mer"] == ("sad",)


def test_a_video_is_found_by_its_whole_path_by_backslashes_and_by_accents_written_apart(tmp_path):
    apart, composed = "e\u0301te\u0301/a.mp4", "\u00e9t\u00e9/a.mp4"
    for written in (str(tmp_path / apart), apart.replace("/", "\\"), composed):
        assert only(folder(tmp_path, f"file\n{written}\n", apart)).video == tmp_path / apart


@pytest.mark.parametrize("word", ["NaN", "N/A", "None", "-", "null"])
def test_what_was_not_judged_says_nothing_and_the_clip_stays(tmp_path, word):
    csv = f"file,person,expression,hair_length,sentiment\na.mp4,{word},{word},{word},positive\n"
    recording = only(folder(tmp_path, csv, "a.mp4"))
    assert (recording.labels, recording.person) == ({"sentiment": ("positive",)}, None)


def test_none_is_an_answer_where_several_may_apply(tmp_path):
    recording = only(folder(tmp_path, "file,accessory,head_action,action_units\na.mp4,none,none,none\n", "a.mp4"))
    assert recording.labels == {"accessories": (), "action_units": ()}
    assert [pair.item for pair in recording.tree.attribute] == ["still"]


def test_a_name_is_one_person_however_it_is_written(tmp_path):
    people = ["Anna", "anna ", "ANNA", "Anna + unknown", "nan", "unknown", "n/a", ""]
    rows = "".join(f"{i}.mp4,{person}\n" for i, person in enumerate(people))
    config = folder(tmp_path, "file,person\n" + rows, *(f"{i}.mp4" for i in range(len(people))))
    found_people = [one.person for one in found(config) if isinstance(one, Recording)]
    assert found_people == ["anna"] * 4 + [None] * 4


@pytest.mark.parametrize(
    ("csv", "both"),
    [
        ("file,expression,emotion_dfew\na.mp4,happy,sad\n", "expression = 'happy' and emotion_dfew = 'sad'"),
        (
            "file,expression,emotion_mead\na.mp4,happy,strong sad\n",
            "expression = 'happy' and emotion_mead = 'strong sad'",
        ),
        ("file,hair_color,hair_colour\na.mp4,black,red\n", "hair_color = 'black' and hair_colour = 'red'"),
    ],
)
def test_labels_that_contradict_each_other_are_set_aside_with_both(tmp_path, csv, both):
    assert f"{both} contradict each other" in reasons(folder(tmp_path, csv, "a.mp4"))["a.mp4"]


def test_a_word_that_is_nearly_known_is_set_aside_with_the_nearest(tmp_path):
    config = folder(tmp_path, "file,expression\na.mp4,fearful\n", "a.mp4")
    assert "'fearful'; did you mean fear?" in reasons(config)["a.mp4"]


def test_columns_that_are_not_read_are_told(tmp_path, capsys):
    found(folder(tmp_path, "file,label,remark\na.mp4,happy,x\n", "a.mp4"))
    assert "not read, as notes: label, remark" in capsys.readouterr().out


def test_a_row_that_ends_before_its_file_is_set_aside_and_hides_no_column(tmp_path):
    assert (
        "no file named"
        in reasons(folder(tmp_path, "expression,file\nsad\nsad,a.mp4\n", "a.mp4"))["line 2 of labels.csv"]
    )
    with pytest.raises(SettingError, match="did you mean `expression`"):
        found(folder(tmp_path, "file,expresion\na.mp4\n", "a.mp4"))
