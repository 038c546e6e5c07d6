from videmo.evaluation.report_page.trees import agreement, compare, size
from videmo.tree.model import AffectiveTree, Pair

REFERENCE = AffectiveTree(
    (Pair("lip thickness", "full"), Pair("age", "young")),
    (Pair("mouth corners", "raised"),),
    (Pair("emotion", "happiness"), Pair("emotion", "surprise")),
)


def test_an_emotion_hangs_from_the_expression_it_rests_on_and_that_from_its_attribute():
    roots = compare(REFERENCE, REFERENCE)
    assert [root.aspect for root in roots] == ["lip thickness", "age"]
    mouth = roots[0].children[0]
    assert (mouth.aspect, mouth.children[0].predicted) == ("mouth corners", "happiness, surprise")
    assert agreement(roots) == size(roots) == 4


def test_differences_are_marked():
    predicted = AffectiveTree(
        (Pair("age", "elderly"), Pair("gender", "male")), (Pair("mouth corners", "raised"),), (Pair("aura", "dim"),)
    )
    roots = compare(REFERENCE, predicted)
    marks = {}

    def collect(nodes):
        for node in nodes:
            marks[node.aspect] = node.mark
            collect(node.children)

    collect(roots)
    assert marks == {
        "age": "other", "gender": "added", "lip thickness": "missing", "mouth corners": "same", "emotion": "missing",
        "aura": "added",
    }  # fmt: skip


def test_what_rests_on_nothing_that_is_there_is_a_root():
    assert [root.aspect for root in compare(AffectiveTree(emotion=(Pair("emotion", "fear"),)), AffectiveTree())] == [
        "emotion"
    ]
