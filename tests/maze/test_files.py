"""Files are there when they are whole, and a link stays a link."""

import pytest

from maze import MazeError
from maze.files import whole_file


def test_what_a_link_leads_to_is_replaced(tmp_path):
    file, link = tmp_path / "a.txt", tmp_path / "link.txt"
    file.write_text("old")
    link.symlink_to(file)
    with whole_file(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_links_that_lead_round_in_a_circle_are_no_file(tmp_path):
    link, other = tmp_path / "a.txt", tmp_path / "b.txt"
    link.symlink_to(other)
    other.symlink_to(link)
    with pytest.raises(MazeError, match="that is no file"), whole_file(link):
        pass
    assert link.is_symlink()
    assert other.is_symlink()


def test_what_ends_badly_changes_nothing(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")

    def fail():
        with whole_file(file) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert file.read_text() == "old"
