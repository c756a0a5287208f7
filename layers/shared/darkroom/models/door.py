"""A door: what of requests and answers the way over which they come can carry."""

from typing import Final

from pydantic import Field

from darkroom.models.value import Value


class Door(Value):
    max_seconds: float = Field(description="From the request to the end of its answer.")
    max_wait: float = Field(description="Seconds for which an answer waits for a job.")
    max_payload: int = Field(description="Bytes of an answer, as it is counted on the way.")
    max_inline_bytes: int = Field(description="Bytes of pictures in one answer, before they become base64.")


# API Gateway waits for 30 s. Lambda answers it with at most 6 MB of JSON, in which the body is a string and a picture
# is base64: four characters for three bytes.
HTTP_API: Final = Door(max_seconds=30.0, max_wait=25.0, max_payload=6_291_556 - 40_000, max_inline_bytes=4_500_000)
# Lambda streams up to 200 MB, https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html; what
# is in memory at once is several times the answer.
LIVE: Final = Door(max_seconds=900.0, max_wait=300.0, max_payload=96_000_000, max_inline_bytes=64_000_000)
