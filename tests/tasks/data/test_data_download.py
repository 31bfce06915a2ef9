"""Fetching, from a server on loopback that can be told to misbehave."""

import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from tasks.data import DataError, DataSet, cache, download

FILES = {
    name: np.random.default_rng(seed).bytes(50_000)
    for seed, name in enumerate(("images", "labels"))
}


class Mirror(ThreadingHTTPServer):
    """Serves /NAME.gz; `ranges` and `send_at_most` are its manners, `asked` what it was asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {f"/{name}.gz": gzip.compress(data) for name, data in FILES.items()}
        self.ranges = True
        self.send_at_most = {}  # path -> bytes of body, though the length announces all
        self.asked = []  # (path, Range header)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers["Range"]
        self.server.asked.append((self.path, asked))
        body = self.server.files.get(self.path)
        if body is None:
            return self.send_error(404)
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if not (asked and self.server.ranges):
            self.send_response(200)
        elif first >= len(body):
            return self.send_error(416)
        else:
            self.send_response(206)
            body = body[first:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.send_at_most.get(self.path)])

    def log_message(self, *args):
        pass


@pytest.fixture
def start(monkeypatch, tmp_path):
    """start() gives a running Mirror; all are stopped at the end."""
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    mirrors = []

    def start_one():
        mirror = Mirror()
        thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        mirrors.append((mirror, thread))
        return mirror

    yield start_one
    for mirror, thread in mirrors:
        mirror.shutdown()
        mirror.server_close()
        thread.join()


@pytest.fixture
def mirror(start):
    return start()


def toy(*urls):
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    return DataSet("toy", "about", "licence", urls, hashes, "a part of it")


def dead_url():
    """An address at which nobody listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.server_close()
    return f"http://127.0.0.1:{server.server_port}/"


def assert_fetched(dataset):
    assert sorted(path.name for path in dataset.folder.iterdir()) == sorted(FILES)
    for name, data in FILES.items():
        assert cache.read(dataset, name) == data


def test_fetch_brings_all_files_and_leaves_no_part(mirror):
    dataset = toy(mirror.url)
    assert [path.name for path in download.fetch(dataset)] == list(FILES)
    assert_fetched(dataset)
    assert [asked for _, asked in mirror.asked] == [None, None]


def test_what_is_there_and_sound_is_not_fetched_again(mirror):
    dataset = toy(mirror.url)
    cache.store(dataset, "images", FILES["images"], "here")
    (dataset.folder / "labels").write_bytes(b"damaged")
    download.fetch(dataset)
    assert mirror.asked == [("/labels.gz", None)]
    assert_fetched(dataset)


def test_a_truncated_file_is_an_error_and_the_next_run_resumes_it(mirror):
    dataset = toy(mirror.url)
    whole = len(mirror.files["/images.gz"])
    mirror.send_at_most["/images.gz"] = 20_000
    with pytest.raises(DataError, match=f"ended after 20000 of {whole} bytes"):
        download.fetch(dataset)
    assert [path.name for path in dataset.folder.iterdir()] == ["images.gz.part"]

    mirror.send_at_most.clear()
    download.fetch(dataset)
    assert mirror.asked[1] == ("/images.gz", "bytes=20000-")
    assert_fetched(dataset)


def test_a_second_mirror_resumes_what_the_first_broke_off(start):
    first, second = start(), start()
    first.send_at_most["/images.gz"] = 20_000
    dataset = toy(first.url, second.url)
    download.fetch(dataset)
    assert second.asked == [("/images.gz", "bytes=20000-")]
    assert_fetched(dataset)


def test_a_server_without_ranges_starts_anew(mirror):
    dataset = toy(mirror.url)
    mirror.ranges = False
    cache.make_folder(dataset)
    (dataset.folder / "images.gz.part").write_bytes(mirror.files["/images.gz"][:777])
    download.fetch(dataset)
    assert mirror.asked[0] == ("/images.gz", "bytes=777-")
    assert_fetched(dataset)


def test_a_part_that_is_whole_already_is_taken(mirror):
    dataset = toy(mirror.url)
    cache.make_folder(dataset)
    (dataset.folder / "images.gz.part").write_bytes(mirror.files["/images.gz"])
    download.fetch(dataset)
    assert_fetched(dataset)


def test_a_useless_part_is_dropped_and_the_next_run_starts_anew(mirror):
    dataset = toy(mirror.url)
    cache.make_folder(dataset)
    (dataset.folder / "images.gz.part").write_bytes(bytes(1000))
    with pytest.raises(DataError, match="SHA-256"):
        download.fetch(dataset)
    assert list(dataset.folder.iterdir()) == []
    download.fetch(dataset)
    assert_fetched(dataset)


def test_wrong_bytes_name_file_and_hashes_and_nothing_stays(mirror):
    dataset = toy(mirror.url)
    mirror.files["/labels.gz"] = gzip.compress(b"quite other bytes")
    with pytest.raises(DataError) as error:
        download.fetch(dataset)
    message = str(error.value)
    assert "labels of the data set toy" in message
    assert dataset.files["labels"] in message
    assert hashlib.sha256(b"quite other bytes").hexdigest() in message
    assert [path.name for path in dataset.folder.iterdir()] == ["images"]


def test_a_file_cut_short_on_the_server_itself(mirror):
    dataset = toy(mirror.url)
    mirror.files["/images.gz"] = mirror.files["/images.gz"][:-100]
    with pytest.raises(DataError, match="damaged gzip file"):
        download.fetch(dataset)
    assert list(dataset.folder.iterdir()) == []


def test_first_mirror_dead_second_good(mirror):
    dataset = toy(dead_url(), mirror.url)
    download.fetch(dataset)
    assert_fetched(dataset)


def test_first_mirror_lacks_the_file_or_has_a_wrong_one(start):
    first, second = start(), start()
    del first.files["/images.gz"]
    first.files["/labels.gz"] = gzip.compress(b"wrong")
    dataset = toy(first.url, second.url)
    download.fetch(dataset)
    assert_fetched(dataset)


def test_no_network_names_every_mirror_and_the_remedies(start):
    urls = dead_url(), "http://mirror.invalid/"
    with pytest.raises(DataError) as error:
        download.fetch(toy(*urls))
    message = str(error.value)
    for part in (*urls, "tasks.data import", "--data embedded", str(cache.cache_root())):
        assert part in message


def test_a_silent_server_is_given_up(start, monkeypatch):
    mirror = start()
    mirror.finish_request = lambda *args: threading.Event().wait(1.0)
    monkeypatch.setattr(download, "_TIMEOUT", 0.1)
    with pytest.raises(DataError, match="timed out"):
        download.fetch(toy(mirror.url))


def test_no_progress_bar_where_there_is_no_terminal(mirror, capsys):
    download.fetch(toy(mirror.url))
    assert capsys.readouterr() == ("", "")
