"""Pictures as OpenAI's events: first impressions while they are made, where there are any, and what came of it.

    event: image_generation.partial_image
    data: {"type": "image_generation.partial_image", "partial_image_index": 0, "b64_json": "…", "size": "1024x1024", …}

    event: image_generation.completed
    data: {"type": "image_generation.completed", "b64_json": "…", "usage": {…}, "cost": {…}, "job": {…}, …}

(`image_edit.…` for edits.) Of several pictures each has an event that it is completed; the last has what is ours.
https://platform.openai.com/docs/api-reference/images-streaming
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from darkroom.http.server_events import DONE, event
from darkroom.http.transport import Outlet
from darkroom.models.generation import PartialImage
from darkroom.models.image_request import ImageRequest

# What OpenAI's events have by these names, and a picture's answer around its data.
_AROUND: Final = ("background", "quality", "size")


class PictureStream:
    """One answer's.

    Args:
        name: of its events, up to the dot.
        outlet: None where they go out in one piece.
    """

    def __init__(self, name: str, request: ImageRequest, outlet: Outlet | None, clock: Callable[[], datetime]) -> None:
        self._name = name
        self._request = request
        self._outlet = outlet
        self._clock = clock

    @classmethod
    def of(
        cls, name: str, request: ImageRequest, outlet: Outlet | None, clock: Callable[[], datetime]
    ) -> "PictureStream | None":
        """None where the answer is no stream."""
        is_stream = request.stream and (outlet is None or outlet.expect())
        return cls(name, request, outlet, clock) if is_stream else None

    @property
    def on_event(self) -> Callable[[str], bool] | None:
        """Passes first impressions on; see ports.OnEvent."""
        return None if self._outlet is None else self._pass_on

    def end(self, body: Mapping[str, Any]) -> str:
        """The events of pictures that are made. Args: body: the answer as it is without a stream."""
        data = body["data"]
        ours = {name: value for name, value in body.items() if name not in ("data", "created", *_AROUND)}
        completed = []
        for number, picture in enumerate(data, start=1):
            made = {**self._around(body["created"], body), **picture}
            made["output_format"] = str(picture["media_type"]).partition("/")[2]
            completed.append(self._event("completed", {**ours, **made} if number == len(data) else made))
        return "".join(completed) + DONE

    def _pass_on(self, data: str) -> bool:
        """False: a first impression is no part of the answer, and another attempt may follow."""
        wanted = self._request.partial_images
        partial = PartialImage.of(data)
        if self._outlet is not None and partial is not None and (wanted is None or partial.index < wanted):
            self._outlet.send(self._event("partial_image", self._impression(partial)).encode())
        return False

    def _impression(self, partial: PartialImage) -> dict[str, Any]:
        around = self._around(int(self._clock().timestamp()), self._request.model_dump(include={*_AROUND}))
        return {
            **around,
            "output_format": partial.media_type.removeprefix("image/"),
            "partial_image_index": partial.index,
            "b64_json": partial.b64_json,
        }

    def _around(self, created_at: int, known: Mapping[str, Any]) -> dict[str, Any]:
        return {**{name: known.get(name) or "auto" for name in _AROUND}, "created_at": created_at}

    def _event(self, what: str, data: Mapping[str, Any]) -> str:
        kind = f"{self._name}.{what}"
        return event({"type": kind, **data}, kind)
