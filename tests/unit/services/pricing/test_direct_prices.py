"""What a provider takes that is asked directly: its own prices, even for models that others have made."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from darkroom.errors import InvalidParameter, PriceUnknown
from darkroom.models.caller import Caller
from darkroom.models.catalogue import ChatEndpoint, ImageEndpoint, TokenPrices
from darkroom.models.deadline import Deadline
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus, PaidWork
from darkroom.models.key import StoredKey
from darkroom.models.rates import Rates
from darkroom.ports import CatalogueSource, Watch
from darkroom.providers import ProviderSettings, load
from darkroom.providers._token_costs import Counts, picture_cost
from darkroom.providers.groq import Groq
from darkroom.services.conversations import planner_estimate
from darkroom.services.paid import calls
from darkroom.services.pricing import chat_pricing
from darkroom.services.pricing.chat_pricing import ChatShape
from darkroom.services.selection.chat_models import paid_by
from darkroom.services.selection.providers import Choice
from local import providers as simulators
from local.providers import Simulator as Direct
from local.simulator import Simulator
from tests.application import PLANNER, Studio
from tests.conftest import SteppingClock
from tests.unit.services.completing import TERMS, asked, done, look, submit, tool
from tests.unit.services.talking import Talk

OSS = "openai/gpt-oss-20b"
LLAMA = "meta-llama/llama-3.3-70b-instruct"
QWEN = "qwen/qwen3.6-27b"
PAINTER = "google/gemini-2.5-flash-image"
LARGE_PAINTER = "google/gemini-3-pro-image"
SHAPE = ChatShape(prompt_bytes=1000, max_completion_tokens=100)


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Direct]]:
    worlds = {name: simulators.load(name)() for name in ("gemini", "groq")}
    for world in worlds.values():
        world.__enter__()
    try:
        yield {name: world for name, world in worlds.items() if isinstance(world, Direct)}
    finally:
        for world in worlds.values():
            world.__exit__(None, None, None)


@pytest.fixture
def groq(running: dict[str, Direct]) -> Direct:
    return running["groq"]


@pytest.fixture
def studio(studio_simulator: Simulator, clock: SteppingClock, running: dict[str, Direct]) -> Studio:
    """Alice has keys of Groq's and Gemini's, and none of OpenRouter's."""
    studio_simulator.reset()
    studio = Studio(studio_simulator, clock)
    for name, world in running.items():
        world.reset()
        studio.direct[name] = load(name)(ProviderSettings(url=world.url))
    return studio


def connect(studio: Studio, world: Direct) -> None:
    key = StoredKey(user="alice", provider=world.name, hint="", sha256="0" * 64, connected_at=studio.clock())
    studio.vault.store(key, world.key)


class Source:
    """OpenRouter's lists with other sources. Implements ports.CatalogueSource."""

    def __init__(self, others: CatalogueSource, *endpoints: ChatEndpoint) -> None:
        self._others = others
        self._endpoints = endpoints

    def chat_endpoints(self, _model: str) -> Sequence[ChatEndpoint]:
        return self._endpoints

    def image_models(self) -> Any:
        return self._others.image_models()

    def image_endpoints(self, model: str) -> Any:
        return self._others.image_endpoints(model)

    def chat_models(self) -> Any:
        return self._others.chat_models()

    def private_models(self) -> Any:
        return self._others.private_models()


def endpoint(source: str, prompt: str | None, completion: str, *, slug: str = "", most: int | None = None) -> Any:
    prices = TokenPrices(prompt=None if prompt is None else Decimal(prompt), completion=Decimal(completion))
    return ChatEndpoint(source=source, slug=slug or source.lower(), prices=prices, max_completion_tokens=most)


def chosen(studio: Studio, *endpoints: ChatEndpoint) -> Any:
    studio.published = Source(studio.openrouter, *endpoints)
    return studio.app.chat_models.choose(OSS, choice=Choice(studio.direct["groq"]))


