"""The cost model: an idle month stays cheap, and what the documents quote is what it computes."""

import re
from dataclasses import replace

import pytest

from local import costs
from tests.conftest import ROOT

TEMPLATE = costs.load()
IDLE = costs.idle(TEMPLATE)


def test_an_idle_month_costs_at_most_a_dollar_thirty() -> None:
    assert 1.0 < costs.total(IDLE) <= 1.30


def test_what_costs_while_idle_is_read_from_the_template() -> None:
    rotating = costs.idle(costs.load({"VaultKeyRotation": "true"}))
    assert costs.total(rotating) == pytest.approx(costs.total(IDLE) + 2.0)
    polled = costs.load()
    polled.queue_sources.append(polled.queue_sources[0])
    # 648,000 in 30 days of 24 hours, as the pollers of one queue make them; here by the month of 730 hours.
    assert costs.total(costs.idle(polled)) - costs.total(IDLE) == pytest.approx(5 * 180 * 730 * 0.4e-6)


def test_alarms_are_counted_by_their_metrics() -> None:
    (line,) = [line for line in IDLE if "alarm metrics" in line.what]
    assert (line.what, line.dollars) == ("4 alarm metrics", 0.0)


# Dollars, with a provider that takes 8 seconds for a picture and 4 for a plan.
MOST = {
    "image": 0.20,
    "edit": 0.22,
    "chat turn": 0.12,
    "painted chat turn": 0.25,
    "cut-out": 0.12,
    "plain chat": 0.10,
    "image at `ClientUrl`": 0.19,
    "edit at `ClientUrl`": 0.20,
    "plain chat at `ClientUrl`": 0.14,
}


@pytest.mark.parametrize("name", costs.JOURNEYS)
def test_a_thousand_of_a_kind_of_work_cost_at_most(name: str) -> None:
    assert 0.5 * MOST[name] < costs.total(costs.per_thousand(TEMPLATE, name)) <= MOST[name]


def _line(name: str, what: str) -> float:
    (found,) = [line.dollars for line in costs.per_thousand(TEMPLATE, name) if line.what == what]
    return found


def test_a_streamed_answer_costs_what_is_above_six_megabytes_of_it() -> None:
    assert [costs.streamed(megabytes) for megabytes in (0.0, 2.0, 6.0)] == [0.0, 0.0, 0.0]
    # $0.008 for a GB, us-east-1, of November 2026.
    assert costs.streamed(1006.0) == pytest.approx(0.008)
    assert _line("image", "streamed bytes") == _line("image at `ClientUrl`", "streamed bytes") == 0.0


def test_at_client_url_one_function_waits_and_api_gateway_is_not_paid() -> None:
    requests = "Lambda's and API Gateway's requests"
    assert _line("image", requests) == pytest.approx(1000 * (2 * 0.2e-6 + 1e-6))
    assert _line("image at `ClientUrl`", requests) == pytest.approx(1000 * 0.2e-6)
    # 8 seconds and 15 calls, and the time it works, of the memory that the template gives it.
    seconds = costs.JOURNEYS["image at `ClientUrl`"].runs["LiveFunction"].seconds(1024)
    assert TEMPLATE.functions["LiveFunction"].memory == 1024
    assert _line("image at `ClientUrl`", "memory") == pytest.approx(1000 * seconds * 0.0000166667)
    assert 8.0 < seconds < 9.0


def test_memory_that_waits_is_what_costs() -> None:
    template = costs.load()
    template.functions["WorkerFunction"] = replace(template.functions["WorkerFunction"], memory=1769)
    dearer = costs.total(costs.per_thousand(template, "image"))
    assert dearer > costs.total(costs.per_thousand(TEMPLATE, "image")) + 0.15


def test_less_memory_is_less_processor() -> None:
    run = costs.Run(waits=2.0, works=1.0)
    assert run.seconds(1769) == run.seconds(3008) == 3.0
    assert run.seconds(884) == pytest.approx(4.0, abs=0.01)


def test_the_document_has_the_models_own_tables() -> None:
    assert "\n".join(costs.tables(TEMPLATE)) in (ROOT / "docs" / "cost.md").read_text()


def test_the_document_says_what_an_answer_of_four_large_pictures_costs() -> None:
    (megabytes, dollars), *more = re.findall(
        r"a thousand answers of (\d+) MB are \$(\d\.\d\d)", (ROOT / "docs" / "cost.md").read_text()
    )
    assert (more, dollars) == ([], f"{1000 * costs.streamed(float(megabytes)):.2f}")


@pytest.mark.parametrize("path", ["README.md", "docs/deploy.md"])
def test_other_documents_quote_its_totals(path: str) -> None:
    text = (ROOT / path).read_text()
    assert re.findall(r"idle month costs about \$(\d\.\d\d)", text) == [f"{costs.total(IDLE):.2f}"]


def test_the_prices_have_a_date_and_their_sources() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", costs.PRICES["date"])
    assert (ROOT / "local" / "prices.toml").read_text().count("https://aws.amazon.com/") >= 8
