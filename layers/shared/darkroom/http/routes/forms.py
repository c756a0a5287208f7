"""What pages' own forms send, as the models that their routes declare."""

from typing import TypeVar

from pydantic import BaseModel

from darkroom.http.app import Api, validated
from darkroom.http.form_data import read_urlencoded

Form = TypeVar("Form", bound=BaseModel)


def form_of(api: Api) -> dict[str, str]:
    """The fields, as text. Raises InvalidParameter."""
    fields = read_urlencoded(api.headers.get("content-type", ""), api.body)
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def form_as(api: Api, model: type[Form]) -> Form:
    """The fields as a model; others are ignored. Raises InvalidParameter."""
    return validated(model, {name: value for name, value in form_of(api).items() if name in model.model_fields})
