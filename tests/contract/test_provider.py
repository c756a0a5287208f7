"""What every provider does, each against a server that speaks its language and keeps an invoice.

A provider is found by its file, and its server by that name in `local/providers`; what is tested follows from `skills`.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from darkroom.errors import DarkroomError
from darkroom.models.chat import JsonSchema
from darkroom.models.generation import Dispatch, RawAnswer
from darkroom.models.provider import Skill
from darkroom.ports import Provider
from darkroom.providers import ProviderSettings, load, names
from local import providers as simulators
from local.providers import World
from tests.contract.providing import NOBODYS_KEY, Asking, dot, failure
from tests.paid_calls import paid_call
from tests.servers import unused_port

PAINTS: frozenset[Skill] = frozenset({"generate", "edit", "cutout"})
SKILLS: dict[str, frozenset[Skill]] = {name: load(name)(None).skills for name in names()}
painting = pytest.mark.parametrize("name", [name for name, skills in SKILLS.items() if skills & PAINTS])
making = pytest.mark.parametrize("name", [name for name, skills in SKILLS.items() if "generate" in skills])
editing = pytest.mark.parametrize("name", [name for name, skills in SKILLS.items() if "edit" in skills])
talking = pytest.mark.parametrize("name", [name for name, skills in SKILLS.items() if "chat" in skills])
everyone = pytest.mark.parametrize("name", list(SKILLS))

Start = Callable[[str], World]


@pytest.fixture(scope="module")
def started() -> Iterator[Start]:
    """Starts a provider's server when it is first asked for."""
    running: dict[str, World] = {}

    def start(name: str) -> World:
        if name not in running:
            running[name] = simulators.load(name)().__enter__()
        running[name].reset()
        return running[name]

    yield start
    for world in running.values():
        world.__exit__(None, None, None)


@pytest.fixture
def world(name: str, started: Start) -> World:
    return started(name)


@pytest.fixture
def provider(name: str, world: World) -> Provider:
    return load(name)(ProviderSettings(url=world.url, attempts=2))


@pytest.fixture
def asking(provider: Provider, world: World) -> Asking:
    return Asking(provider, world)


def test_who_can_do_what() -> None:
    """A lack of a skill would be no failure below, where tests go by it."""
    drawing: frozenset[Skill] = frozenset({"generate", "edit", "chat"})
    able = {
        "anthropic": {"chat"},
        "gemini": drawing,
        "groq": {"chat"},
        "openai": drawing,
        "openrouter": drawing,
        "removebg": {"cutout"},
    }
    assert able.items() <= SKILLS.items()


@everyone
def test_there_is_a_server_for_it_that_can_do_what_it_can(name: str, world: World) -> None:
    assert (world.painter is not None) == bool(SKILLS[name] & PAINTS)
    assert (world.talker is not None) == ("chat" in SKILLS[name])


def test_a_provider_without_a_server_is_told_of() -> None:
    with pytest.raises(LookupError, match=r"write local/providers/midjourney\.py"):
        simulators.load("midjourney")


@everyone
def test_it_says_who_it_is(provider: Provider, name: str) -> None:
    assert provider.name == name
    assert provider.title
    assert provider.console_url.startswith("https://")
    assert all(each and each == each.lower() for each in (*provider.makers, *provider.sources))
    # Whose prices are not those of a maker are known by its being a source.
    assert provider.sources or name == "openrouter" or "chat" not in provider.skills


@everyone
def test_it_serves_its_own_models(provider: Provider, world: World) -> None:
    for model in filter(None, (world.painter, world.talker)):
        assert provider.serves(model)


