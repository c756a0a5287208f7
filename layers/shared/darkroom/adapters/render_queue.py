"""The queue of jobs for the function with the segmentation model, in SQS. A message names the job."""

import json
from typing import TYPE_CHECKING

from darkroom.adapters.aws import translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsRenderQueue:
    def __init__(self, url: str, client: "SQSClient") -> None:
        self._url = url
        self._client = client

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        body = json.dumps({"user": user, "job_id": job_id})
        with translated():
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_seconds)
