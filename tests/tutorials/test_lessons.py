"""Every lesson: its form, its head in the list, and a run that ends in a picture and in silence."""

import ast
import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from minigrad.errors import CheckpointError
from tests.tutorials import forms
from tutorials.__main__ import find, lessons, main
from tutorials.lesson import show

LESSONS = lessons()
by_name = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


# The suite runs beside others: threads that wait for each other would only get in their way.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "MINIGRAD_NUM_THREADS": "1"}


def run_script(path, cwd):
    return subprocess.run(
        [sys.executable, path],
        cwd=cwd,
        env=os.environ | ONE_THREAD,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def cells(lesson):
    """(marker, text) of each cell."""
    return forms.cells(lesson.path.read_text(encoding="utf-8"))


def test_there_are_lessons_and_no_number_is_used_twice():
    numbers = [lesson.key for lesson in LESSONS]
    assert {"01", "03", "10"} <= set(numbers)
    assert len(numbers) == len(set(numbers))


@by_name
def test_the_head_tells_number_title_summary_and_time(lesson):
    marker, text = cells(lesson)[0]
    assert marker == "# %% [markdown]"
    title, rule = text.strip().removeprefix('"""\n').splitlines()[:2]
    assert title == f"Lesson {int(lesson.key)}: {lesson.title}"
    assert rule == "=" * len(title)
    assert lesson.summary.endswith(".")
    assert re.match(r"about .*(second|minute)s?\.", lesson.takes)


@by_name
def test_markdown_cells_are_comments_and_code_cells_are_code(lesson):
    for marker, text in cells(lesson)[1:]:
        assert marker in ("# %%", "# %% [markdown]")
        lines = text.strip().splitlines()
        if marker == "# %%":
            # sphinx-gallery takes a comment at the head of a code cell for prose.
            assert not lines[0].startswith("#")
            ast.parse(text)
        else:
            assert all(line == "#" or line.startswith("# ") for line in lines)


@by_name
def test_headings_are_underlined_in_full(lesson):
    for marker, text in cells(lesson):
        lines = [line.removeprefix("# ") for line in text.strip().splitlines()]
        for above, line in zip(lines, lines[1:]):
            if marker == "# %% [markdown]" and re.fullmatch(r"-+|=+", line):
                assert len(line) == len(above)


@by_name
def test_the_last_cell_ends_in_the_lessons_picture(lesson):
    marker, text = cells(lesson)[-1]
    assert marker == "# %%"
    assert ast.unparse(ast.parse(text).body[-1]) == f"show(figure, {lesson.path.stem!r})"


@by_name
def test_a_lesson_runs_as_a_script_in_silence_and_leaves_its_picture(lesson, tmp_path):
    done = run_script(lesson.path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.isascii(), "not every terminal can print the rest"
    picture = tmp_path / "runs" / "lessons" / f"{lesson.path.stem}.png"
    assert picture.read_bytes().startswith(SIGNATURE)
    assert done.stdout.splitlines()[-1] == f"picture: {picture.relative_to(tmp_path)}"


def test_the_command_lists_every_lesson(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    for lesson in LESSONS:
        assert f"{lesson.key}  {lesson.title}\n" in listed
        assert lesson.takes in listed


@pytest.mark.parametrize(
    "name", ["01", "1", "01_a_gradient_by_hand", "tutorials/01_a_gradient_by_hand.py"]
)
def test_a_lesson_is_found_by_number_name_and_path(name):
    assert find(name).path.name == "01_a_gradient_by_hand.py"


def test_an_unknown_lesson_is_answered_with_the_nearest(capsys):
    assert main(["01_a_gradient_by_hnad"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Did you mean 01_a_gradient_by_hand?" in said.err


def test_the_command_runs_a_lesson(tmp_path, monkeypatch, capsys):
    script = tmp_path / "07_small.py"
    script.write_text(
        '"""\nLesson 7: Small\n====\n\nShows.\n\nTakes no time.\n"""\nprint(__name__)'
    )
    monkeypatch.setattr("tutorials.__main__.lessons", lambda: lessons(tmp_path))
    assert main(["7"]) == 0
    assert capsys.readouterr().out == "__main__\n"


def test_a_folder_for_the_pictures_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot make the folder .*lessons for the lesson's"):
        show(Figure(), "07_small")


def test_a_picture_is_kept_and_can_be_shown_in_a_notebook(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    html = show(figure, "07_small")._repr_html_()
    kept = (tmp_path / "runs" / "lessons" / "07_small.png").read_bytes()
    assert kept.startswith(SIGNATURE)
    assert base64.b64encode(kept).decode() in html
    assert capsys.readouterr().out == f"picture: {Path('runs', 'lessons', '07_small.png')}\n"
