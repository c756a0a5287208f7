"""What has to be so in template.yaml for the live door to stream, and to serve what the API serves."""

from typing import Any

from darkroom.http.route_table import LIVE_ROUTES
from local.template import Template
from tests.conftest import ROOT

TEMPLATE = Template.load(ROOT / "template.yaml", api_url="http://127.0.0.1:8000")
# Nothing is created here, so that a resource's name has to do for its id.
TEMPLATE.scope.ids.update({logical_id: TEMPLATE.scope.name(logical_id) for logical_id in TEMPLATE.creation_order()})
FUNCTION: dict[str, Any] = dict(TEMPLATE.resource("LiveFunction").properties)
FUNCTIONS = TEMPLATE.functions


def test_it_is_streamed_by_the_adapter() -> None:
    assert FUNCTIONS["LiveFunction"].has_url
    assert FUNCTION["FunctionUrlConfig"]["InvokeMode"] == "RESPONSE_STREAM"
    variables = FUNCTIONS["LiveFunction"].environment
    assert variables["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
    assert variables["AWS_LWA_INVOKE_MODE"] == "response_stream"
    assert FUNCTION["Layers"][1] == ("arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerX86:25")
    start = ROOT / "functions" / "live" / FUNCTIONS["LiveFunction"].handler
    assert start.stat().st_mode & 0o111


def test_browsers_may_send_and_read_what_they_may_at_the_api() -> None:
    api = TEMPLATE.resource("Api").properties
    of_api, of_url = api["CorsConfiguration"], FUNCTION["FunctionUrlConfig"]["Cors"]
    for name in ("AllowOrigins", "AllowHeaders", "ExposeHeaders", "MaxAge"):
        assert of_url[name] == of_api[name], name
    assert set(of_url["AllowMethods"]) == {route.split(" ")[0] for route in LIVE_ROUTES}


def test_each_route_is_one_of_the_api() -> None:
    assert set(LIVE_ROUTES) <= {route.key for route in TEMPLATE.routes}
