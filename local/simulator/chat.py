"""`POST /chat/completions`: text, plans, and pictures from the models that talk and paint."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.simulator import costs, errors, pictures, planner, quirks, sizes, tools
from local.simulator.catalogue import Painting
from local.simulator.chat_request import ChatRequest, parse
from local.simulator.delivery import DONE, Answer, EventStream, Reply, Step, comment, event
from local.simulator.errors import Refusal
from local.simulator.exchange import Exchange
from local.simulator.images import encoded, media_type
from local.simulator.purchase import Purchase, refusal_for
from local.simulator.response_cache import ResponseCache
from local.simulator.scenarios import Plan
from local.simulator.state import IMAGE_FLOOR, NotEnough

_PACE = 0.005
_PIECE = 24
_WAITING = "OPENROUTER PROCESSING"


@dataclass(frozen=True)
class Said:
    """An answer: words, the data URLs of pictures, and calls of tools."""

    text: str
    images: tuple[str, ...] = ()
    finish_reason: str = "stop"
    native_finish_reason: str = "stop"
    calls: tuple[dict[str, Any], ...] = ()

    @property
    def is_something(self) -> bool:
        return bool(self.text or self.images or self.calls)

    @property
    def tokens(self) -> int:
        """Of everything but the pictures."""
        written = self.text + "".join(json.dumps(call["function"]) for call in self.calls)
        return costs.text_tokens(written) if written else 0


def complete(exchange: Exchange) -> Answer:
    key = exchange.authorised()
    if exchange.data is None:
        raise Refusal(400, "Input must have at least 1 token.", metadata={"provider_name": None})
    request = parse(exchange.data, exchange.world.catalogue, refused=exchange.plan.refused)
    if request.paints and exchange.state.affordable(key) < IMAGE_FLOOR:
        raise errors.image_floor()
    purchase = Purchase(
        exchange,
        key,
        request.model,
        _most(request),
        "completions",
        streamed=request.stream,
        pictures=int(request.paints),
        references=len(request.pictures),
        is_byok="byok" in exchange.plan,
    )
    if reply := quirks.word_for_word(purchase, exchange.plan):
        return quirks.delivered(reply, exchange.plan)
    cache = ResponseCache(exchange, key)
    said: Said = cache.said or _carry_out(exchange, request, purchase)
    is_known = cache.said is not None
    plain = costs.for_chat(
        request.model,
        prompt_tokens=0 if is_known else request.prompt_tokens,
        completion_tokens=0 if is_known else said.tokens,
        pictures=0 if is_known else len(said.images),
        resolution=request.resolution,
    )
    cache.keep(said)
    purchase.bill = quirks.bill(plain, exchange.plan)
    usage = quirks.usage(costs.usage(purchase.bill, chat=True), exchange.plan, plain)
    answer = (_stream if request.stream else _whole)(exchange, purchase, said, usage)
    answer.headers.update(cache.headers)
    return answer


def _carry_out(exchange: Exchange, request: ChatRequest, purchase: Purchase) -> Said:
    """Sets the money aside, and has the model answer."""
    try:
        purchase.reserve()
    except NotEnough as lack:
        price = request.model.price("completion")
        raise refusal_for(lack, wanted_tokens=request.max_tokens, token_price=price) from None
    try:
        return _say(exchange, request)
    except BaseException:
        purchase.fail()
        raise


def _most(request: ChatRequest) -> costs.Bill:
    """The most that the answer can cost."""
    return costs.for_chat(
        request.model,
        prompt_tokens=request.prompt_tokens,
        completion_tokens=0 if request.paints else request.max_tokens,
        pictures=int(request.paints),
        resolution=request.resolution,
    )


def _say(exchange: Exchange, request: ChatRequest) -> Said:
    plan = exchange.plan
    if "empty_answer" in plan:
        # What a model does that spends all its tokens on thinking.
        return Said("", finish_reason="length", native_finish_reason="MAX_TOKENS")
    if rule := plan.get("text_answer"):
        return Said(str(rule.options.get("text", "I would rather not say.")))
    if request.paints:
        return _paint(exchange, request)
    data = exchange.data or {}
    if calls := tools.calls(data, tools.functions(data)):
        return Said("", finish_reason="tool_calls", native_finish_reason="tool_calls", calls=tuple(calls))
    if request.schema is not None:
        return _limited(json.dumps(planner.plan(list(request.messages), request.schema), ensure_ascii=False), request)
    if request.json_only:
        return _limited(json.dumps(planner.plan(list(request.messages), {}), ensure_ascii=False), request)
    found = tools.told(request.messages)
    return _limited(found or planner.reply(list(request.messages), list(request.pictures)), request)


def _limited(text: str, request: ChatRequest) -> Said:
    """The text, cut off where the tokens end."""
    if costs.text_tokens(text) <= request.max_tokens:
        return Said(text)
    return Said(text[: request.max_tokens * 4], finish_reason="length", native_finish_reason="MAX_TOKENS")


def _paint(exchange: Exchange, request: ChatRequest) -> Said:
    plan = exchange.plan
    if rule := plan.get("no_image"):
        reason = str(rule.options.get("native_finish_reason", "NO_IMAGE"))
        text = str(rule.options.get("text", "I cannot paint that." if rule.options.get("form") == "text" else ""))
        return Said(text, native_finish_reason=reason)
    seed = exchange.state.next_seed() if request.seed is None else request.seed
    if request.ratio == "auto" and request.pictures:
        last = request.pictures[-1]
        size = sizes.fit(last.width / last.height, sizes.TIERS.get(request.resolution, 1024))
    else:
        size = sizes.pixels(request.model.image or Painting(), request.ratio, request.resolution)
    size = quirks.size(size, plan)
    picture = pictures.make(request.prompt, size, seed, references=request.pictures[-1:], detail=exchange.world.detail)
    url = f"data:{media_type('image/png', plan)};base64,{encoded(picture, plan)}"
    return Said("", (url,), native_finish_reason="STOP")


def _envelope(exchange: Exchange, purchase: Purchase, kind: str) -> dict[str, Any]:
    return {
        "id": exchange.generation_id,
        "object": kind,
        "created": int(exchange.state.clock().timestamp()),
        "model": purchase.model.id,
        "provider": purchase.model.provider,
    }


def _images(said: Said) -> list[dict[str, Any]]:
    return [{"type": "image_url", "image_url": {"url": url}, "index": number} for number, url in enumerate(said.images)]


def _whole(exchange: Exchange, purchase: Purchase, said: Said, usage: dict[str, Any] | None) -> Reply:
    plan = exchange.plan
    if rule := plan.get("error_body") or plan.get("choice_error") or plan.get("stream_error"):
        purchase.fail()
        return quirks.delivered(Reply.of_json(_failed(exchange, purchase, rule.name, rule.options)), plan)
    content = None if said.calls else said.text
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None, "reasoning": None}
    if said.calls:
        message["tool_calls"] = list(said.calls)
    if said.images:
        message["images"] = _images(said)
    choice = {
        "index": 0,
        "logprobs": None,
        "finish_reason": said.finish_reason,
        "native_finish_reason": said.native_finish_reason,
        "message": message,
    }
    body = {
        **_envelope(exchange, purchase, "chat.completion"),
        "system_fingerprint": None,
        "service_tier": None,
        "choices": [choice],
    }
    usage = _settled(purchase, said, usage, plan)
    return quirks.delivered(Reply.of_json(body if usage is None else {**body, "usage": usage}), plan)


def _settled(purchase: Purchase, said: Said, usage: dict[str, Any] | None, plan: Plan) -> dict[str, Any] | None:
    """Charges the call, unless nothing at all came of it."""
    if quirks.is_billed(plan, default=said.is_something):
        purchase.settle()
        return usage
    purchase.fail()
    return None if usage is None else {**usage, "cost": 0}


def _failed(exchange: Exchange, purchase: Purchase, name: str, options: Any) -> dict[str, Any]:
    """An error inside a 200: alone, or as the choice."""
    error = {
        "code": options.get("code", 502),
        "message": options.get("message", "Provider returned error"),
        "metadata": {
            "provider_name": purchase.model.provider,
            "error_type": options.get("error_type", "provider_unavailable"),
        },
    }
    if name != "choice_error":
        return {"id": exchange.generation_id, "error": error}
    choice = {
        "index": 0,
        "finish_reason": "error",
        "native_finish_reason": "error",
        "error": error,
        "message": {"role": "assistant", "content": ""},
    }
    return {**_envelope(exchange, purchase, "chat.completion"), "choices": [choice]}


def _stream(exchange: Exchange, purchase: Purchase, said: Said, usage: dict[str, Any] | None) -> EventStream:
    plan = exchange.plan
    base = _envelope(exchange, purchase, "chat.completion.chunk")
    ended = {"finish_reason": said.finish_reason, "native_finish_reason": said.native_finish_reason}

    def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": {"role": "assistant", "content": "", **delta}, "finish_reason": None}
        return {**base, "choices": [{**choice, "native_finish_reason": None, **more}]}

    steps = [Step(comment(_WAITING)), Step(comment(_WAITING), delay=_PACE)]
    pieces = [said.text[at : at + _PIECE] for at in range(0, len(said.text), _PIECE)]
    steps += [Step(event(chunk({"content": piece})), delay=_PACE) for piece in pieces]
    steps += [Step(event(chunk({"tool_calls": [part]})), delay=_PACE) for part in _call_parts(said)]
    if said.images:
        steps.append(Step(event(chunk({"images": _images(said)})), delay=_PACE))
    rule = plan.get("stream_error") or plan.get("error_body") or plan.get("choice_error")
    if rule is not None:
        steps = steps[: int(rule.options.get("after", 3))]
        steps.append(Step(event({**base, **_stream_failure(rule.options)}), delay=_PACE))
    else:
        last = chunk({}, **ended)
        billed = quirks.is_billed(plan, default=said.is_something)
        steps.append(Step(event(last), delay=_PACE))
        final = last if usage is None else {**last, "usage": usage if billed else {**usage, "cost": 0}}
        steps.append(Step(event(final), bills=said.is_something))
    if rule is None or rule.options.get("done", True):
        steps.append(Step(DONE))
    return quirks.stream(steps, purchase, plan, {}, failed=rule is not None, keep_alive=_WAITING)


def _call_parts(said: Said) -> Iterator[dict[str, Any]]:
    """The calls in pieces: the name first, then what it is called with."""
    for call in said.calls:
        arguments = call["function"]["arguments"]
        yield {**call, "function": {**call["function"], "arguments": ""}}
        for at in range(0, len(arguments), _PIECE):
            yield {"index": call["index"], "function": {"arguments": arguments[at : at + _PIECE]}}


def _stream_failure(options: Any) -> dict[str, Any]:
    error = {
        "code": options.get("code", 429),
        "message": options.get("message", "Rate limit exceeded"),
        "metadata": {"error_type": options.get("error_type", "rate_limit_exceeded")},
    }
    return {"error": error, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}
