"""What `routes.json` says of a route, and the errors that follow from what it declares."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from darkroom import errors
from darkroom.errors import DarkroomError
from darkroom.http.operation import Operation
from darkroom.http.route_table import ERROR_GROUPS, TABLE

Access = Literal["token", "optional", "public", "page", "own page"]
"""`page`: for people, who are told of errors by a page; `own page`: for those who are signed in."""
_DEFAULT: Final[Access] = "token"


def summary(operation: Operation) -> str:
    """What it does, as one line of docs/api.md."""
    return str(TABLE[operation.route]["summary"])


def access(operation: Operation) -> Access:
    found: Access = TABLE[operation.route].get("access", _DEFAULT)
    return found


def errors_of(operation: Operation) -> tuple[type[DarkroomError], ...]:
    """Those of every route, of what it takes and of who may call it, and its own."""
    said, who = TABLE[operation.route], access(operation)
    found: list[type[DarkroomError]] = [errors.InternalError, errors.ServiceUnavailable]
    if who in ("token", "optional"):
        found += (
            [errors.Unauthenticated, errors.InvalidToken, errors.GuestRefused]
            if who == "token"
            else [errors.InvalidToken]
        )
        found.append(errors.TooManyRequests)
        found += [errors.ForeignOrigin] if operation.method != "GET" else []
    if said.get("unrestricted"):
        found.append(errors.TokenRestricted)
    if operation.body:
        found += [errors.InvalidParameter, errors.UnsupportedMediaType, errors.PayloadTooLarge]
    if operation.query or operation.headers:
        found.append(errors.InvalidParameter)
    if "{" in operation.path:
        found.append(errors.NotFound)
    return tuple(dict.fromkeys((*found, *_named(said.get("errors", ())))))


def _named(names: Iterable[str]) -> Iterator[type[DarkroomError]]:
    """Errors by their classes' names, or by the name of a group of them."""
    for name in names:
        if name in ERROR_GROUPS:
            yield from _named(ERROR_GROUPS[name])
        else:
            yield getattr(errors, name)
