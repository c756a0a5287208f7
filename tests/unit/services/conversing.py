"""Conversations over stores in memory, with turns that really render."""

import hashlib
from datetime import timedelta
from typing import Any

from darkroom import operations
from darkroom.models.conversation import Step
from darkroom.models.job import StoredImage
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.versions import Cost, Turn
from tests.application import offline
from tests.conftest import SteppingClock
from tests.fakes.conversations import MemoryConversationStore
from tests.fakes.memory import MemoryImageStore
from tests.fakes.tools import EllipseTools
from tests.photos import load, photo, save

RETENTION = timedelta(days=30)
PICTURE = save(photo("chelsea").resize((12, 8)), "PNG")
WARMER: dict[str, Any] = {"op": "color_temperature", "temperature": 20}


def conversations_of(images: MemoryImageStore, clock: SteppingClock, store: MemoryConversationStore) -> Conversations:
    """With room for small pictures."""
    studio = offline(clock, conversations=store, environ={"DARKROOM_MAX_MEGAPIXELS": "1"})
    studio.images = images
    return studio.app.conversations


def render(data: bytes, given: list[dict[str, Any]]) -> bytes:
    return operations.render(data, operations.parse(given), EllipseTools(), max_megapixels=1).data


def keep(images: MemoryImageStore, turn: str, data: bytes) -> StoredImage:
    key = f"outputs/alice/{turn}/0.png"
    images.write_output(key, data, media_type="image/png", metadata={})
    size = load(data).size
    digest = hashlib.sha256(data).hexdigest()
    return StoredImage(key=key, media_type="image/png", width=size[0], height=size[1], bytes=len(data), sha256=digest)


def turn_of(
    turn: str, base: str | None, image: StoredImage | None, operation: dict[str, Any] | None = None, **more: Any
) -> Turn:
    steps = (Step(operation=operation),) if operation else ()
    usual = {"id": turn, "user_text": "Wärmer, bitte", "reply": "Gut.", "plan": {"actions": []}, "cost": Cost(700)}
    return Turn(**{**usual, "base": base, "image": image, "steps": steps, **more})
