"""What AWS answers, as botocore takes it in place of sending a request."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(url: str, status: int, body: str = "", headers: Mapping[str, str] | None = None) -> AWSResponse:
    told = HTTPHeaders()
    for name, value in (headers or {}).items():
        told[name] = value
    return AWSResponse(url, status, told, _Raw(body.encode()))
