"""Requests for paid work, one of each route that admits some, as somebody new sends them."""

import base64
from functools import cache

from PIL import Image, ImageDraw

from tests.integration.crash.doors import Newcomer, Request
from tests.photos import save

KLEIN = "black-forest-labs/flux.2-klein-4b"


@cache
def picture() -> bytes:
    """A disc, which stands out."""
    image = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(image).ellipse((16, 16, 48, 48), "black")
    return save(image, "PNG")


def _base64() -> str:
    return base64.b64encode(picture()).decode()


def generation(_: Newcomer) -> Request:
    return Request("/v1/images/generations", {"prompt": "A fox", "model": KLEIN})


def edit(_: Newcomer) -> Request:
    return Request("/v1/images/edits", {"prompt": "A fox", "model": KLEIN, "image": _base64()})


def completion(_: Newcomer) -> Request:
    return Request("/v1/chat/completions", {"messages": [{"role": "user", "content": "Say hello"}]})


def stream(_: Newcomer) -> Request:
    messages = [{"role": "user", "content": "Say hello"}]
    return Request("/v1/chat/completions", {"messages": messages, "stream": True})


def long_completion(somebody: Newcomer) -> Request:
    """Of an answer that Lambda cannot carry."""
    text = '"' * 1_700_000
    somebody.street.openrouter.scenario("text_answer", key=somebody.secret, path="/chat/completions", text=text)
    return completion(somebody)


def conversation(_: Newcomer) -> Request:
    """Begins one; costs nothing."""
    return Request("/v1/conversations", {"image": _base64()})


def message(somebody: Newcomer) -> Request:
    """In a conversation that begins with a picture."""
    _, begun, _ = somebody.send_once(somebody.street.chat, conversation(somebody))
    route = "/v1/conversations/{conversation_id}/messages"
    return Request(f"/v1/conversations/{begun['id']}/messages", {"content": "Make it warmer"}, route)


def removal(_: Newcomer) -> Request:
    """Costs nothing."""
    return Request("/v1/images/background-removals", {"image_b64": _base64()})


def paid_removal(_: Newcomer) -> Request:
    return Request("/v1/images/background-removals", {"image_b64": _base64(), "cloud": True})


def painted_recipe(somebody: Newcomer) -> Request:
    """Of a recipe that is painted on a picture; the sender waits."""
    recipe = {"steps": [{"paint": {"prompt": "a fox"}}]}
    body = {"recipe": recipe, "images": [somebody.upload(picture())], "allow_paid": True, "max_cost_usd": 1}
    return Request("/v1/recipes/apply", body, headers={"Prefer": "wait=20"})


def key(somebody: Newcomer) -> Request:
    """Stores the key that they have; costs nothing."""
    return Request("/v1/keys/openrouter", {"key": somebody.secret}, "/v1/keys/{provider}", method="PUT")
