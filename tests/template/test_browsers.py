"""What pages in a browser may send to the API and read of its answers: the template's CORS."""

from local.template import Template
from tests.conftest import ROOT

TEMPLATE = Template.load(ROOT / "template.yaml", api_url="http://127.0.0.1:8000")
# What the openai, OpenRouter and Stainless-made SDKs, and pages that use them, send from a browser.
SENT_BY_SDKS = (
    *("accept", "authorization", "content-type", "user-agent", "x-api-key", "x-requested-with"),
    *("openai-organization", "openai-project", "openai-beta", "x-client-request-id"),
    *(f"x-stainless-{each}" for each in ("arch", "lang", "os", "package-version", "runtime", "runtime-version")),
    *(f"x-stainless-{each}" for each in ("retry-count", "timeout", "read-timeout", "async", "helper-method")),
    *("x-stainless-poll-helper", "x-stainless-custom-poll-interval"),
    *("idempotency-key", "prefer", "cancel-after", "http-referer", "x-title", "x-openrouter-title"),
)
READ_BY_SDKS = ("x-request-id", "location", "x-cost-usd", "retry-after", "x-should-retry", "x-warnings", "allow")


class TestBrowsers:
    def test_may_send_what_an_sdk_sends(self) -> None:
        assert TEMPLATE.cors is not None
        assert set(SENT_BY_SDKS) <= set(TEMPLATE.cors.headers)
        # `*` would not cover `authorization`, and beside it nothing else where credentials are allowed.
        assert "*" not in TEMPLATE.cors.headers
        assert not TEMPLATE.cors.credentials
        assert len(set(TEMPLATE.cors.headers)) == len(TEMPLATE.cors.headers)

    def test_may_read_what_an_sdk_reads(self) -> None:
        assert TEMPLATE.cors is not None
        assert set(READ_BY_SDKS) <= set(TEMPLATE.cors.expose)

    def test_may_use_every_method_that_a_route_has(self) -> None:
        assert TEMPLATE.cors is not None
        methods = {route.method for route in TEMPLATE.routes} - {"$default"}
        assert set(TEMPLATE.cors.methods) == methods
