"""The README's code runs and says what it says, its links lead somewhere, its commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_code_gives_what_its_comments_say():
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(code, names)
    (shown,) = re.findall(r"# array\(\[(.*?)\]", code)
    said = np.array([float(number) for number in shown.split(",")])
    np.testing.assert_allclose(names["x"].grad, said, rtol=1e-6)
    last = code.strip().splitlines()[-1]
    assert last.endswith("# True")
    assert eval(last.split("#")[0], names) is True


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
