"""AWS's signatures (SigV4) of requests and of links.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache, reduce
from hashlib import sha256
from hmac import digest
from typing import Any, Final
from urllib.parse import quote

from botocore.exceptions import NoCredentialsError

# Headers that a signature is over begin like that. Others, a trace's among them, may be changed on their way.
_SIGNED: Final = ("Content-Type", "Host", "X-Amz-", "x-amz-", "x-amzn-query")
_ALGORITHM: Final = "AWS4-HMAC-SHA256"


def signed(
    method: str, target: str, headers: Mapping[str, str], payload_sha256: str, *, region: str, name: str, signer: Any
) -> dict[str, str]:
    """The headers of a request, Host among them, with the date and the signature.

    Args:
        target: the path, encoded; it has no query.
        name: the service's, as signatures have it.
        signer: botocore's, with the credentials as of now.

    Raises:
        NoCredentialsError
    """
    access_key, secret, token = _credentials(signer)
    stamp = _stamp(int(time.time()))
    full = {**headers, "X-Amz-Date": stamp}
    if token:
        full["X-Amz-Security-Token"] = token
    own, names = _signed_names(tuple(full))
    lines = "".join([f"{lower}:{full[each]}\n" for lower, each in own])
    scope = f"{stamp[:8]}/{region}/{name}/aws4_request"
    asked = f"{method}\n{target}\n\n{lines}\n{names}\n{payload_sha256}"
    full["Authorization"] = (
        f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, "
        f"Signature={_signature(asked, stamp, scope, secret)}"
    )
    return full


@lru_cache(maxsize=64)
def _signed_names(names: tuple[str, ...]) -> tuple[list[tuple[str, str]], str]:
    """Of a request's headers those that a signature is over, in its order and in lower case, and these as one."""
    own = sorted((each.lower(), each) for each in names if each.startswith(_SIGNED))
    return own, ";".join(lower for lower, _ in own)


def link(base: str, key: str, more: Mapping[str, str], *, seconds: int, region: str, signer: Any) -> str:
    """A link by which an object in S3 can be read for so long, from now on.

    Args:
        base: where the bucket is: `https://{host}`, or with its name as the path.
        more: parameters of the query, beside those of the signature.

    Raises:
        NoCredentialsError
    """
    access_key, secret, token = _credentials(signer)
    stamp = _stamp(int(time.time()))
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    query = {
        **more,
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{access_key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if token:
        query["X-Amz-Security-Token"] = token
    place, _, path = base.partition("//")[2].partition("/")
    target = f"/{path}/{encoded(key)}" if path else f"/{encoded(key)}"
    asked_for = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query.items())
    canonical = "&".join(sorted(asked_for.split("&")))
    asked = f"GET\n{target}\n{canonical}\nhost:{place}\n\nhost\nUNSIGNED-PAYLOAD"
    signature = _signature(asked, stamp, scope, secret)
    return f"{base.partition('//')[0]}//{place}{target}?{asked_for}&X-Amz-Signature={signature}"


def encoded(key: str) -> str:
    """An object's key as a part of a path."""
    return quote(key, safe="/~")


def _credentials(signer: Any) -> tuple[str, str, str | None]:
    if signer.credentials is None:
        raise NoCredentialsError
    found: tuple[str, str, str | None] = tuple(signer.credentials[:3])
    return found


@lru_cache(maxsize=2)
def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")


def _signature(asked: str, stamp: str, scope: str, secret: str) -> str:
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(asked.encode()).hexdigest()}"
    return digest(_key(secret, scope), text.encode(), "sha256").hex()


@lru_cache(maxsize=16)
def _key(secret: str, scope: str) -> bytes:
    """Of a day, a region and a service."""
    return reduce(lambda key, part: digest(key, part.encode(), "sha256"), scope.split("/"), f"AWS4{secret}".encode())
