"""The simulators, started again on the journal that they had."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import providers
from local.journal import Journal, JournalError
from local.simulator.oauth import challenge_for
from local.simulator.server import Simulator

VERIFIER = "v" * 64


@contextmanager
def running(path: Path, key: str | None = None) -> Iterator[Simulator]:
    with closing(Journal(path)) as journal, Simulator(key=key, journal=journal, detail=16) as simulator:
        yield simulator


def _call(simulator: Simulator, method: str, path: str, key: str | None = None, **body: Any) -> Any:
    headers = {"authorization": f"Bearer {key or simulator.key}"}
    url = f"{simulator.api}{path}"
    answer = httpx.request(method, url, headers=headers, json=body or None, trust_env=False, timeout=30)
    return answer.raise_for_status().json()


def _paint(simulator: Simulator, key: str | None = None) -> None:
    _call(simulator, "POST", "/images", key, model="black-forest-labs/flux.2-klein-4b", prompt="A flat red circle")


def test_keys_charges_generations_and_codes_are_there_again(tmp_path: Path) -> None:
    with running(tmp_path / "a") as before:
        limited = before.state.mint("Theirs", limit=Decimal("0.02"), limit_reset="daily")
        _paint(before)
        _paint(before, limited)
        location = before.consent(
            f"{before.auth}?callback_url=http://127.0.0.1:1/back&code_challenge={challenge_for(VERIFIER)}"
            "&code_challenge_method=S256"
        )
        code = httpx.URL(location).params["code"]
        invoice = before.state.invoice()
        asked = f"/generation?id={invoice[0]['generation_id']}"
        generation, usage = _call(before, "GET", asked), _call(before, "GET", "/key", limited)
    assert len(invoice) == 2
    with running(tmp_path / "a", before.key) as after:
        assert after.key == before.key
        assert after.state.invoice() == invoice
        assert _call(after, "GET", asked) == generation
        assert _call(after, "GET", "/key", limited) == usage
        # What was left of the limit is less than a picture costs.
        with pytest.raises(httpx.HTTPStatusError, match=r"40[23]"):
            _paint(after, limited)
        exchanged = _call(after, "POST", "/auth/keys", code=code, code_verifier=VERIFIER)["key"]
        _paint(after, exchanged)
    with running(tmp_path / "a", before.key) as again:
        assert len(again.state.invoice()) == 3
        assert again.state.redeem(code) is None
        again.reset()
    with running(tmp_path / "a", before.key) as empty:
        assert (empty.state.invoice(), empty.state.generations) == ([], {})
        assert empty.state.key(exchanged) is not None


def test_what_calls_in_progress_had_set_aside_ends_with_them(tmp_path: Path) -> None:
    with running(tmp_path / "a") as before:
        secret = before.state.mint("Theirs", limit=Decimal("0.02"))
        key = before.state.key(secret)
        assert key is not None
        before.state.reserve(key, Decimal("0.02"))
        before.state.mint("Another")
    with running(tmp_path / "a", before.key) as after:
        found = after.state.key(secret)
        assert found is not None
        assert (found.reserved, after.state.affordable(found)) == (Decimal(0), Decimal("0.02"))


@pytest.mark.parametrize("name", [name for name in providers.names() if name != "openrouter"])
def test_another_provider_s_invoice_is_there_again(tmp_path: Path, name: str) -> None:
    with closing(Journal(tmp_path / "a")) as journal:
        before: Any = providers.load(name)()
        before.keep(journal)
        for usd in ("0.04", "0.0000001"):
            before.charge("a model", Decimal(usd))
    with closing(Journal(tmp_path / "a")) as journal:
        after: Any = providers.load(name)(key=before.key)
        after.keep(journal)
        assert (after.key, after.charges, after.invoice()) == (before.key, before.charges, 40_001)
        with after:
            told = httpx.get(f"{after.url}/_simulator/invoice", trust_env=False).json()
        assert [charge["micro_usd"] for charge in told] == [40_000, 1]
        after.reset()
        after.charge("a model", Decimal("0.01"))
    with closing(Journal(tmp_path / "a")) as journal:
        last: Any = providers.load(name)(key=before.key)
        last.keep(journal)
        assert last.invoice() == 10_000


def test_credits_are_what_was_bought_less_what_was_charged(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "a")) as journal:
        simulator: Any = providers.load("removebg")()
        simulator.keep(journal)
        simulator.charge("full", Decimal(1) * simulator.rates("removebg").credit)
        assert simulator.credits == 99


def test_damaged_books_are_told(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "a")) as journal:
        journal.write({("openrouter.charge", "1"): json.dumps({}).encode()})
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(content.replace(b"1{}", b"1[]"))
    with pytest.raises(JournalError, match=r"openrouter\.charge 1 is not what was written"), running(tmp_path / "a"):
        pass
