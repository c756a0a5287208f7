"""What every provider does, each against a server that speaks its language and keeps an invoice."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from darkroom.errors import DarkroomError
from darkroom.models.chat import ChatMessage, ChatRequest
from darkroom.models.completion import CompletionRequest
from darkroom.models.deadline import Deadline
from darkroom.models.generation import Dispatch, GenerationRequest, RawAnswer, Reference
from darkroom.ports import Provider
from darkroom.providers import ProviderSettings, load, names
from local.simulator import Simulator
from tests.servers import unused_port


@dataclass(frozen=True)
class World:
    """A provider's stand-in.

    Args:
        go_wrong: makes every paid call end in one of: `refused`, `busy`, `cut`, `no_picture`.
        requests: how many paid requests arrived.
        invoice: micro-dollars charged in all.
    """

    url: str
    key: str
    painter: str
    talker: str
    go_wrong: Callable[[str], None]
    requests: Callable[[], int]
    invoice: Callable[[], int]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def _openrouter(simulator: Simulator) -> World:
    simulator.reset()
    scenarios = {"refused": "moderation", "busy": "overloaded", "cut": "cut_body", "no_picture": "no_image"}
    return World(
        url=simulator.url,
        key=simulator.key,
        painter="black-forest-labs/flux.2-klein-4b",
        talker="google/gemini-2.5-flash",
        go_wrong=lambda what: simulator.scenario(scenarios[what]),
        requests=lambda: sum(entry["method"] == "POST" for entry in simulator.world.log.entries()),
        invoice=lambda: sum(charge["micro_usd"] for charge in simulator.state.invoice()),
    )


WORLDS = {"openrouter": _openrouter}


class Memory:
    """What a caller was told, in order."""

    def __init__(self) -> None:
        self.told: list[Dispatch | str | RawAnswer] = []

    @property
    def callbacks(self) -> dict[str, Any]:
        return dict.fromkeys(("on_dispatched", "on_generation_id", "on_answer"), self.told.append)

    @property
    def dispatches(self) -> list[Dispatch]:
        return [told for told in self.told if isinstance(told, Dispatch)]

    @property
    def kept(self) -> RawAnswer:
        """The last answer."""
        return [told for told in self.told if isinstance(told, RawAnswer)][-1]


@pytest.fixture(params=names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(name: str, simulator: Simulator) -> World:
    return WORLDS[name](simulator)


@pytest.fixture
def provider(name: str, world: World) -> Provider:
    return load(name)(ProviderSettings(url=world.url, attempts=2))


@pytest.fixture
def memory() -> Memory:
    return Memory()


def _paint(provider: Provider, world: World, memory: Memory, *, key: str = "", **more: Any) -> Any:
    request = GenerationRequest(model=world.painter, prompt="A flat red circle", **more)
    return provider.generate(request, key=key or world.key, deadline=Deadline(20), **memory.callbacks)


def _talk(provider: Provider, world: World, memory: Memory, **more: Any) -> Any:
    messages = (ChatMessage(role="system", text="Be brief."), ChatMessage(role="user", text="Warmer?", **more))
    request = ChatRequest(model=world.talker, messages=messages, max_completion_tokens=500)
    return provider.chat(request, key=world.key, deadline=Deadline(20), **memory.callbacks)


def _complete(provider: Provider, world: World, memory: Memory, **more: Any) -> Any:
    body = {"messages": [{"role": "user", "content": "Warmer?"}], **more}
    request = CompletionRequest(model=world.talker, body=body, max_completion_tokens=500)
    return provider.complete(request, key=world.key, deadline=Deadline(20), **memory.callbacks)


def _failure(ask: Callable[[], object]) -> DarkroomError:
    with pytest.raises(DarkroomError) as raised:
        ask()
    return raised.value


def test_it_is_called_by_its_name(provider: Provider, name: str) -> None:
    assert provider.name == name


def test_a_picture_is_made_and_its_price_is_the_invoices(provider: Provider, world: World, memory: Memory) -> None:
    result = _paint(provider, world, memory)
    assert Image.open(io.BytesIO(result.images[0].data)).get_format_mimetype() == result.images[0].media_type
    assert result.usage.cost == world.invoice() > 0
    assert (result.call.provider, result.call.model_requested) == (provider.name, world.painter)
    assert result.call.attempts == world.requests() == 1


def test_a_picture_is_made_over(provider: Provider, world: World, memory: Memory) -> None:
    first = _paint(provider, world, memory)
    second = _paint(provider, world, memory, references=(Reference(data=first.images[0].data),))
    assert second.images[0].data != first.images[0].data


def test_the_caller_hears_of_it_in_time(provider: Provider, world: World, memory: Memory) -> None:
    result = _paint(provider, world, memory)
    kinds = [type(told) for told in memory.told]
    assert kinds[0] is Dispatch
    assert kinds[-1] is RawAnswer
    if result.call.generation_id:
        assert memory.told[1] == result.call.generation_id


def test_what_a_caller_cannot_write_down_is_not_sent(provider: Provider, world: World, memory: Memory) -> None:
    def unable(_told: Dispatch) -> None:
        raise ConnectionError("the table is away")

    with pytest.raises(ConnectionError):
        provider.generate(
            GenerationRequest(model=world.painter, prompt="x"),
            key=world.key,
            deadline=Deadline(20),
            **{**memory.callbacks, "on_dispatched": unable},
        )
    assert world.requests() == world.invoice() == 0


def test_a_conversation_is_answered(provider: Provider, world: World, memory: Memory) -> None:
    result = _talk(provider, world, memory)
    assert result.text
    assert result.usage.cost == world.invoice()


def test_a_conversation_may_look_at_a_picture(provider: Provider, world: World, memory: Memory) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(buffer, "PNG")
    assert _talk(provider, world, memory, images=(Reference(data=buffer.getvalue()),)).text


def test_plain_chat_is_answered_in_openais_form(provider: Provider, world: World, memory: Memory) -> None:
    result = _complete(provider, world, memory)
    assert result.body["choices"][0]["message"]["content"]
    assert result.body["usage"]["total_tokens"] > 0
    assert result.usage.cost == world.invoice() > 0
    assert result.call.attempts == world.requests() == 1


def test_plain_chat_may_call_a_tool(provider: Provider, world: World, memory: Memory) -> None:
    tool = {"name": "warm_up", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": tool}]
    choice = _complete(provider, world, memory, tools=tools, tool_choice="required").body["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "warm_up"


@pytest.mark.parametrize("what", ["refused", "cut"])
def test_plain_chat_fails_as_pictures_do(what: str, provider: Provider, world: World, memory: Memory) -> None:
    world.go_wrong(what)
    error = _failure(lambda: _complete(provider, world, memory))
    assert error.charged == (False if what == "refused" else "unknown")
    assert (error.retryable, world.requests()) == (False, 1)


def test_what_was_kept_is_read_again_without_asking(provider: Provider, world: World, memory: Memory) -> None:
    painted = _paint(provider, world, memory)
    picture = provider.reread(GenerationRequest(model=world.painter, prompt="x"), memory.kept)
    assert (picture.images, picture.usage) == (painted.images, painted.usage)
    said = _talk(provider, world, memory)
    messages = (ChatMessage(role="user", text="x"),)
    chat = ChatRequest(model=world.talker, messages=messages, max_completion_tokens=1)
    reply = provider.reread_chat(chat, memory.kept)
    assert (reply.text, reply.usage, reply.call.generation_id) == (said.text, said.usage, said.call.generation_id)
    completed = _complete(provider, world, memory)
    plain = CompletionRequest(model=world.talker, body={}, max_completion_tokens=1)
    completion = provider.reread_completion(plain, memory.kept)
    assert (completion.body, completion.usage) == (completed.body, completed.usage)
    assert world.requests() == 3


def test_a_bad_key_is_refused_once(provider: Provider, world: World, memory: Memory) -> None:
    error = _failure(lambda: _paint(provider, world, memory, key="sk-or-v1-nobodys"))
    assert (error.code, error.status, error.charged, error.retryable) == ("INVALID_API_KEY", 401, False, False)
    assert len(memory.dispatches) == 1
    assert _failure(lambda: provider.inspect("sk-or-v1-nobodys")).code == "INVALID_API_KEY"


def test_a_refusal_is_final_and_free(provider: Provider, world: World, memory: Memory) -> None:
    world.go_wrong("refused")
    error = _failure(lambda: _paint(provider, world, memory))
    assert (error.code, error.charged, error.retryable) == ("CONTENT_REFUSED", False, False)
    assert (world.requests(), world.invoice()) == (1, 0)


def test_a_busy_provider_is_asked_again(provider: Provider, world: World, memory: Memory) -> None:
    world.go_wrong("busy")
    error = _failure(lambda: _paint(provider, world, memory))
    assert (error.code, error.charged, error.retryable) == ("SERVICE_UNAVAILABLE", False, True)
    assert (world.requests(), len(memory.dispatches), world.invoice()) == (2, 2, 0)


def test_what_may_have_been_billed_is_not_sent_again(provider: Provider, world: World, memory: Memory) -> None:
    world.go_wrong("cut")
    error = _failure(lambda: _paint(provider, world, memory))
    assert (error.charged, error.retryable, world.requests()) == ("unknown", False, 1)
    assert world.invoice() > 0
    assert isinstance(memory.told[-1], RawAnswer)
    assert not memory.told[-1].complete


def test_no_picture_is_an_error(provider: Provider, world: World, memory: Memory) -> None:
    world.go_wrong("no_picture")
    error = _failure(lambda: _paint(provider, world, memory))
    assert (error.code, world.requests()) == ("NO_IMAGE", 1)
    assert error.charged == (world.invoice() > 0)


def test_a_provider_that_is_not_there_took_nothing(name: str, world: World, memory: Memory) -> None:
    absent = load(name)(ProviderSettings(url=f"http://127.0.0.1:{unused_port()}", attempts=1))
    error = _failure(lambda: _paint(absent, world, memory))
    assert (error.code, error.charged, error.retryable) == ("NETWORK_ERROR", False, True)


def test_a_key_is_described_without_being_told(provider: Provider, world: World) -> None:
    status = provider.inspect(world.key)
    assert world.key not in repr(status)
    assert status.label


def test_there_are_models(provider: Provider, world: World) -> None:
    assert world.painter in {model.id for model in provider.image_models()}
    assert world.talker in {model.id for model in provider.chat_models()}
    assert any(line.usd for endpoint in provider.image_endpoints(world.painter) for line in endpoint.prices)


def test_the_books_know_what_was_paid(provider: Provider, world: World, memory: Memory) -> None:
    result = _paint(provider, world, memory)
    record = provider.generation(result.call.generation_id, key=world.key)
    assert record is not None
    assert record.cost == world.invoice()
    assert provider.generation("gen-img-never", key=world.key) is None
