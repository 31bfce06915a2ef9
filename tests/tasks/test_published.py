"""Published runs: what is missing is run, what was stopped goes on, and what failed is left out."""

import json
import subprocess
from types import SimpleNamespace

import pytest

from tasks.published import Published
from tasks.run_folder import RunFolder, write_json


def test_missing_runs_are_started_stopped_ones_go_on_and_failures_are_left_out(
    tmp_path, monkeypatch, capsys
):
    drawn = []
    plan = {f"run {k}": ["navigation", "--seed", str(k)] for k in range(4)}
    published = Published(
        tmp_path / "results.json", tmp_path / "RESULTS.md", plan, lambda record, plan: str([*record]),
        ("agent_steps", "score"),
        lambda record, folder: drawn.append((folder, [*record])),
        tmp_path / "runs",
    )  # fmt: skip
    finished = {"command": "python -m tasks navigation --seed 0", "metrics": {}}
    of_an_older_plan = finished | {"command": "python -m tasks navigation --seed 1 --fruit false"}
    published.record.write_text(json.dumps({"run 0": finished, "run 1": of_an_older_plan}))
    begun = RunFolder(published.folder / "run-2")
    begun.create()
    write_json(begun.config, {"task": "navigation", "settings": {}, "versions": {"numpy": "2"}})
    typed = []

    def pretend(words, **_):
        typed.append(words[3:])
        folder = RunFolder(words[-1])
        if "run-3" in words[-1]:
            return SimpleNamespace(returncode=1)
        folder.path.mkdir(parents=True, exist_ok=True)
        if not folder.config.exists():
            write_json(folder.config, {"task": "x", "settings": {}, "versions": {"numpy": "3"}})
        write_json(folder.metrics, {"score": 2.0})
        folder.log.write_text('{"agent_steps": 10, "score": 1.5}\n{"agent_steps": 20}\n')
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", pretend)
    with pytest.raises(SystemExit) as ended:
        published.main("x", ["--run", "1"])
    assert ended.value.code == 1, "run 3 failed"
    folders = [str(published.folder / f"run-{k}") for k in range(4)]
    assert typed == [
        ["navigation", "--seed", "1", "--out", folders[1]],
        ["navigation", "--seed", "2", "--resume", folders[2]],
        ["navigation", "--seed", "3", "--out", folders[3]],
    ]
    record = published.read()
    assert {*record} == {"run 0", "run 1", "run 2"}
    assert record["run 1"]["curve"] == [[10, 1.5]]
    assert record["run 2"]["versions"] == {"numpy": "2"}
    assert published.table.read_text() == "['run 0', 'run 1', 'run 2']"
    assert drawn[0] == (tmp_path / "pictures", ["run 0", "run 1"]), "as soon as a run is finished"
    assert "run 3 ended with exit code 1" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        published.main("x", ["--run", "0"])


def test_without_run_only_the_page_is_written_and_without_curve_none_is_kept(tmp_path, monkeypatch):
    published = Published(
        tmp_path / "results.json", tmp_path / "RESULTS.md", {"run 0": ["x"]}, lambda *_: "a page"
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a run was started"))
    published.main("x", [])
    assert published.table.read_text(encoding="utf-8") == "a page"

    def pretend(words, **_):
        folder = RunFolder(words[-1])
        folder.create()
        write_json(folder.config, {"task": "x", "settings": {}, "versions": {}})
        write_json(folder.metrics, {"error": 1.0})
        return SimpleNamespace(returncode=0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", pretend)
    published.run_missing(1)
    assert published.read()["run 0"] == {
        "command": "python -m tasks x",
        "metrics": {"error": 1.0},
        "versions": {},
    }
