"""Download a data set from its mirrors: resumed where a part is there, checked before it is kept."""

from __future__ import annotations

import http
import http.client
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from tasks.data import cache, idx
from tasks.data.cache import DataSet
from tasks.data.errors import DataError

_TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 1 << 16
_RANGE_NOT_SATISFIABLE = 416


def fetch(dataset: DataSet) -> list[Path]:
    """Bring every file of the data set into the cache; what is there and sound is left alone.

    The mirrors are tried in turn for each file. What has come before a connection broke stays in
    the cache as NAME.gz.part, and the next attempt asks for the rest only.

    Raises
    ------
    DataError
        When a file cannot be had from any mirror, or not in one piece: says why for each mirror,
        and what else can be done.
    """
    return [_fetch_file(dataset, name) for name in dataset.files]


def _fetch_file(dataset: DataSet, name: str) -> Path:
    if _is_sound(dataset, name):
        return dataset.folder / name
    part = cache.make_folder(dataset) / f"{name}.gz.part"
    failures = []
    for mirror in dataset.mirrors:
        url = f"{mirror}{name}.gz"
        try:
            _download(url, part)
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{url}: {error}")
            continue  # the part is kept: the next mirror, or the next run, resumes it
        try:
            return cache.store(dataset, name, idx.read_bytes(part), url)
        except DataError as error:
            failures.append(f"{url}: {error}")
        finally:
            part.unlink()  # it is stored now, or it is of no use
    raise DataError(
        f"{name} of the data set {dataset.name} could not be fetched:\n  "
        + "\n  ".join(failures)
        + "\nTry again later (what has come is resumed), or:\n"
        + cache.remedies(dataset)
    )


def _is_sound(dataset: DataSet, name: str) -> bool:
    try:
        cache.read(dataset, name)
    except DataError:
        return False
    return True


def _download(url: str, part: Path) -> None:
    """Bring `part` up to the whole of what `url` serves."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _RANGE_NOT_SATISFIABLE:
            return  # nothing beyond what we have: either it is whole, or the check will refuse it
        raise
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # this server knows no ranges and sends all of it
        announced = response.headers["Content-Length"]
        total = have + int(announced) if announced else None
        with part.open("ab" if have else "wb") as file, _progress(part, have, total) as bar:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    came = part.stat().st_size
    if total is not None and came != total:
        raise ConnectionError(f"the connection ended after {came} of {total} bytes")


def _progress(part: Path, have: int, total: int | None) -> tqdm:
    return tqdm(
        desc=part.name.removesuffix(".part"),
        initial=have,
        total=total,
        unit="B",
        unit_scale=True,
        file=sys.stdout,
        disable=not sys.stdout.isatty(),
    )