class TestAnothersModels:
    @pytest.fixture(autouse=True)
    def _connected(self, studio: Studio, groq: Direct) -> None:
        connect(studio, groq)

    @pytest.mark.parametrize("model", [OSS, LLAMA, QWEN])
    @pytest.mark.parametrize("wrong", [None, "thinking"])
    @pytest.mark.parametrize("text", ["Hello", "häßlich 猫" * 400])
    def test_a_call_costs_what_the_invoice_says_and_never_more_than_was_set_aside(
        self, studio: Studio, groq: Direct, model: str, wrong: str | None, text: str
    ) -> None:
        if wrong:
            groq.go_wrong(wrong)
        job = done(studio, asked(f"{text} weather", model=model, tools=[tool()], max_completion_tokens=800))
        assert (job.status, job.provider) == (JobStatus.SUCCEEDED, "groq"), job.error
        assert job.cost.actual == groq.invoice() > 0
        assert job.cost.actual <= job.cost.reserved
        assert studio.charged() == []

    def test_a_picture_that_is_looked_at_too(self, studio: Studio, groq: Direct) -> None:
        job = done(studio, asked(model=QWEN, messages=look()))
        assert job.cost.actual == groq.invoice() > 0
        assert job.cost.actual <= job.cost.reserved

    def test_what_is_set_aside_is_by_its_own_prices_and_not_by_the_cheapest_sources(self, studio: Studio) -> None:
        job = submit(studio, asked(model=LLAMA)).job
        assert job.work is not None
        tokens = job.work.rates["groq"][LLAMA].tokens
        assert tokens is not None
        assert (tokens.prompt, tokens.completion) == (Decimal("5.9e-7"), Decimal("7.9e-7"))
        assert job.cost.reserved >= 4096 * Decimal("0.79")

    def test_its_answers_may_be_as_long_as_it_says(self, studio: Studio) -> None:
        assert submit(studio, asked(model=LLAMA, max_completion_tokens=30_000)).job.provider == "groq"
        with pytest.raises(InvalidParameter) as refused:
            submit(studio, asked(model=LLAMA, max_completion_tokens=32_769))
        assert refused.value.context["max"] == 32_768

    def test_of_several_sources_of_its_own_the_dearest_counts(self, studio: Studio) -> None:
        found = chosen(
            studio,
            endpoint("Acme", "9", "9", most=10),
            endpoint("Groq", "1", "4", most=2000),
            endpoint("Groq (fast)", "3", "2", slug="groq/fast", most=1000),
        )
        assert (found.first.prices.prompt, found.first.prices.completion) == (3, 4)
        assert found.first.max_completion_tokens == 1000
        assert found.rates["groq"] == {OSS: Rates(tokens=found.first.prices)}

    @pytest.mark.parametrize(
        "endpoints", [(), (endpoint("Acme", "1", "1"),), (endpoint("Groq", "1", "1"), endpoint("Groq", None, "1"))]
    )
    def test_where_nobody_says_what_it_takes_the_caller_has_to(
        self, studio: Studio, endpoints: tuple[ChatEndpoint, ...]
    ) -> None:
        studio.published = Source(studio.openrouter, *endpoints)
        complete = studio.app.complete
        with pytest.raises(PriceUnknown):
            complete.submit(Caller(user="alice"), asked(model=OSS), TERMS)
        job = complete.submit(Caller(user="alice"), asked(model=OSS, max_cost_usd="0.02"), TERMS).job
        assert (job.provider, job.cost.reserved) == ("groq", 20_000)

    def test_nobody_stands_in_who_takes_something_else(self, studio: Studio) -> None:
        class Maker(Groq):
            name = "maker"
            makers = frozenset({"openai"})

        maker = Maker()
        assert studio.app.chat_models.choose(OSS, choice=Choice(studio.openrouter, (maker,))).other_providers == (
            "maker",
        )
        assert studio.app.chat_models.choose(OSS, choice=Choice(studio.direct["groq"], (maker,))).other_providers == ()


def test_sources_are_asked_for_only_where_the_maker_does_not_serve(studio: Studio) -> None:
    def times() -> int:
        return sum("/endpoints" in row["path"] for row in studio.simulator.world.log.entries())

    models = studio.app.chat_models
    models.choose(OSS, choice=Choice(studio.openrouter, (studio.direct["groq"],)))
    models.choose(PLANNER, choice=Choice(studio.direct["gemini"]))
    assert times() == 0
    for _ in range(3):
        models.choose(OSS, (LLAMA,), choice=Choice(studio.direct["groq"]))
    assert times() == 2


class TestATurn:
    @pytest.fixture(autouse=True)
    def _connected(self, studio: Studio, groq: Direct) -> None:
        connect(studio, groq)

    @pytest.mark.parametrize("picture", [True, False])
    def test_it_alone_plans_one(self, studio: Studio, groq: Direct, picture: bool) -> None:
        talk = Talk(studio).begin() if picture else Talk(studio).begin(None)
        turn = talk.say("Make it warmer, please." if picture else "Hello, what can you do?")
        assert turn.status is JobStatus.SUCCEEDED, turn.error
        parts = [turn, *talk.parts(turn).values()]
        assert groq.requests() > 0
        assert turn.cost.actual == groq.invoice() > 0
        assert sum(part.cost.reserved for part in parts) >= groq.invoice()
        assert talk.now.spent == groq.invoice()
        assert studio.charged() == []

    def test_asking_once_more_sets_its_own_price_aside(self, studio: Studio) -> None:
        turn = Talk(studio).begin().submit("warmer")
        call = self.planning_call(studio, turn)
        assert call.work is not None
        assert call.work.chat is not None
        planning = studio.app.planning
        part = planning.part(turn, "repair", call.work.chat, like=call, limit=None)
        (model,) = studio.app.chat_models.choose(QWEN, sees=True, choice=Choice(studio.direct["groq"])).models
        shape = planner_estimate.shape(call.work.chat, call.work.inputs[0])
        assert part.cost.reserved == chat_pricing.reserve([model], shape)

    def test_of_each_model_at_what_it_is_paid_by(self, studio: Studio) -> None:
        models = studio.app.chat_models.choose(QWEN, (LLAMA, OSS), choice=Choice(studio.direct["groq"])).models
        by_model = {each.id: Rates(tokens=each.prices) for each in models[:2]}
        listed = studio.app.chat_models.choose(QWEN, (LLAMA, OSS)).models
        assert [each.prices for each in paid_by(listed, by_model)] == [
            *(each.prices for each in models[:2]),
            TokenPrices(),
        ]
        assert paid_by(listed, None) == listed

    def planning_call(self, studio: Studio, turn: Job) -> Job:
        every = (turn, *(job for job in studio.of("alice").values() if job.parent_id == turn.id))
        return next(job for job in every if job.work is not None and job.work.chat is not None)


