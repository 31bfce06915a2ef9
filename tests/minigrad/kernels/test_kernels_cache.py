"""Which of loop and twin serves, and a disk cache that cannot be used or is damaged."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad import kernels
from minigrad.kernels import (
    adam,
    batchnorm,
    convolution,
    cross_entropy,
    lstm,
    pooling,
    rectifier,
    rmsprop,
    sampling,
    spinning,
)

needs_jit = pytest.mark.skipif(not kernels.JIT, reason="nothing is compiled here")

TOY = """
from minigrad.kernels import kernel

def _double_numpy(x, y):
    y[...] = 2 * x

@kernel(twin=_double_numpy)
def double(x, y):
    for i in range(x.size):
        y[i] = 2 * x[i]
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A kernel in a new folder: each call loads it afresh, runs it and says whether it was cached."""
    import numba

    source = tmp_path / "package" / "toy.py"
    source.parent.mkdir()
    source.write_text(TOY)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))

    def load():
        spec = importlib.util.spec_from_file_location("toy", source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.double

    def run(double=None):
        double = double or load()
        y = np.zeros(4)
        double(np.arange(4.0), y)
        assert y.tolist() == [0, 2, 4, 6]
        return "cached" if sum(double.stats.cache_hits.values()) else "anew"

    run.load, run.folder, run.cache = load, tmp_path, tmp_path / "cache"
    return run


@needs_jit
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 0.5, 0.99])
def test_a_damaged_cache_is_replaced(toy, ending, left):
    assert [toy(), toy()] == ["anew", "cached"]
    (file,) = toy.cache.rglob(f"*.{ending}")
    content = file.read_bytes()
    file.write_bytes(content[: int(left * len(content))])
    assert [toy(), toy()] == ["anew", "cached"]


@needs_jit
def test_a_cache_that_cannot_be_written_is_no_error(toy, monkeypatch):
    """A folder below a file cannot be made, not even by root."""
    toy.cache.write_text("")
    (toy.folder / "package" / "__pycache__").write_text("")
    for home in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(home, str(toy.cache / "below"))
    assert [toy(), toy()] == ["anew", "anew"]


@needs_jit
def test_a_cache_that_goes_away_is_no_error(toy):
    double = toy.load()
    shutil.rmtree(toy.cache)
    toy.cache.write_text("")
    assert toy(double) == "anew"


@pytest.fixture
def child(tmp_path):
    """Run the toy kernel in a process of its own, on a copy of the kernels package."""
    package = tmp_path / "minigrad" / "kernels"
    package.mkdir(parents=True)
    for source in Path(kernels.__file__).parent.glob("*.py"):
        shutil.copy(source, package)
    (tmp_path / "toy.py").write_text(TOY)
    code = """
import numpy, toy
y = numpy.zeros(4)
toy.double(numpy.arange(4.0), y)
print("twin" if toy.double is toy.double.twin else "loop", *y)
"""

    def run(*options, **environment):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "PYTHON"))}
        return subprocess.run(
            [sys.executable, *options, "-c", code],
            cwd=tmp_path,
            env=keep | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    run.folder = tmp_path
    return run


def test_with_the_jit_off_the_twin_serves_without_a_word(child):
    done = child("-W", "error", NUMBA_DISABLE_JIT="1")
    assert (done.stdout, done.stderr) == ("twin 0.0 2.0 4.0 6.0\n", "")


def test_without_numba_the_twin_serves_and_says_so_once(child):
    (child.folder / "numba.py").write_text("raise ImportError('no wheel for this machine')")
    done = child()
    assert done.stdout == "twin 0.0 2.0 4.0 6.0\n"
    assert done.stderr.count("RuntimeWarning: Numba cannot be imported (no wheel for this") == 1
    assert "pip install numba" in done.stderr


@needs_jit
def test_a_change_in_a_file_beside_it_compiles_anew(toy):
    assert (toy(), toy()) == ("anew", "cached")
    (toy.folder / "package" / "part.py").write_text("")
    assert (toy(), toy()) == ("anew", "cached")


MODULES = {
    adam: 1,
    batchnorm: 3,
    convolution: 3,
    cross_entropy: 2,
    lstm: 2,
    pooling: 4,
    rectifier: 2,
    rmsprop: 1,
    sampling: 5,
    spinning: 1,
}


@needs_jit
def test_importing_compiles_nothing():
    names = [module.__name__ for module in MODULES]
    code = f"""
import importlib
modules = [importlib.import_module(name) for name in {names}]
found = {{k for m in modules for k in vars(m).values() if hasattr(k, "twin")}}
print(len(found), sum(len(k.signatures) for k in found))
"""
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert child.stdout.split() == [str(sum(MODULES.values())), "0"], child.stderr


@needs_jit
@pytest.mark.parametrize(("module", "count"), MODULES.items())
def test_each_loop_has_its_twin_and_itself_at_hand(module, count):
    found = {name: value for name, value in vars(module).items() if hasattr(value, "twin")}
    assert len(found) == count
    for name, kernel in found.items():
        loop, twin = kernel.py_func.__code__, kernel.twin.__code__
        assert (loop.co_name, twin.co_name) == (name, f"_{name}_numpy")
        arguments = loop.co_varnames[: loop.co_argcount], twin.co_varnames[: twin.co_argcount]
        assert arguments[0] == arguments[1]
