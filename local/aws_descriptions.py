"""Writes what Darkroom's clients read of botocore's descriptions of AWS services: `python -m local.aws_descriptions`.

botocore reads a service's whole description, and the endpoints of all services, each time a process makes a client: two
megabytes of JSON, which takes longer than all else that a cold start does. Darkroom calls some twenty operations. What
they need is written to `layers/shared/darkroom/adapters/aws_descriptions`, in botocore's own layout, from the botocore
that is installed. A test refuses other files than this writes. `local/lock.sh` runs it.
"""

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore import xform_name
from botocore.loaders import Loader

from local import state

PACKAGE: Final = state.ROOT / "layers" / "shared" / "darkroom"
FOLDER: Final = PACKAGE / "adapters" / "aws_descriptions"
SERVICES: Final = ("dynamodb", "kms", "s3", "secretsmanager", "sqs")
_WORDS: Final = frozenset({"documentation", "documentationUrl", "examples"})
# What botocore's own methods look up that are named after no operation.
_LOOKED_UP: Final = {"generate_presigned_post": "create_bucket"}


def descriptions() -> dict[str, str]:
    """Each file's text by its path below `FOLDER`."""
    loader, called, found = Loader(), _names_in_code(), {}
    for service in SERVICES:
        folder = f"{service}/{loader.determine_latest_version(service, 'service-2')}"
        model = _of_operations(loader.load_service_model(service, "service-2"), called)
        pages = loader.load_service_model(service, "paginators-1")["pagination"]
        found[f"{folder}/service-2"] = model
        found[f"{folder}/endpoint-rule-set-1"] = loader.load_service_model(service, "endpoint-rule-set-1")
        found[f"{folder}/paginators-1"] = {
            "pagination": {name: page for name, page in pages.items() if name in model["operations"]}
        }
    endpoints = loader.load_data("endpoints")
    parts = [{**part, "services": _only(part["services"], SERVICES)} for part in endpoints["partitions"]]
    found["endpoints"] = {**endpoints, "partitions": parts}
    for name in ("partitions", "sdk-default-configuration"):
        found[name] = loader.load_data(name)
    return {f"{path}.json": json.dumps(data, separators=(",", ":")) + "\n" for path, data in found.items()}


def _names_in_code() -> frozenset[str]:
    """Every attribute and every text in Darkroom: operations are called by the one, and paginated by the other."""
    nodes = [node for path in PACKAGE.rglob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    found = attributes | texts
    return frozenset(found | {operation for method, operation in _LOOKED_UP.items() if method in found})


def _of_operations(model: Mapping[str, Any], called: frozenset[str]) -> dict[str, Any]:
    """A service's model with the operations that are called, and the shapes that those have."""
    operations = {name: each for name, each in model["operations"].items() if xform_name(name) in called}
    shapes: dict[str, Any] = {}
    waiting = list(_shapes_in(operations))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _shapes_in(shapes[name])
    return {**model, "operations": _wordless(operations), "shapes": _wordless(dict(sorted(shapes.items())))}


def _shapes_in(data: Any) -> Iterator[str]:
    """The names of all shapes that are referred to."""
    if isinstance(data, Mapping):
        if isinstance(name := data.get("shape"), str):
            yield name
        for each in data.values():
            yield from _shapes_in(each)
    elif isinstance(data, list):
        for each in data:
            yield from _shapes_in(each)


def _only(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names}


def _wordless(data: Any) -> Any:
    """Without what is said for people. A member of that name is a mapping, and stays."""
    if isinstance(data, Mapping):
        said = (name for name, value in data.items() if name in _WORDS and not isinstance(value, Mapping))
        left = data.keys() - set(said)
        return {name: _wordless(value) for name, value in data.items() if name in left}
    return [_wordless(each) for each in data] if isinstance(data, list) else data


def main() -> int:
    for name, text in descriptions().items():
        file = FOLDER / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
