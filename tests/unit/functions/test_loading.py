"""A function loads what its routes need and not what only others do. See benchmarks/cold_start.py for what it takes."""

from typing import Final

import pytest

from tests.unit.functions.loading import MAX_MODULES, loaded

# Loaded by none before its first event: what boto3 has beside botocore, parts of Powertools for other services, what
# opens secrets, and what the image alone has.
NEVER: Final = frozenset(
    {
        *("boto3", "s3transfer", "multiprocessing", "cryptography", "numpy", "onnxruntime", "rembg"),
        *("aws_lambda_powertools.event_handler.appsync", "aws_lambda_powertools.event_handler.bedrock_agent"),
        *("aws_lambda_powertools.tracing", "aws_lambda_powertools.metrics"),
        *(
            "aws_lambda_powertools.utilities.data_classes.ses_event",
            "aws_lambda_powertools.event_handler.openapi.merge",
        ),
    }
)
# Needed by some alone: which those are.
SOME: Final = {
    "asyncio": {"Worker"},
    "PIL": {"Account", "Chat", "Edit", "Generate", "Jobs", "Models", "OAuth", "Worker"},
}


@pytest.fixture(scope="module")
def found() -> dict[str, frozenset[str]]:
    return {name: loaded(name) for name in MAX_MODULES}


def test_none_loads_what_no_function_needs_to_begin_with(found: dict[str, frozenset[str]]) -> None:
    assert not {name: sorted(modules & NEVER) for name, modules in found.items() if modules & NEVER}


@pytest.mark.parametrize("module", SOME)
def test_what_some_need_is_loaded_by_those_alone(found: dict[str, frozenset[str]], module: str) -> None:
    assert {name for name, modules in found.items() if module in modules} <= SOME[module]


def test_each_loads_as_many_of_our_own_modules_as_it_may(found: dict[str, frozenset[str]]) -> None:
    own = {name: sum(module.startswith("darkroom") for module in modules) for name, modules in found.items()}
    assert not {name: count for name, count in own.items() if count > MAX_MODULES[name]}
