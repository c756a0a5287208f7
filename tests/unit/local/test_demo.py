"""`make demo` where the cut-out becomes a job. The answers are those of the real route, by a server of this test's."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from local.demo import PHOTO, cut_out


class Server:
    """Answers a cut-out with a job, which is asked for once in vain."""

    def __init__(self, ending: dict[str, Any]) -> None:
        self.ending = ending
        self.asked = 0
        handler = type("Handler", (_Handler,), {"server_of": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def job(self) -> dict[str, Any]:
        waiting = {"status": "queued", "warnings": ["It is being compiled."], "error": None}
        return waiting if self.asked < 2 else {"warnings": [], **self.ending}


class _Handler(BaseHTTPRequestHandler):
    server_of: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._send(202, json.dumps(self.server_of.job()).encode())

    def do_GET(self) -> None:
        if self.path == "/cutout.png":
            self._send(200, b"cut out")
            return
        assert (self.path, self.headers["authorization"]) == ("/v1/jobs/job_1", "Bearer dk_token")
        self.server_of.asked += 1
        self._send(200, json.dumps(self.server_of.job()).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        for name, value in (("location", "/v1/jobs/job_1"), ("retry-after", "0"), ("content-length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server({})
    thread = Thread(target=server.http.serve_forever, daemon=True)
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def demo(server: Server, tmp_path: Path) -> int:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(PHOTO.read_bytes())
    return cut_out(photo, {"url": server.url, "token": "dk_token"})


def test_the_picture_of_a_job_is_waited_for(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = {"url": f"{server.url}/cutout.png", "width": 4, "height": 3}
    server.ending = {"status": "succeeded", "error": None, "output": {"images": [image]}}
    assert demo(server, tmp_path) == 0
    assert (tmp_path / "photo.cutout.png").read_bytes() == b"cut out"
    told = capsys.readouterr().out
    assert "It is being compiled." in told
    assert "4 × 3 pixels" in told


def test_a_job_that_fails_is_told_and_writes_nothing(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.ending = {"status": "failed", "error": {"detail": "It took too long.", "fix": "Send a smaller picture."}}
    assert demo(server, tmp_path) == 1
    assert capsys.readouterr().err == "It took too long. Send a smaller picture.\n"
    assert not (tmp_path / "photo.cutout.png").exists()
