"""One paid call: money set aside before the work, and charged, or not, when it is known how the call ended."""

import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from local.simulator import errors
from local.simulator.catalogue import Model
from local.simulator.costs import Bill
from local.simulator.errors import Refusal
from local.simulator.exchange import Exchange
from local.simulator.money import ZERO
from local.simulator.state import Charge, Key, NotEnough


@dataclass
class Purchase:
    """What one call buys.

    Args:
        bill: what it costs if it ends well.
        api_type: "image" or "completions", as `/generation` says it.
    """

    exchange: Exchange
    key: Key
    model: Model
    bill: Bill
    api_type: str
    streamed: bool = False
    pictures: int = 0
    references: int = 0
    reserved: Decimal = ZERO
    is_byok: bool = False
    began: float = field(default_factory=time.monotonic)

    def reserve(self) -> None:
        """Sets the money aside.

        Raises:
            NotEnough
        """
        self.exchange.state.reserve(self.key, self.bill.cost)
        self.reserved = self.bill.cost

    def settle(self) -> None:
        """The call ended well: it is charged, and can be looked up."""
        self._end(self.bill.cost, cancelled=False)

    def abandon(self) -> None:
        """Nobody waited for the end, or there was none: it costs nothing."""
        self._end(ZERO, cancelled=True)

    def fail(self) -> None:
        """The work itself failed: it costs nothing, and there is nothing to look up."""
        self.exchange.state.release(self.key, self.reserved)
        self.reserved = ZERO

    def _end(self, cost: Decimal, *, cancelled: bool) -> None:
        state = self.exchange.state
        charge = Charge(self.exchange.generation_id, self.key.hash, self.model.id, cost, state.clock())
        state.settle(self.key, self.reserved, charge)
        self.reserved = ZERO
        state.remember(self.exchange.generation_id, self._record(cost, cancelled=cancelled))

    def _record(self, cost: Decimal, *, cancelled: bool) -> dict[str, Any]:
        """What `/generation` says about it."""
        took = round((time.monotonic() - self.began) * 1000)
        headers = self.exchange.headers
        reason = None if cancelled else "complete" if self.api_type == "image" else "stop"
        unknown = dict.fromkeys(_UNKNOWN)
        return {
            **unknown,
            "id": self.exchange.generation_id,
            "api_type": self.api_type,
            "model": self.model.id,
            "provider_name": self.model.provider,
            "created_at": self.exchange.state.clock().isoformat().replace("+00:00", "Z"),
            "streamed": self.streamed,
            "cancelled": cancelled,
            "latency": took,
            "generation_time": took,
            "tokens_prompt": int(self.bill.prompt_tokens),
            "tokens_completion": 0 if cancelled else int(self.bill.completion_tokens),
            "native_tokens_prompt": int(self.bill.prompt_tokens),
            "native_tokens_completion": 0 if cancelled else int(self.bill.completion_tokens),
            "native_tokens_completion_images": 0 if cancelled else int(self.bill.image_tokens),
            "native_tokens_reasoning": 0,
            "native_tokens_cached": 0,
            "num_media_prompt": self.references,
            "num_media_completion": 0 if cancelled else self.pictures,
            "finish_reason": reason,
            "native_finish_reason": reason,
            "usage": cost,
            "total_cost": cost,
            "upstream_inference_cost": 0,
            "is_byok": self.is_byok,
            "origin": headers.get("http-referer", ""),
            "http_referer": headers.get("http-referer"),
            "user_agent": headers.get("user-agent"),
            "session_id": headers.get("x-session-id"),
            "data_region": "global",
            "provider_responses": [],
            "workspace_id": WORKSPACE,
            "key_hash": self.key.hash,
        }


WORKSPACE = "00000000-0000-4000-8000-000000000001"
_UNKNOWN = (
    *("upstream_id", "moderation_latency", "num_input_audio_prompt", "num_search_results", "num_fetches"),
    *("web_search_engine", "cache_discount", "app_id", "external_user", "service_tier", "router", "request_id"),
    *("preset_id", "response_cache_source_id"),
)


def refusal_for(lack: NotEnough, *, wanted_tokens: int = 0, token_price: Decimal = ZERO) -> Refusal:
    """How a lack of money is said.

    Args:
        wanted_tokens: how many the answer may have; with them, fewer tokens are the way out.
        token_price: of one of them.
    """
    if lack.kind == "in_flight":
        return errors.in_flight()
    if wanted_tokens and token_price and lack.remaining > 0:
        return errors.reservation(wanted_tokens, int(lack.remaining / token_price))
    return errors.key_limit() if lack.kind == "key" else errors.out_of_credit()
