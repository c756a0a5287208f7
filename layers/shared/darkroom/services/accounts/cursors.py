"""Cursors of lists as clients get them: a place in one list of one user, signed with the stack's own key.

A cursor is base64url without padding of a 16-byte HMAC-SHA256 over user, list and position, followed by the position.
"""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Final, Literal

from darkroom.errors import InvalidParameter
from darkroom.ports import SigningKey

ListName = Literal["conversations", "jobs", "receipts"]

_SIGNATURE_BYTES: Final = 16
# Longer than any cursor that is made: ids have at most 64 characters.
_MAX_LENGTH: Final = 256


class Cursors:
    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def encode(self, user: str, name: ListName, position: str | None) -> str | None:
        """The cursor of a position in the user's list; None where there is no further page."""
        if position is None:
            return None
        return _text(self._signature(user, name, position) + position.encode())

    def decode(self, user: str, name: ListName, cursor: str | None) -> str | None:
        """The position; None for no cursor, or an empty one, as clients send it for the first page.

        Raises:
            InvalidParameter: it was not made for this user and list, or is not as it was made.
        """
        if not cursor:
            return None
        signed = _bytes(cursor)
        signature, position = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:].decode(errors="replace")
        if not hmac.compare_digest(signature, self._signature(user, name, position)) or _text(signed) != cursor:
            raise _refused()
        return position

    def _signature(self, user: str, name: ListName, position: str) -> bytes:
        said = json.dumps(["cursor", name, user, position]).encode()
        return hmac.new(self._key.load(), said, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(cursor: str) -> bytes:
    """Raises InvalidParameter."""
    if len(cursor) > _MAX_LENGTH:
        raise _refused()
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused() from None


def _refused() -> InvalidParameter:
    return InvalidParameter(
        "`cursor` was not given out for this list, or has been changed since.",
        fix="Send `next_cursor` of the last page as it came, or begin again without `cursor`.",
        param="cursor",
    )
