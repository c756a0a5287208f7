"""The page and every function behind it at one address of this machine, over ports in memory.

`python -m tests.studio.site 8123` serves it until Ctrl-C, with `functions/studio/static` as it stands, for
one who works on the page: signed in by the address that it prints.
"""

import re
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

from darkroom.adapters.segmenter import OnnxSegmenter
from darkroom.application import Application
from darkroom.http.app import Api
from darkroom.http.form_data import read_multipart
from darkroom.http.routes.studio import Files
from darkroom.http.routes.studio import routes as studio_routes
from darkroom.models.deadline import Deadline
from darkroom.ports.pictures import PresignedUpload
from local.http_events import HttpRequest, from_result, to_event
from local.ports import LOOPBACK
from local.routes import Routes
from local.simulator import Simulator
from tests.application import LONG, Studio
from tests.conftest import ROOT, SteppingClock
from tests.events import Context
from tests.fakes.memory import MemoryImageStore
from tests.fakes.recipes import MemoryRenderQueue
from tests.template.test_template import TEMPLATE
from tests.unit.functions.test_any_request import FUNCTIONS

STATIC = ROOT / "functions" / "studio" / "static"
BUCKET = "/bucket/"


class Now(SteppingClock):
    """The time that browsers have, too."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


class Bucket(MemoryImageStore):
    """Objects with addresses that a browser can ask."""

    def __init__(self, clock: SteppingClock, origin: str) -> None:
        super().__init__(clock)
        self._origin = origin

    def link_output(self, key: str) -> str:
        return f"{self._origin}{BUCKET}{key}"

    def linked_key(self, url: str) -> str | None:
        base = self.link_output("")
        return url.partition("?")[0].removeprefix(base) or None if url.startswith(base) else None

    def presign_upload(self, key: str, *, media_type: str, max_bytes: int) -> PresignedUpload:
        form = super().presign_upload(key, media_type=media_type, max_bytes=max_bytes)
        return form.model_copy(update={"url": self.link_output("")})


class Renders(MemoryRenderQueue):
    """Has what the image function does of its queue done before `send` returns."""

    def __init__(self, app: Callable[[], Application]) -> None:
        super().__init__()
        self._app = app

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        app, deadline = self._app(), Deadline(LONG)
        if not (app.turn_render.run(user, job_id) or app.cutout_worker.run(user, job_id, deadline)):
            app.postponed.run(user, job_id, deadline) or app.recipe_worker.run(user, job_id, deadline)


class Site:
    """All of it, between entering and leaving.

    Attributes:
        held: events that requests wait for, by a pattern of their routes (`GET /v1/.*`).
        asked: the routes that were asked for, as `GET /v1/jobs/job_…`.
    """

    def __init__(self, simulator: Simulator, port: int = 0, **environ: str) -> None:
        self._server = ThreadingHTTPServer((LOOPBACK, port), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._lock = threading.Lock()
        self._routes = Routes(TEMPLATE.routes)
        self.held: dict[str, threading.Event] = {}
        self.asked: list[str] = []
        clock = Now()
        given = {"DARKROOM_GUESTS": "true", "DARKROOM_SIGN_IN": "anyone", "DARKROOM_PUBLIC_URL": self.url, **environ}
        self.studio = Studio(simulator, clock, environ=given)
        self.studio.images = Bucket(clock, self.url)
        self.studio.render_queue = Renders(lambda: self.studio.app)
        self.studio.job_queue.works = self.studio.app.worker
        functions: Mapping[str, Callable[[Application], Api]] = FUNCTIONS
        self._apis = {name: routes(self.studio.app) for name, routes in functions.items() if name != "StudioFunction"}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.held.values():
            each.set()
        self._server.shutdown()
        self._server.server_close()

    def session(self, user: str, *, connected: bool = True) -> dict[str, str]:
        """The cookie of a browser that is signed in as the user, who pays with a key of their own."""
        if connected and not self.studio.vault.describe(user):
            self.studio.connect(user)
        return {"name": "darkroom-session", "value": self.studio.app.sessions.open(user, "link"), "url": self.url}

    def waiting(self) -> None:
        """From now on paid jobs are carried out by `studio.carry_out()` alone."""
        self.studio.job_queue.works = None
        self.studio.job_queue.sent.clear()

    def _answer(self, request: HttpRequest) -> tuple[int, list[tuple[str, str]], bytes]:
        if request.path.startswith(BUCKET):
            return self._object(request)
        match = self._routes.match(request.method, request.path)
        if match is None:
            return 404, [], b""
        self.asked.append(f"{request.method} {request.path}")
        for pattern, event in list(self.held.items()):
            if re.fullmatch(pattern, match.route.key):
                event.wait(60)
        event_ = to_event(request, match, "req-1", datetime.now(UTC))
        with self._lock:
            # The page's files are read each time, so that one who works on them sees them as they are.
            api = self._apis.get(match.route.function) or studio_routes(self.studio.app, Files(STATIC))
            response = from_result(api.handle(event_, Context()))  # type: ignore[arg-type]  # as much of it as is read
        return response.status, response.headers, response.body

    def _object(self, request: HttpRequest) -> tuple[int, list[tuple[str, str]], bytes]:
        if request.method == "POST":
            kind = dict(request.headers).get("Content-Type", "")
            sent = read_multipart(kind, request.body)
            self.studio.images.drop(sent["key"], sent["file"])
            return 204, [], b""
        found = self.studio.images.outputs.get(unquote(request.path).removeprefix(BUCKET))
        if found is None:
            return 404, [], b""
        return 200, [("content-type", found.media_type), ("cache-control", "max-age=600")], found.data

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                sent = HttpRequest(self.command, unquote(path), query, list(self.headers.items()), body, LOOPBACK)
                status, headers, content = site._answer(sent)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                with suppress(ConnectionError):  # a browser that has gone on
                    self.end_headers()
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - as the library calls them

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                pass

        return Handler


def main() -> None:
    with Simulator() as simulator, Site(simulator, int(sys.argv[1]), DARKROOM_BACKGROUND_MODEL="u2netp") as site:
        site.studio.segmenter = OnnxSegmenter(ROOT / ".local" / "weights", default="u2netp", threads=1)
        site.studio.connect("ada")
        sys.stdout.write(f"{site.studio.app.links.create('ada', origin=site.url)}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
