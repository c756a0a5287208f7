"""Packages of which a part is loaded.

Powertools' `__init__` modules import everything there is: AppSync, Bedrock and asyncio with the resolver of HTTP APIs,
the events of thirty services with the one of API Gateway, metrics and tracing with the logger. That is more than half
of what loading its resolver takes at a cold start. Here such a package is put in place without running its `__init__`.
A name of it that is listed is taken from its module; for any other name `__init__` is run after
all, so nothing is missing.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any, Final

# Package -> name -> the module of the package that has it; parents first. What Powertools' own modules take from their
# package has to be here, for its `__init__` cannot run while one of them is half loaded.
POWERTOOLS: Final[Mapping[str, Mapping[str, str]]] = {
    "aws_lambda_powertools": {"Logger": "logging.logger"},
    "aws_lambda_powertools.event_handler": dict.fromkeys(
        (
            "ALBResolver",
            "APIGatewayHttpResolver",
            "APIGatewayRestResolver",
            "ApiGatewayResolver",
            "CORSConfig",
            "Response",
        ),
        "api_gateway",
    ),
    "aws_lambda_powertools.event_handler.openapi": {},
    "aws_lambda_powertools.utilities.data_classes": {
        "ALBEvent": "alb_event",
        "APIGatewayProxyEvent": "api_gateway_proxy_event",
        "APIGatewayProxyEventV2": "api_gateway_proxy_event",
        "AppSyncResolverEvent": "appsync_resolver_event",
        "BedrockAgentEvent": "bedrock_agent_event",
        "BedrockAgentFunctionEvent": "bedrock_agent_function_event",
        "DynamoDBStreamEvent": "dynamo_db_stream_event",
        "LambdaFunctionUrlEvent": "lambda_function_url_event",
        "S3Event": "s3_event",
        "SQSEvent": "sqs_event",
        "SQSRecord": "sqs_event",
        "VPCLatticeEvent": "vpc_lattice",
        "VPCLatticeEventV2": "vpc_lattice",
        "event_source": "event_source",
    },
}


def defer(packages: Mapping[str, Mapping[str, str]]) -> None:
    """Puts the packages in place, those that are installed and that nothing has loaded yet.

    Args:
        packages: as `POWERTOOLS`.
    """
    for package, names in packages.items():
        # The image fetches its models' weights by this package alone, before anything is installed.
        if package not in sys.modules and find_spec(package.partition(".")[0]):
            _put(package, names)


def _put(package: str, names: Mapping[str, str]) -> None:
    parent, _, name = package.rpartition(".")
    above = import_module(parent) if parent else None
    spec = PathFinder.find_spec(package, above.__path__ if above else None)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    module = module_from_spec(spec)
    loader = spec.loader

    def load(wanted: str) -> Any:
        if wanted in names:
            return getattr(import_module(f"{package}.{names[wanted]}"), wanted)
        # An import statement asks for a submodule by its name before it imports it.
        if wanted.startswith("__") or find_spec(f"{package}.{wanted}"):
            raise AttributeError(f"module {package!r} has no attribute {wanted!r}")
        return _loaded(module, loader, wanted)

    module.__dict__["__getattr__"] = load
    sys.modules[package] = module
    if above:
        setattr(above, name, module)


def _loaded(module: ModuleType, loader: Any, wanted: str) -> Any:
    """A name of the package after its `__init__` has run."""
    module.__dict__.pop("__getattr__", None)
    loader.exec_module(module)
    return getattr(module, wanted)
