"""The requests that the simulator's tests send."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
from PIL import Image

from local.simulator import Simulator

FLUX = "black-forest-labs/flux.2-klein-4b"
STREAMING = "openai/gpt-image-1-mini"
PLANNER = "google/gemini-3-flash-preview"
PAINTER = "google/gemini-2.5-flash-image"
# A size that is painted at once.
SMALL = "128x128"


def image(**given: Any) -> dict[str, Any]:
    return {"model": FLUX, "prompt": "A sunset", "size": SMALL, **given}


def chat(text: str = "Make it warmer", **given: Any) -> dict[str, Any]:
    return {"model": PLANNER, "max_tokens": 500, "messages": [{"role": "user", "content": text}], **given}


def reference(colour: str = "teal", size: tuple[int, int] = (96, 64)) -> dict[str, Any]:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def picture(answer: httpx.Response) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(answer.json()["data"][0]["b64_json"], validate=True)))


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The events of a stream, without its end."""
    for line in answer.iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))


def charged(simulator: Simulator) -> list[int]:
    """Micro-dollars on the invoice."""
    return [charge["micro_usd"] for charge in simulator.state.invoice()]
