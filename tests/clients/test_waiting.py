"""Slower than API Gateway waits for: each is had, and paid for once. They begin before the other clients."""

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from tests.clients.slow import CALLS


@pytest.mark.parametrize("name", CALLS)
def test_who_waits_long_gets_the_answer_and_pays_once(slow_answers: Mapping[str, Future[None]], name: str) -> None:
    slow_answers[name].result()
