"""`POST /images`: pictures made and edited, at once or in events."""

import base64
import random
from typing import Any

from local.simulator import costs, errors, pictures, quirks
from local.simulator.delivery import DONE, Answer, EventStream, Reply, Step, comment, event
from local.simulator.errors import Refusal
from local.simulator.exchange import Exchange
from local.simulator.image_request import ImageRequest, parse
from local.simulator.pictures import MEDIA_TYPES
from local.simulator.purchase import Purchase, refusal_for
from local.simulator.scenarios import Plan
from local.simulator.state import NotEnough

_PACE = 0.005
_PARTIALS = 1


def create(exchange: Exchange) -> Answer:
    key = exchange.authorised()
    if exchange.data is None:
        raise Refusal(400, "Input must have at least 1 token.", metadata={"provider_name": None})
    request = parse(exchange.data, exchange.world.catalogue)
    partials = _PARTIALS if request.stream else 0
    plain = _bill(request, partials)
    bill = quirks.bill(plain, exchange.plan)
    purchase = Purchase(
        exchange,
        key,
        request.model,
        bill,
        "image",
        streamed=request.stream,
        pictures=request.n,
        references=len(request.references),
        is_byok="byok" in exchange.plan,
    )
    try:
        purchase.reserve()
    except NotEnough as lack:
        raise refusal_for(lack) from None
    if reply := quirks.word_for_word(purchase, exchange.plan):
        return quirks.delivered(reply, exchange.plan)
    try:
        # Those without a seed differ from one another, and come out the same after every reset.
        seed = exchange.state.next_seed() if request.seed is None else request.seed
        made = [_picture(request, seed + number, exchange) for number in range(request.n)]
    except BaseException:
        purchase.fail()
        raise
    usage = quirks.usage(costs.usage(bill, chat=False), exchange.plan, plain)
    headers = {"x-provider-name": request.model.provider}
    if request.stream:
        return _stream(exchange, request, purchase, made, usage, headers)
    return _whole(exchange, purchase, _data(request, made, exchange.plan), usage, headers)


def edits(_: Exchange) -> Answer:
    """OpenAI has such a route; here it does not exist."""
    raise errors.not_found()


def _bill(request: ImageRequest, partials: int) -> costs.Bill:
    return costs.for_images(
        request.model,
        prompt=request.prompt,
        references=len(request.references),
        count=request.n,
        size=request.size,
        resolution=request.resolution,
        quality=request.quality,
        partials=partials,
    )


def _picture(request: ImageRequest, seed: int, exchange: Exchange) -> bytes:
    return pictures.make(
        request.prompt,
        quirks.size(request.size, exchange.plan),
        seed,
        form=request.format,
        references=request.references,
        transparent=request.background == "transparent",
        compression=request.compression,
        detail=exchange.world.detail,
    )


def _data(request: ImageRequest, made: list[bytes], plan: Plan) -> list[dict[str, Any]]:
    if "no_image" in plan:
        return []
    if "fewer_images" in plan:
        made = made[:-1] or made
    return [_labelled(encoded(each, plan), MEDIA_TYPES[request.format], plan) for each in made]


def encoded(picture: bytes, plan: Plan) -> str:
    """The picture in base64, spoilt if it is to be."""
    if "not_an_image" in plan:
        picture = b"This is not a picture, whatever its label says."
    text = base64.b64encode(picture).decode()
    return f"{text[:40]}!*{text[41:]}" if "invalid_base64" in plan else text


def media_type(right: str, plan: Plan) -> str:
    if rule := plan.get("wrong_media_type"):
        return str(rule.options.get("media_type", "image/png" if right != "image/png" else "image/jpeg"))
    return right


def _labelled(text: str, right: str, plan: Plan) -> dict[str, Any]:
    entry = {"b64_json": text, "media_type": media_type(right, plan)}
    if "missing_media_type" in plan:
        del entry["media_type"]
    return entry


def _whole(
    exchange: Exchange,
    purchase: Purchase,
    data: list[dict[str, Any]],
    usage: dict[str, Any] | None,
    headers: dict[str, str],
) -> Reply:
    plan = exchange.plan
    if "error_body" in plan or "choice_error" in plan:
        purchase.fail()
        failure = Refusal(502, "Provider returned error", metadata={"error_type": "provider_unavailable"})
        return quirks.delivered(Reply.of_json({"error": failure.error()}, headers=headers), plan)
    if quirks.is_billed(plan, default=bool(data)):
        # Whether or not anybody still listens: the provider has done the work.
        purchase.settle()
    else:
        purchase.fail()
        usage = None if usage is None else {**usage, "cost": 0}
    # Some providers do not say when.
    created = 0 if purchase.model.image and purchase.model.image.tokens == "pixels" else _seconds(exchange)
    body: dict[str, Any] = {"created": created, "data": data}
    if usage is not None:
        body["usage"] = usage
    return quirks.delivered(Reply.of_json(body, headers=headers), plan)


def _stream(
    exchange: Exchange,
    request: ImageRequest,
    purchase: Purchase,
    made: list[bytes],
    usage: dict[str, Any] | None,
    headers: dict[str, str],
) -> EventStream:
    plan = exchange.plan
    steps = [Step(comment()), Step(comment(), delay=_PACE)]
    for number in range(_PARTIALS):
        draft = base64.b64encode(_draft(request, exchange)).decode()
        partial = {"type": "image_generation.partial_image", "partial_image_index": number, "b64_json": draft}
        steps += [Step(event(partial), delay=_PACE), Step(comment(), delay=_PACE)]
    if rule := plan.get("stream_error") or plan.get("error_body") or plan.get("choice_error"):
        steps.append(Step(event(_failure(rule.options)), delay=_PACE))
    else:
        labelled = _data(request, made, plan)
        for number, entry in enumerate(labelled):
            done = {"type": "image_generation.completed", **entry, "created": _seconds(exchange)}
            if usage is not None and number == len(labelled) - 1:
                done["usage"] = usage
            steps.append(Step(event(done), delay=_PACE, bills=number == len(labelled) - 1))
    if rule is None or rule.options.get("done", True):
        steps.append(Step(DONE))
    return quirks.stream(steps, purchase, plan, headers, failed=rule is not None)


def _failure(options: Any) -> dict[str, Any]:
    error = {
        "message": options.get("message", "Generation failed"),
        "code": options.get("code", "server_error"),
        "param": None,
        "type": options.get("type", "provider_error"),
    }
    return {"type": "error", "error": error}


def _draft(request: ImageRequest, exchange: Exchange) -> bytes:
    """A first impression, small."""
    return pictures.make(
        request.prompt,
        (max(16, request.size[0] // 4), max(16, request.size[1] // 4)),
        random.Random(request.prompt).randrange(1000),
        references=request.references,
        detail=exchange.world.detail,
    )


def _seconds(exchange: Exchange) -> int:
    return int(exchange.state.clock().timestamp())
