"""What pages in a browser may send to the API and read of its answers: the template's CORS."""

import re

import pytest

from local.aws import REGION
from local.template import Template
from tests.conftest import ROOT

CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/one"
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


def _allows(origins: list[str], origin: str) -> bool:
    """Whether S3 takes the origin: each that it is told may have one `*` in it."""
    return any(re.fullmatch(re.escape(each).replace(r"\*", ".*"), origin) for each in origins)


def _origins(template: Template, bucket: str) -> list[str]:
    (rule,) = template.resource(bucket).properties["CorsConfiguration"]["CorsRules"]
    found: list[str] = rule["AllowedOrigins"]
    return found


def _with(**parameters: str) -> Template:
    template = Template.load(ROOT / "template.yaml", api_url="https://a.invalid", parameters=parameters)
    template.scope.ids.update({name: template.scope.name(name) for name in template.creation_order()})
    return template


class TestBuckets:
    @pytest.mark.parametrize("bucket", ["UploadsBucket", "OutputsBucket"])
    def test_let_the_pages_of_the_site_itself_in(self, bucket: str) -> None:
        """The API's URL cannot be referred to: the API is made after its functions, and they after the buckets."""
        origins = _origins(_with(), bucket)
        assert _allows(origins, f"https://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com")
        assert all(each.count("*") <= 1 for each in origins)
        for other in ("https://example.com", f"http://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com"):
            assert not _allows(origins, other)
        assert not _allows(origins, f"https://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com.example.com")

    @pytest.mark.parametrize("bucket", ["UploadsBucket", "OutputsBucket"])
    def test_let_a_site_of_ones_own_in_under_its_own_name(self, bucket: str) -> None:
        origins = _origins(_with(DomainName="pictures.example.com", HostedZoneId="Z1"), bucket)
        assert _allows(origins, "https://pictures.example.com")


class TestDomain:
    def test_there_is_none_unless_it_is_named(self) -> None:
        template = _with()
        assert not [name for name in template.creation_order() if name.startswith(("Domain", "Certificate"))]
        assert {each.environment["DARKROOM_PUBLIC_URL"] for each in template.functions.values()} == {""}

    @pytest.mark.parametrize(
        ("given", "made"),
        [
            ({"HostedZoneId": "Z1"}, {"Domain", "DomainMapping", "DomainRecord", "Certificate"}),
            ({"HostedZoneId": "Z1", "CertificateArn": CERTIFICATE}, {"Domain", "DomainMapping", "DomainRecord"}),
            ({"CertificateArn": CERTIFICATE}, {"Domain", "DomainMapping"}),
        ],
    )
    def test_is_made_with_what_it_needs(self, given: dict[str, str], made: set[str]) -> None:
        template = _with(DomainName="pictures.example.com", **given)
        names = [name for name in template.creation_order() if name.startswith(("Domain", "Certificate"))]
        assert set(names) == made
        assert {each.environment["DARKROOM_PUBLIC_URL"] for each in template.functions.values()} == {
            "https://pictures.example.com"
        }
