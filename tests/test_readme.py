"""The README's code runs and says what it says, its links lead somewhere, its commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_code_gives_what_its_comments_say(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    engine, gradient = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(engine, names)
    (shown,) = re.findall(r"# array\(\[(.*?)\]", engine)
    said = np.array([float(number) for number in shown.split(",")])
    np.testing.assert_allclose(names["x"].grad, said, rtol=1e-6)
    last = engine.strip().splitlines()[-1]
    assert last.endswith("# True")
    assert eval(last.split("#")[0], names) is True

    exec(gradient, names)  # reads on from there
    printed = capsys.readouterr().out
    lines = re.findall(r"^# (.*)$", gradient, flags=re.MULTILINE)
    assert len(lines) == 2
    assert all(line in printed for line in lines)
    assert "step 3 of 4: multiply" in printed
    assert "<html" in (tmp_path / "steps.html").read_text(encoding="utf-8")
    assert (tmp_path / "graph.png").stat().st_size > 1000


def test_links_lead_to_files_of_the_repository():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 10
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing


@pytest.mark.parametrize("package", ["tasks", "tutorials"])
def test_commands_of_the_table_exist(package):
    listed = subprocess.run(
        [sys.executable, "-m", package], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    asked = set(re.findall(rf"python -m {package} (\w+)", README))
    assert asked
    assert all(name in listed for name in asked)