@pytest.mark.parametrize("wrong", [None, "thinking"])
def test_words_and_thinking_beside_a_picture_cost_what_words_do(
    studio: Studio, running: dict[str, Direct], wrong: str | None
) -> None:
    gemini = running["gemini"]
    connect(studio, gemini)
    if wrong:
        gemini.go_wrong(wrong)
    request = ImageRequest.model_validate({"prompt": "a fox", "model": PAINTER})
    job = studio.app.generate.submit(Caller(user="alice"), request, TERMS).job
    studio.carry_out()
    job = studio.job("alice", job.id)
    assert (job.status, job.provider) == (JobStatus.SUCCEEDED, "gemini"), job.error
    assert job.cost.actual == gemini.invoice() > 0
    assert job.cost.actual <= job.cost.reserved


@pytest.mark.parametrize("is_known", [True, False])
def test_where_a_model_that_may_stand_in_has_no_price_it_is_not_known_what_the_picture_may_cost(
    studio: Studio, is_known: bool
) -> None:
    class Lists(Source):
        def image_endpoints(self, model: str) -> Any:
            return super().image_endpoints(model) if is_known or model == PAINTER else ()

    studio.published = Lists(studio.openrouter)
    request = ImageRequest.model_validate({"prompt": "a fox", "model": PAINTER, "fallback_models": [LARGE_PAINTER]})
    quote = studio.app.quotes.quote(request, choice=Choice(studio.direct["gemini"]))
    assert (quote.estimate is not None) is is_known
    assert quote.rates["gemini"].keys() == ({PAINTER, LARGE_PAINTER} if is_known else {PAINTER})
    assert all(rates.lines and rates.tokens for rates in quote.rates["gemini"].values())


@pytest.mark.parametrize("lacking", [PAINTER, LARGE_PAINTER])
def test_a_model_is_not_paid_by_what_another_takes_for_a_thing_that_only_that_one_lists(
    studio: Studio, lacking: str
) -> None:
    """Of two that may serve, one lists a price for pictures that are shown, and the other for pictures made alone."""

    class Lists(Source):
        def image_endpoints(self, model: str) -> Any:
            return [self.listed(each, model) for each in super().image_endpoints(model)]

        def listed(self, each: ImageEndpoint, model: str) -> ImageEndpoint:
            prices = tuple(line for line in each.prices if model != lacking or line.billable == "output_image")
            return each.model_copy(update={"prices": prices})

    studio.published = Lists(studio.openrouter)
    choice = Choice(studio.direct["gemini"])

    def rates(model: str, *fallbacks: str) -> Mapping[str, Rates]:
        fields = {"prompt": "a fox", "model": model, "fallback_models": fallbacks}
        return studio.app.quotes.quote(ImageRequest.model_validate(fields), choice=choice).rates["gemini"]

    together = rates(PAINTER, LARGE_PAINTER)
    assert together == {**rates(PAINTER), **rates(LARGE_PAINTER)}
    assert {line.billable for line in together[lacking].lines} == {"output_image"}
    shown = Counts(all_in=Decimal(1000), all_out=Decimal(0), images_in=Decimal(1000), images_out=Decimal(0))
    costs = [picture_cost(each, shown, made=1, shown=1) for each in together.values()]
    assert costs == [300, 2000]


def test_that_nothing_is_to_be_kept_is_told_to_whoever_is_called(studio: Studio) -> None:
    studio.connect("alice")
    job = submit(studio, asked(zdr=True)).job
    assert job.work is not None
    assert job.work.completion is not None
    assert job.work.completion.zdr
    # Whoever cannot promise it is not to go by the body alone.
    work = PaidWork(completion=job.work.completion.model_copy(update={"text": "{}"}))
    watch = Watch(lambda _: None, lambda _: None, lambda _: None, calls.unheard)
    with pytest.raises(InvalidParameter) as refused:
        calls.prepare(work, studio.direct["gemini"], studio.images)("key", Deadline(5), watch)
    assert refused.value.param == "zdr"