@everyone
def test_another_makers_model_is_not_sent_anywhere(asking: Asking, name: str) -> None:
    if name == "openrouter":
        assert asking.provider.serves("nobody/nothing") == "nobody/nothing"
        return
    assert asking.provider.serves("nobody/nothing") is None
    if "generate" in SKILLS[name]:
        assert failure(lambda: asking.paint(model="nobody/nothing")).code == "UNSUPPORTED_MODEL"
    if "chat" in SKILLS[name]:
        assert failure(lambda: asking.talk(model="nobody/nothing")).code == "UNSUPPORTED_MODEL"
    assert (asking.world.requests(), asking.memory.told) == (0, [])


@painting
def test_a_picture_is_made_and_its_price_is_the_invoices(asking: Asking, name: str) -> None:
    result = asking.paint()
    assert Image.open(io.BytesIO(result.images[0].data)).get_format_mimetype() == result.images[0].media_type
    assert result.usage.cost == asking.world.invoice() > 0
    assert (result.call.provider, result.call.model_requested) == (name, asking.world.painter)
    assert result.call.attempts == asking.world.requests() == 1
    # Else a newcomer would take it for a model's.
    assert result.call.is_simulated


@editing
def test_a_picture_is_made_over_for_the_invoices_price(asking: Asking) -> None:
    first = asking.paint()
    second = asking.paint(references=(dot("teal"), dot("navy", "JPEG")))
    assert second.images[0].data != first.images[0].data
    assert first.usage.cost is not None
    assert second.usage.cost == asking.world.invoice() - first.usage.cost > 0


@making
def test_what_is_no_picture_is_not_sent(asking: Asking) -> None:
    error = failure(lambda: asking.paint(references=(dot().model_copy(update={"data": b"%PDF-1.7"}),)))
    assert (error.code, error.param, asking.world.requests()) == ("INVALID_PARAMETER", "input_references", 0)


@everyone
def test_the_caller_hears_of_it_in_time(asking: Asking) -> None:
    result = asking.first()
    told = asking.memory.told
    assert isinstance(told[0], Dispatch)
    assert told[0].model == (asking.world.painter or asking.world.talker)
    assert isinstance(told[-1], RawAnswer)
    assert told[1:-1] == ([result.call.generation_id] if result.call.generation_id else [])


@painting
def test_what_a_caller_cannot_write_down_is_not_sent(asking: Asking) -> None:
    def unable(_told: Dispatch) -> None:
        raise ConnectionError("the table is away")

    with pytest.raises(ConnectionError):
        asking.paint(callbacks={"on_dispatched": unable})
    assert asking.world.requests() == asking.world.invoice() == 0


@making
def test_first_impressions_cost_what_the_invoice_says(asking: Asking, name: str) -> None:
    result = asking.paint(partial_images=2)
    assert result.usage.cost == asking.world.invoice() > 0
    again = asking.provider.reread(asking.world.picture(), asking.memory.kept)
    assert (again.images, again.usage) == (result.images, result.usage)
    # Others make none, or not by number.
    assert len(asking.memory.events) == (3 if name == "openai" else 0)


@making
def test_first_impressions_of_a_picture_that_is_cut_off_are_no_picture(asking: Asking) -> None:
    asking.world.go_wrong("cut")
    error = failure(lambda: asking.paint(partial_images=2))
    assert (error.charged, error.retryable, asking.world.requests()) == ("unknown", False, 1)


@talking
def test_a_conversation_is_answered(asking: Asking) -> None:
    result = asking.talk()
    assert result.text
    assert result.call.is_simulated
    assert result.usage.cost == asking.world.invoice() > 0


@talking
def test_a_conversation_may_look_at_a_picture(asking: Asking) -> None:
    assert "picture" in asking.talk(text="What do you see?", images=(dot(), dot("red", "JPEG"))).text


@talking
def test_an_answer_has_the_shape_that_was_asked_for(asking: Asking) -> None:
    schema = {
        "type": "object",
        "properties": {"reply": {"type": "string"}, "prompt": {"type": ["string", "null"]}},
        "required": ["reply", "prompt"],
        "additionalProperties": False,
    }
    result = asking.talk(json_schema=JsonSchema(name="plan", schema=schema), temperature=0)
    assert result.text.startswith("{")
    assert '"reply"' in result.text
    assert not result.is_cut_short
    again = asking.provider.reread_chat(
        asking.chat_request(json_schema=JsonSchema(name="plan", schema=schema)), asking.memory.kept
    )
    assert (again.text, again.finish_reason) == (result.text, result.finish_reason)


