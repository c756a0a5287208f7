"""The image function over memory, whose cut-outs are the same two words each time."""

from typing import Any

from msgspec.structs import replace

from darkroom.events.removals import handler_of
from darkroom.http.routes.background_removals import routes
from darkroom.models.cutout import Beside, BoundingBox, Cutout, CutoutOptions, Quality
from darkroom.models.user_settings import UserSettings
from darkroom.services.accounts.callers import Callers
from darkroom.services.inputs.uploads import Uploads
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.fakes.matting import FakeMatter
from tests.openapi import handled
from tests.unit.services.baking import Bakery
from tests.unit.services.inputs.test_sources import OnePageWeb

SETTINGS = UserSettings(background_model="isnet")
QUALITY = Quality(
    score=0.25, verdict="look", reasons=("fog", "touching_border"), box=BoundingBox(left=0, top=1, width=2, height=2)
)
PATH = "/v1/images/background-removals"


class Studio:
    def __init__(self, callers: Callers, bakery: Bakery, clock: SteppingClock, token: str) -> None:
        self.given: list[tuple[bytes, CutoutOptions, bytes | None]] = []
        self.result = b"cut out"
        self.images = bakery.images
        self.jobs = bakery.jobs
        self.uploads = Uploads(bakery.images, clock)
        self._token = token
        self.bakery = bakery
        self.matter = bakery.studio.matter = FakeMatter()
        bakery.studio.fetcher = OnePageWeb()
        app = bakery.studio.app
        app.callers = callers
        app.pipeline = self._pipeline
        app.recipe_worker = bakery.worker()
        app.cutout_worker = replace(app.cutout_worker, settings=lambda _user: SETTINGS)
        self.put_off = bakery.queue.postponed
        self._handle = handler_of(app, routes(app).handle)

    def _pipeline(self, data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
        self.given.append((data, options, beside.behind))
        return Cutout(
            data=self.result,
            media_type=f"image/{options.format}",
            width=4,
            height=3,
            subject=BoundingBox(left=1, top=0, width=2, height=3),
            quality=QUALITY,
            model="u2netp",
            timings_ms={"decode": 1.25, "segment": 300.5},
            warnings=("Only the first frame was used.",),
        )

    def post(self, *, accept: str = "*/*", token: str | None = "", **kwargs: Any) -> dict[str, Any]:
        sent = {"accept": accept, **kwargs.pop("headers", {})}
        token = self._token if token == "" else token
        event = http_event("POST", PATH, token=token, headers=sent, **kwargs)
        answer: dict[str, Any] = handled(self._handle, event, Context())
        return answer

    def queue(self, event: dict[str, Any]) -> Any:
        return self._handle(event, Context())
