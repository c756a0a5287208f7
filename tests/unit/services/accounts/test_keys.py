import pytest

from darkroom.errors import InvalidApiKey
from darkroom.services.accounts.keys import CONNECT, Keys
from tests.conftest import SteppingClock
from tests.fakes.issuer import ScriptedOpenRouter
from tests.fakes.memory import MemoryKeyVault
from tests.log_lines import log_lines

OWN, STACKS = "sk-or-v1-own-0123456789", "sk-or-v1-stack-0123456789"


def _keys(clock: SteppingClock, operator: str | None = None) -> Keys:
    return Keys(
        MemoryKeyVault(),
        {"openrouter": ScriptedOpenRouter()},
        clock,
        operator_key=lambda _provider: operator,
        operated=frozenset(),
    )


def test_a_users_own_key_pays_before_the_stacks(clock: SteppingClock) -> None:
    keys = _keys(clock, operator=STACKS)
    assert keys.reveal("alice", "openrouter", own=False) == STACKS
    keys.connect("alice", "openrouter", OWN)
    assert keys.reveal("alice", "openrouter", own=False) == keys.reveal("alice", "openrouter", own=True) == OWN
    assert keys.reveal("bob", "openrouter", own=False) == STACKS
    keys.disconnect("alice", "openrouter")
    assert keys.reveal("alice", "openrouter", own=False) == STACKS


@pytest.mark.parametrize(("provider", "fix"), [("openrouter", CONNECT), ("groq", "PUT /v1/keys/groq")])
def test_the_stacks_key_never_pays_what_the_users_own_was_to(clock: SteppingClock, provider: str, fix: str) -> None:
    with pytest.raises(InvalidApiKey, match=f"The {provider} key that was to pay for this was disconnected") as refused:
        _keys(clock, operator=STACKS).reveal("alice", provider, own=True)
    problem = refused.value.problem()
    assert (problem["charged"], problem["retryable"], problem.get("connect")) == (
        False, False, "/oauth/connect" if provider == "openrouter" else None
    )  # fmt: skip
    assert fix in problem["fix"]
    assert problem["fix"].endswith("Then ask again.")
    assert STACKS not in str(problem)


def test_who_pays_alone_has_a_key_of_their_own_wherever_the_stack_has_one(clock: SteppingClock) -> None:
    stacks = frozenset({"openai", "openrouter"})
    known = dict.fromkeys(("groq", "openai", "openrouter"), ScriptedOpenRouter())
    keys = Keys(MemoryKeyVault(), known, clock, operator_key=lambda _provider: STACKS, operated=stacks)
    pays = [keys.pays_alone("alice")]
    for provider in ("groq", "openrouter", "openai"):
        keys.connect("alice", provider, OWN)
        pays.append(keys.pays_alone("alice"))
    assert pays == [False, False, False, True]
    assert not keys.pays_alone("bob")
    assert _keys(clock).pays_alone("bob")


@pytest.mark.parametrize("operator", [None, ""])
def test_without_any_key_the_way_to_one_is_told(clock: SteppingClock, operator: str | None) -> None:
    with log_lines() as lines, pytest.raises(InvalidApiKey) as refused:
        _keys(clock, operator).reveal("alice", "openrouter", own=False)
    problem = refused.value.problem()
    assert (problem["status"], problem["code"], problem["charged"]) == (401, "INVALID_API_KEY", False)
    assert (problem["fix"], problem["connect"]) == (CONNECT, "/oauth/connect")
    said = "OPENROUTER_API_KEY environment variable is not set, and the caller has connected no key"
    assert [(line["level"], line["message"]) for line in lines] == [("WARNING", said)]
