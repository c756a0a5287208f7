"""What there is, what it costs, and what became of a call."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from darkroom.errors import InvalidParameter, NetworkError, ServiceUnavailable, UnsupportedModel
from tests.servers import serving
from tests.unit.providers.asking import PAINTER, STREAMING_PAINTER, TALKER, Asking, patiently, saying


def test_the_lists_are_read(asking: Asking) -> None:
    models = {model.id: model for model in asking.provider.image_models()}
    painter = models[STREAMING_PAINTER]
    assert (painter.supports_streaming, painter.max_references) == (True, 16)
    assert painter.parameters["aspect_ratio"].accepts("3:2")
    assert not painter.parameters["aspect_ratio"].accepts("21:9")
    assert painter.parameters["n"].accepts(10)
    assert not painter.parameters["n"].accepts(11)
    assert models["meta/muse-image"].parameters == {}


def test_what_a_list_says_of_a_model_beside_its_prices(asking: Asking) -> None:
    painters = {model.id: model for model in asking.provider.image_models()}
    assert painters[PAINTER].created == datetime.fromtimestamp(1768435663, UTC)
    models = {model.id: model for model in asking.provider.chat_models()}
    ending = models["google/gemini-3.1-flash-image-preview"]
    assert (ending.expires_at, models[TALKER].expires_at) == (datetime(2026, 12, 31, tzinfo=UTC), None)
    opus, small = models["anthropic/claude-opus-4.6"], models["openai/gpt-4o-mini"]
    assert (opus.reasons, small.reasons, opus.weights) == (True, False, None)
    assert models["google/gemma-4-31b-it:free"].weights == "google/gemma-4-31B-it"


def test_who_keeps_nothing_is_a_list_of_its_own(asking: Asking) -> None:
    private = set(asking.provider.private_models())
    assert {"anthropic/claude-opus-4.6", PAINTER} <= private
    assert "openai/gpt-4o-mini" not in private


@pytest.mark.parametrize("created", [0, -1, True, None, "soon", [], 1e30])
def test_a_time_that_is_none_is_unknown(created: object) -> None:
    value = {"data": [{"id": "a/b", "created": created}]}
    (model,) = saying(value, lambda provider: provider.chat_models())
    assert model.created is None


def test_endpoints_have_exact_prices(asking: Asking) -> None:
    (endpoint,) = asking.provider.image_endpoints(PAINTER)
    assert (endpoint.source, [line.usd for line in endpoint.prices]) == ("Black Forest Labs", [Decimal("0.014")])
    assert asking.provider.image_endpoints("meta/muse-image") == ()
    tokens = {
        line.billable: line.usd for line in asking.provider.image_endpoints("google/gemini-2.5-flash-image")[0].prices
    }
    assert tokens["output_image"] == Decimal("0.00003")


def test_the_sources_of_a_chat_model_have_prices_of_their_own(asking: Asking) -> None:
    first, groq = asking.provider.chat_endpoints("openai/gpt-oss-20b")
    assert (first.source, first.prices.prompt, first.max_completion_tokens) == ("DeepInfra", Decimal("3e-8"), 32768)
    assert (groq.source, groq.slug, groq.max_completion_tokens) == ("Groq", "groq", 65536)
    assert (groq.prices.prompt, groq.prices.completion) == (Decimal("1e-7"), Decimal("5e-7"))
    with pytest.raises(UnsupportedModel):
        asking.provider.chat_endpoints("nobody/nothing")
    with pytest.raises(InvalidParameter):
        asking.provider.chat_endpoints("../../key")


def test_a_source_that_says_nothing_is_of_an_unknown_price() -> None:
    value = {"data": {"endpoints": [{"provider_name": "Acme"}, {"pricing": {"prompt": "-1", "completion": "?"}}]}}
    found = saying(value, lambda provider: provider.chat_endpoints("a/b"))
    assert [(each.source, each.slug) for each in found] == [("Acme", "acme"), ("", "")]
    assert {(each.prices.prompt, each.prices.completion, each.max_completion_tokens) for each in found} == {
        (None, None, None)
    }


@pytest.mark.parametrize("model", ["nobody/nothing", TALKER])
def test_a_model_that_does_not_paint_has_no_endpoints(model: str, asking: Asking) -> None:
    with pytest.raises(UnsupportedModel):
        asking.provider.image_endpoints(model)


@pytest.mark.parametrize("model", ["", "a", "a/b/c", "../../key", "a/b?x=1", "a/b#c", "a/ü", "a/b\n"])
def test_a_model_is_named_so_that_no_other_address_is_asked(model: str, asking: Asking) -> None:
    with pytest.raises(InvalidParameter):
        asking.provider.image_endpoints(model)
    assert asking.simulator.world.log.entries() == []


def test_a_price_of_nought_is_no_gift(asking: Asking) -> None:
    models = {model.id: model for model in asking.provider.chat_models()}
    assert models[PAINTER].prices.prompt is None
    assert models["openrouter/auto"].prices.prompt is None
    assert models[TALKER].prices.prompt == Decimal("3E-7")
    free = models["google/gemma-4-31b-it:free"]
    assert free.is_free
    assert free.prices.completion == 0
    assert not models[PAINTER].is_free


def test_odd_entries_do_not_spoil_a_list() -> None:
    value = {
        "data": [{"id": "a/b", "pricing": {"prompt": "NaN"}, "created": "soon", "context_length": "many"}, {}, None, 7]
    }
    (model,) = saying(value, lambda provider: provider.chat_models())
    assert (model.id, model.name, model.prices.prompt, model.created, model.context_length) == (
        "a/b",
        "a/b",
        None,
        None,
        None,
    )
    odd = {"data": [{"id": "a/b", "supported_parameters": {"n": 7, "x": {"type": "new", "values": "no", "min": "1"}}}]}
    (painter,) = saying(odd, lambda provider: provider.image_models())
    assert painter.parameters["x"].accepts("anything")
    assert painter.parameters["n"].accepts(3)


def test_a_generation_is_unknown_for_a_while(asking: Asking) -> None:
    made = asking.generate()
    asking.simulator.scenario("generation_missing", times=2)
    generation_id = made.call.generation_id or ""
    found = [asking.provider.generation(generation_id, key=asking.key) for _ in range(3)]
    assert found[:2] == [None, None]
    assert found[2] is not None
    assert (found[2].id, found[2].cost, found[2].model) == (generation_id, made.usage.cost, PAINTER)


@pytest.mark.parametrize("path", ["/generation", f"/images/models/{PAINTER}/endpoints"])
def test_not_knowing_is_not_the_same_as_not_being(path: str, asking: Asking) -> None:
    asking.simulator.scenario("internal", path=path)
    provider = asking.provider
    with pytest.raises(ServiceUnavailable) as raised:
        provider.generation("gen-1", key=asking.key) if path == "/generation" else provider.image_endpoints(PAINTER)
    assert (raised.value.charged, raised.value.retryable, len(asking.waits)) == (False, True, 2)


def test_a_list_that_is_cut_off_is_asked_for_again(asking: Asking) -> None:
    body = b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"data":['
    with serving(patiently(body, seconds=0.2)) as server:
        asking.settings = {"url": f"http://127.0.0.1:{server.port}"}
        with pytest.raises(NetworkError):
            asking.provider.image_models()
        assert server.accepted == 3
