"""The sample of mutants: what is changed, and what does not count as a change."""

import subprocess
import sys

import pytest
from cosmic_ray.mutating import mutate_code

from benchmarks.left_out import LeftOutArgument, LeftOutCall, LeftOutStatement
from benchmarks.mutation import PYTEST, ROOT, changes, does_something_else, sample

CODE = """def over(value: int | None, low: int = 3) -> bool:
    report(value)
    return max(value, low) > low
"""


@pytest.mark.parametrize("operator", [LeftOutArgument, LeftOutCall, LeftOutStatement])
def test_an_operator_makes_of_its_examples_what_it_says(operator):
    for example in operator.examples():
        assert mutate_code(example.pre_mutation_code, operator(), example.occurrence) == example.post_mutation_code


@pytest.mark.parametrize(
    "code", ["zip(a, b, strict=True)\n", 'open(path, encoding="utf-8")\n', "np.empty(n, np.float64)\n", "f(a)\n"]
)
def test_guards_and_single_arguments_stay(code):
    assert mutate_code(code, LeftOutArgument(), 0) is None


def test_the_places_of_a_function_are_its_statement_its_call_its_comparison_and_its_numbers():
    operators = {place: {type(operator).__name__ for operator, _ in ways} for place, ways in changes(CODE).items()}
    assert operators[2, 4] == {"LeftOutStatement"}
    assert operators[3, 22] == {"LeftOutArgument"}
    assert "NumberReplacer" in operators[1, CODE.index("3")]
    assert any("ReplaceComparisonOperator_Gt_Lt" in names for names in operators.values())


def test_a_change_of_an_annotation_or_one_that_is_no_python_is_no_mutant():
    assert not does_something_else(CODE, CODE.replace("int | None", "int & None"))
    assert not does_something_else(CODE, CODE.replace("def", "not def"))
    assert does_something_else(CODE, CODE.replace("> low", "< low"))


def test_the_same_seed_draws_the_same_mutants_each_with_one_change(tmp_path):
    (tmp_path / "code.py").write_text(CODE)
    drawn = [sample([("room", tmp_path / "code.py")], tmp_path, 3, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len({mutant.after for mutant in drawn[0]}) == 3
    for mutant in drawn[0]:
        assert mutant.before == CODE != mutant.after
        assert mutant.difference().count("\n") == 1


def test_the_tests_are_collected_as_a_mutant_gets_them():
    command = [sys.executable, *PYTEST.split(), "--collect-only", "tests/tree/test_text.py"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
