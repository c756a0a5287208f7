"""JSON Schemas of the models that requests and answers declare, under their names, as OpenAPI 3.1 has them."""

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Literal, cast

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from darkroom.http.operation import Answer

Mode = Literal["validation", "serialization"]
Model = type[BaseModel] | UnionType
Schema = dict[str, Any]
_TEMPLATE = "#/components/schemas/{model}"


class _Generator(GenerateJsonSchema):
    """Without pydantic's titles, and with what `absent` means: a field that is left out is never null."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's
        return False

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        """Sorted, since Python takes `Literal["a", "b"]` for a `Literal["b", "a"]` that was written before."""
        made = super().literal_schema(schema)
        if "enum" in made:
            made["enum"] = sorted(made["enum"], key=str)
        return made

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        made.pop("title", None)
        model = schema["cls"]
        if self.mode == "serialization" and issubclass(model, Answer):
            # Clients are to take fields that are added later.
            made.pop("additionalProperties", None)
        if self.mode == "serialization":
            for name, field in model.model_fields.items():
                if field.exclude_if is not None:
                    made["properties"][field.alias or name].pop("default", None)
                if field.exclude_if is not None and field.default is None:
                    _drop_null(made["properties"][field.alias or name])
        return made


def _drop_null(schema: Schema) -> None:
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema.update(kinds[0])
    elif kinds:
        schema["anyOf"] = kinds


def schemas_of(models: Iterable[tuple[Model, Mode]]) -> tuple[Mapping[tuple[Model, Mode], Schema], Schema]:
    """The schema of each model, mostly a reference, and what they may refer to, by name."""
    wanted = list(dict.fromkeys(models))
    adapters: list[tuple[Any, Mode, TypeAdapter[Any]]] = [
        ((model, mode), mode, TypeAdapter(cast(Any, model))) for model, mode in wanted
    ]
    found, shared = TypeAdapter.json_schemas(adapters, ref_template=_TEMPLATE, schema_generator=_Generator)
    by_model = {key: found[(key, key[1])] for key, _, _ in adapters}
    return by_model, dict(shared.get("$defs", {}))


def used(roots: Iterable[Any], shared: Schema) -> Schema:
    """Of the shared schemas those that are referred to."""
    seen: set[str] = set()
    todo = [name for root in roots for name in _references(root)]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += _references(shared[name])
    return {name: shared[name] for name in sorted(seen)}


def _references(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [str(value["$ref"]).rpartition("/")[2]] if isinstance(value.get("$ref"), str) else []
        return own + [name for each in value.values() for name in _references(each)]
    return [name for each in value for name in _references(each)] if isinstance(value, list) else []
