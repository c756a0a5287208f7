"""People who use the running stack: each with a token, mostly with a key of their own, and an invoice of their own."""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
from PIL import Image
from ulid import ULID

from darkroom.adapters.clock import utc_now
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.key_vault import KmsKeyVault
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.models.key import StoredKey
from darkroom.services.accounts.tokens import Tokens
from local.simulator.state import hash_of
from local.stack import Stack
from tests.openapi import CHECKED

KLEIN = "black-forest-labs/flux.2-klein-4b"
STREAMING = "openai/gpt-image-1-mini"
UNPRICED = "meta/muse-image"
GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"
ASYNC = {"prefer": "respond-async"}
# What a busy machine with two cores may take; nothing is measured by it.
PATIENCE = 90.0


@dataclass(frozen=True)
class User:
    """One of them, and the way to the gateway."""

    stack: Stack
    name: str
    token: str = field(repr=False)
    key: str | None = field(repr=False)

    def with_token(self, token: str) -> "User":
        return User(self.stack, self.name, token, self.key)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.request("POST", path, json=body, **more)

    def request(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        with plain_client(self.stack.url, timeout=PATIENCE) as client:
            client.event_hooks = CHECKED
            return client.request(method, path, headers=sent, **more)

    def generate(self, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        return self.post(GENERATIONS, {"prompt": "A red fox", "model": KLEIN, **fields}, headers=headers)

    def order(self, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
        """A job that nobody waits for."""
        answer = self.generate({**ASYNC, **(headers or {})}, **fields)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def until(self, job_id: str, *statuses: str) -> dict[str, Any]:
        """The job as soon as it has one of the statuses; without any, when it is over."""
        wanted = statuses or ("succeeded", "failed", "canceled", "uncertain")
        found: dict[str, Any] = eventually(lambda: self.job(job_id), lambda job: job["status"] in wanted)
        return found

    def charges(self) -> list[int]:
        """What their key was charged, in micro-dollars, by the simulator's invoice."""
        return [row["micro_usd"] for row in self._seen("invoice") if self.key and row["key_hash"] == hash_of(self.key)]

    def paid_requests(self) -> list[dict[str, Any]]:
        rows = [row for row in self._seen("requests") if row["method"] == "POST"]
        return [row for row in rows if self.key and row["key_hash"] == hash_of(self.key)]

    def scenario(self, name: str, **options: Any) -> None:
        """Has something go wrong for this user's key alone."""
        assert self.key is not None
        with _simulator(self.stack) as simulator:
            body = {"name": name, "key": hash_of(self.key), **options}
            simulator.post("/_simulator/scenario", json=body).raise_for_status()

    def release(self) -> None:
        """Lets go what the scenario `held` holds back of theirs."""
        assert self.key is not None
        with _simulator(self.stack) as simulator:
            simulator.post("/_simulator/release", json={"key": hash_of(self.key)}).raise_for_status()

    def budget(self, name: str = "day") -> dict[str, Any]:
        usage = self.get("/v1/usage").json()
        (found,) = [row for row in usage["budgets"] if row["name"] == name]
        return dict(found)

    def receipts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/v1/usage/receipts", params={"limit": 100}).json()["data"]
        return found

    def _seen(self, what: str) -> list[dict[str, Any]]:
        with _simulator(self.stack) as simulator:
            rows: list[dict[str, Any]] = simulator.get(f"/_simulator/{what}").json()
            return rows


@dataclass(frozen=True)
class People:
    """Makes users of a stack, through its adapters."""

    stack: Stack

    def new(self, name: str = "user", *, connected: bool = True, limit: float | None = None) -> User:
        """Somebody whom nobody else is: no test sees another's jobs, budgets or charges.

        Args:
            connected: whether they have a key of their own.
            limit: of that key, in dollars.
        """
        user = f"{name}-{str(ULID()).lower()}"
        key = self._connect(user, limit) if connected else None
        return User(self.stack, user, self.tokens.create(user=user)[1], key)

    def limited(self, user: User, *, day_limit: int | None = None, month_limit: int | None = None) -> User:
        """The same user, by a token with limits of its own, in micro-dollars."""
        return user.with_token(self.tokens.create(user=user.name, day_limit=day_limit, month_limit=month_limit)[1])

    @property
    def table(self) -> str:
        return str(self.stack.template.scope.ref("Table"))

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(DynamoTokenStore(self.table, self.stack.aws.dynamodb), utc_now)

    @cached_property
    def jobs(self) -> DynamoJobStore:
        return DynamoJobStore(self.table, self.stack.aws.dynamodb)

    @cached_property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(self.table, self.stack.aws.dynamodb, clock=utc_now)

    @cached_property
    def vault(self) -> KmsKeyVault:
        return KmsKeyVault(
            table=self.table,
            dynamodb=self.stack.aws.dynamodb,
            kms=self.stack.aws.kms,
            key_id=self.stack.template.scope.attribute("VaultKey", "Arn"),
            clock=utc_now,
        )

    def _connect(self, user: str, limit: float | None) -> str:
        with _simulator(self.stack) as simulator:
            secret = str(simulator.post("/_simulator/keys", json={"name": user, "limit": limit}).json()["key"])
        key = StoredKey(
            user=user, provider="openrouter", hint=secret[-4:], sha256=hash_of(secret), connected_at=utc_now()
        )
        self.vault.store(key, secret)
        return secret


@contextmanager
def _simulator(stack: Stack) -> Iterator[httpx.Client]:
    assert stack.openrouter.url is not None
    with plain_client(stack.openrouter.url, timeout=30) as client:
        yield client


def plain_client(url: str, timeout: float) -> httpx.Client:
    """For HTTP without TLS: reading all certificates takes longer than most requests do, and these are thousands."""
    return httpx.Client(base_url=url, timeout=timeout, trust_env=False, verify=False)


def eventually(ask: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = PATIENCE) -> Any:
    """What is asked for, as soon as it is what is wanted."""
    ends = time.monotonic() + seconds
    while not wanted(found := ask()):
        assert time.monotonic() < ends, f"still {found!r}"
        time.sleep(0.1)
    return found


def picture(colour: str = "teal", size: tuple[int, int] = (256, 256)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


def mask(size: tuple[int, int] = (256, 256)) -> bytes:
    """Lets the middle of a picture change."""
    data = io.BytesIO()
    image = Image.new("RGBA", size, (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4))
    image.save(data, "PNG")
    return data.getvalue()
