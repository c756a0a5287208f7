"""Forms with files in them, as browsers and SDKs send them."""

import io

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

from local.providers._server import Request


def form_of(request: Request) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
    """The fields of a `multipart/form-data` body, and its files by the names of their parts.

    Raises:
        ValueError: it is none.
    """
    fields: dict[str, str] = {}
    files: list[tuple[str, bytes]] = []

    def on_field(field: Field) -> None:
        fields[_text(field.field_name)] = _text(field.value)

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        files.append((_text(file.field_name), file.file_object.read()))

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise ValueError("not a form")
    headers = {"Content-Type": request.headers["content-type"].encode()}
    try:
        parse_form(headers, io.BytesIO(request.body), on_field, on_file)
    except FormParserError as error:
        raise ValueError(str(error)) from error
    return fields, files


def _text(value: bytes | None) -> str:
    return (value or b"").decode()
