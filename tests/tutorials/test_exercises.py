"""Every exercise: its form, its reference solution, and what a blank, a wrong and a broken one are told."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.tutorials.forms import blank, cells, without_hidden
from tutorials.__main__ import exercises, find, main
from tutorials.exercise import checks, grade, points, run

EXERCISES = exercises()
by_name = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.path.stem)


def text_of(exercise):
    return exercise.path.read_text(encoding="utf-8")


def run_text(text, tmp_path):
    """What a script says; it must end well, and say nothing on stderr."""
    script = tmp_path / "exercise.py"
    script.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    return done.stdout


def grader_keys(text):
    """The nbgrader keys of each cell that has any."""
    marked = (re.fullmatch(r"# %% nbgrader=(\{.*\})", marker) for marker, _ in cells(text))
    return [json.loads(match[1]) for match in marked if match]


def test_there_are_exercises():
    assert "softmax_backward" in [exercise.key for exercise in EXERCISES]


@by_name
def test_the_head_tells_number_title_summary_and_time(exercise):
    marker, text = cells(text_of(exercise))[0]
    assert marker == "# %% [markdown]"
    title, rule = text.strip().removeprefix('"""\n').splitlines()[:2]
    assert re.fullmatch(rf"Exercise \d+: {re.escape(exercise.title)}", title)
    assert rule == "=" * len(title)
    assert re.match(r"about .*minutes\.", exercise.takes)


@by_name
def test_cells_carry_the_keys_that_nbgrader_asks_for(exercise):
    keys = grader_keys(text_of(exercise))
    assert all(key["schema_version"] == 3 for key in keys)
    ids = [key["grade_id"] for key in keys]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_\-]+", name) for name in ids)
    kinds = [(key["grade"], key["solution"], key["locked"]) for key in keys]
    assert set(kinds) == {(False, True, False), (True, False, True)}
    for marker, text in cells(text_of(exercise)):
        if "BEGIN SOLUTION" in text:
            assert '"solution": true' in marker
        if "BEGIN HIDDEN TESTS" in text:
            assert '"grade": true' in marker


@by_name
def test_markers_stand_on_lines_of_their_own_in_pairs(exercise):
    marks = re.findall(
        r"^.*\b(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)\b.*$", text_of(exercise), re.M
    )
    assert marks
    for begin, end in zip(marks[::2], marks[1::2], strict=True):
        assert re.fullmatch(r" *# BEGIN (SOLUTION|HIDDEN TESTS)", begin)
        assert end == begin.replace("BEGIN", "END")


@by_name
def test_points_of_the_checks_add_up_to_those_of_their_cell(exercise):
    names = {"__name__": "exercise"}
    exec(compile(text_of(exercise), exercise.path.name, "exec"), names)
    found = checks(names)
    worth = sum(key.get("points", 0) for key in grader_keys(text_of(exercise)))
    assert sum(check.terms.worth for check in found) == worth
    numbers = [check.terms.number for check in found]
    assert len(set(numbers)) == len(numbers)
    hidden = re.findall(
        r"# BEGIN HIDDEN TESTS(.*?)# END HIDDEN TESTS", text_of(exercise), re.DOTALL
    )
    for check in found:
        is_hidden = any(f"def {check.__name__}(" in part for part in hidden)
        assert check.terms.visibility == ("after_published" if is_hidden else "visible")


@by_name
def test_the_reference_solution_gets_all_points(exercise, tmp_path):
    told = run_text(text_of(exercise), tmp_path).splitlines()[-1]
    got, _, worth = re.fullmatch(r"(\S+) (of) (\S+) points", told).groups()
    assert float(got) == float(worth) > 0


@by_name
def test_what_a_student_is_given_holds_no_solution_and_is_not_attempted(exercise, tmp_path):
    given = blank(without_hidden(text_of(exercise)))
    solutions = re.findall(r"# BEGIN SOLUTION\n(.*?) *# END SOLUTION", text_of(exercise), re.DOTALL)
    for line in "".join(solutions).splitlines():
        assert line.strip() not in given
    told = run_text(given, tmp_path)
    assert "0 of" in told
    assert "Something is still blank" in told
    assert "wrong" not in told
    assert "crashed" not in told


def test_the_command_lists_and_runs_exercises(capsys):
    assert find("softmax_backward").path.parent.name == "exercises"
    assert main([]) == 0
    assert "softmax_backward  The backward of softmax\n" in capsys.readouterr().out
    assert main(["softmax_backward"]) == 0
    assert capsys.readouterr().out.endswith("5 of 5 points\n")


# -- the runner ------------------------------------------------------------------------------------


@points(2, number="1.1", hint="count again.")
def check_answer(answer):
    """the answer"""
    assert answer() == 42, f"it is {answer()}"


def blank_answer():
    raise NotImplementedError("exercise 1, answer: a number")


def broken_answer():
    return np.zeros(2) @ np.zeros(3)


@pytest.mark.parametrize(
    ("answer", "status", "output"),
    [
        (lambda: 42, "passed", ""),
        (lambda: 41, "wrong", "it is 41"),
        (blank_answer, "not attempted", "exercise 1, answer: a number"),
        (broken_answer, "crashed", "in broken_answer, line"),
    ],
)
def test_blank_wrong_and_crashed_are_told_apart(answer, status, output, capsys):
    names = {"check_answer": check_answer, "answer": answer}
    result = run(check_answer, names)
    assert result.status == status
    assert output in result.output
    total = grade(names)
    assert type(total) is float  # nbgrader takes np.float64 for full marks
    assert total == (2 if status == "passed" else 0)
    told = capsys.readouterr().out
    assert ("hint: count again." in told) == (status in ("wrong", "crashed"))
    assert ("Something is still blank" in told) == (status == "not attempted")


def test_a_check_keeps_no_other_from_running_and_warns_of_nothing(capsys):
    @points(1, number="1.2")
    def check_warning():
        """a warning"""
        np.log(np.zeros(1))

    names = {
        "check_answer": check_answer,
        "answer": broken_answer,
        "check_warning": check_warning,
    }
    assert grade(names) == 1
    assert "1 of 3 points" in capsys.readouterr().out


def test_a_check_of_what_was_renamed_says_what_is_missing():
    result = run(check_answer, {"check_answer": check_answer})
    assert (result.status, result.output) == (
        "crashed",
        "there is no answer any more: was it renamed?",
    )