@talking
def test_plain_chat_is_answered_in_openais_form(asking: Asking) -> None:
    result = asking.complete()
    assert result.body["choices"][0]["message"]["content"]
    assert result.body["usage"]["total_tokens"] > 0
    assert result.usage.cost == asking.world.invoice() > 0
    assert result.call.attempts == asking.world.requests() == 1


@talking
def test_plain_chat_may_call_a_tool(asking: Asking) -> None:
    tool = {"name": "warm_up", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": tool}]
    choice = asking.complete(tools=tools, tool_choice="required").body["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "warm_up"


@talking
@pytest.mark.parametrize("tools", [[], [{"type": "function", "function": {"name": "warm_up", "parameters": {}}}]])
def test_a_streamed_chat_is_heard_while_it_comes_and_is_the_same_in_the_end(
    tools: list[object], asking: Asking
) -> None:
    more: dict[str, Any] = {"tools": tools, "tool_choice": "required"} if tools else {}
    whole, paid = asking.complete(**more), asking.world.invoice()
    streamed = asking.complete(stream=True, **more)
    assert asking.world.invoice() == 2 * paid
    assert streamed.usage == whole.usage
    (one,), (other,) = whole.body["choices"], streamed.body["choices"]
    assert (one["finish_reason"], one["message"]["content"]) == (other["finish_reason"], other["message"]["content"])
    functions = [[call["function"] for call in each["message"].get("tool_calls", [])] for each in (one, other)]
    assert functions[0] == functions[1]
    assert len(asking.memory.events) > 2
    again = asking.provider.reread_completion(asking.completion_request(), asking.memory.kept)
    assert (again.body, again.usage) == (streamed.body, streamed.usage)


@talking
def test_a_streamed_chat_that_is_cut_may_have_been_paid_for_and_is_not_sent_again(asking: Asking) -> None:
    asking.world.go_wrong("cut")
    error = failure(lambda: asking.complete(stream=True))
    assert (error.charged, error.retryable, asking.world.requests()) == ("unknown", False, 1)
    assert not asking.memory.kept.complete


@talking
@pytest.mark.parametrize("what", ["refused", "cut"])
def test_chat_fails_as_pictures_do(what: str, asking: Asking) -> None:
    asking.world.go_wrong(what)
    asks: tuple[Callable[[], object], ...] = (asking.complete, asking.talk)
    for number, ask in enumerate(asks, start=1):
        error = failure(ask)
        assert error.charged == (False if what == "refused" else "unknown")
        assert (error.retryable, asking.world.requests()) == (False, number)


@painting
def test_a_picture_that_was_kept_is_read_again_without_asking(asking: Asking) -> None:
    painted = asking.paint()
    again = asking.provider.reread(asking.world.picture(), asking.memory.kept)
    assert (again.images, again.usage) == (painted.images, painted.usage)
    assert asking.world.requests() == 1


@talking
def test_a_conversation_that_was_kept_is_read_again_without_asking(asking: Asking) -> None:
    said = asking.talk()
    reply = asking.provider.reread_chat(asking.chat_request(), asking.memory.kept)
    assert (reply.text, reply.usage, reply.call.generation_id) == (said.text, said.usage, said.call.generation_id)
    completed = asking.complete()
    plain = asking.completion_request().model_copy(update={"body": {}})
    completion = asking.provider.reread_completion(plain, asking.memory.kept)
    assert (completion.body, completion.usage) == (completed.body, completed.usage)
    assert asking.world.requests() == 2


@everyone
def test_a_bad_key_is_refused_once(asking: Asking) -> None:
    error = failure(lambda: asking.first(key=NOBODYS_KEY))
    assert (error.code, error.status, error.charged, error.retryable) == ("INVALID_API_KEY", 401, False, False)
    assert len(asking.memory.dispatches) == 1
    assert failure(lambda: asking.provider.inspect(NOBODYS_KEY)).code == "INVALID_API_KEY"
    assert failure(lambda: asking.provider.inspect("sk two words")).code == "INVALID_API_KEY"


@painting
def test_a_refusal_is_final_and_free(asking: Asking, name: str) -> None:
    asking.world.go_wrong("refused")
    error = failure(asking.paint)
    assert (error.status, error.charged, error.retryable) == (422, False, False)
    assert error.code == ("NO_FOREGROUND" if "cutout" in SKILLS[name] else "CONTENT_REFUSED")
    assert (asking.world.requests(), asking.world.invoice()) == (1, 0)


@everyone
def test_a_busy_provider_is_asked_again(asking: Asking) -> None:
    asking.world.go_wrong("busy")
    error = failure(asking.first)
    assert error.code in ("SERVICE_UNAVAILABLE", "RATE_LIMIT")
    assert (error.charged, error.retryable) == (False, True)
    assert (asking.world.requests(), len(asking.memory.dispatches), asking.world.invoice()) == (2, 2, 0)


@everyone
def test_what_may_have_been_billed_is_not_sent_again(asking: Asking) -> None:
    asking.world.go_wrong("cut")
    error = failure(asking.first)
    assert (error.charged, error.retryable, asking.world.requests()) == ("unknown", False, 1)
    assert asking.world.invoice() > 0
    assert isinstance(asking.memory.told[-1], RawAnswer)
    assert not asking.memory.told[-1].complete


@making
def test_no_picture_is_an_error(asking: Asking) -> None:
    asking.world.go_wrong("no_picture")
    error = failure(asking.paint)
    assert (error.code, asking.world.requests()) == ("NO_IMAGE", 1)
    assert error.charged == (asking.world.invoice() > 0)


@everyone
def test_a_provider_that_is_not_there_took_nothing(name: str, world: World) -> None:
    absent = load(name)(ProviderSettings(url=f"http://127.0.0.1:{unused_port()}", attempts=1))
    error = failure(Asking(absent, world).first)
    assert (error.code, error.charged, error.retryable) == ("NETWORK_ERROR", False, True)


@everyone
def test_what_it_has_no_skill_for_is_refused_and_not_sent(asking: Asking, name: str) -> None:
    errors: list[DarkroomError] = []
    if not SKILLS[name] & PAINTS:
        request = simulators.load("openrouter")().picture()
        generate, memory = asking.provider.generate, asking.memory
        errors.append(failure(lambda: generate(request, paid_call(asking.world.key, seconds=5, **memory.callbacks))))
    if "chat" not in SKILLS[name]:
        errors += [failure(asking.talk), failure(asking.complete)]
    assert {(error.code, error.charged) for error in errors} <= {("INVALID_PARAMETER", False)}
    assert (asking.world.requests(), asking.memory.told) == (0, [])


@everyone
def test_a_key_is_described_without_being_told(provider: Provider, world: World) -> None:
    status = provider.inspect(world.key)
    assert world.key not in repr(status)
    assert status.label


@talking
def test_there_are_models(provider: Provider, world: World) -> None:
    listed = provider.models(world.key)
    assert provider.serves(str(world.talker)) in listed
    assert failure(lambda: provider.models(NOBODYS_KEY)).code == "INVALID_API_KEY"


@everyone
def test_the_books_know_what_was_paid_or_nothing(asking: Asking) -> None:
    result = asking.first()
    assert asking.provider.generation("gen-img-never", key=asking.world.key) is None
    if result.call.generation_id is not None:
        record = asking.provider.generation(result.call.generation_id, key=asking.world.key)
        assert record is not None
        assert record.cost == asking.world.invoice()
