"""An internal extension of Lambda, by which a process goes on with what it has begun when it has answered.

Lambda sends an answer as soon as the handler has returned it. It halts the process when the runtime and each extension
have asked for the next event: this one asks when all is over that the handler began.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html and
https://aws.amazon.com/blogs/compute/running-code-after-returning-a-response-from-an-aws-lambda-function/
"""

import json
import logging
from collections.abc import Mapping
from concurrent.futures import Future, wait
from http.client import HTTPConnection, HTTPException
from queue import SimpleQueue
from threading import Thread
from typing import Final, Self

_ROOT: Final = "/2020-01-01/extension"
_NAME: Final = "darkroom-in-place"
_SECONDS: Final = 5.0

_log = logging.getLogger("darkroom")


class LambdaExtension:
    """Args:
    api: host and port of Lambda's Extensions API.
    identifier: what it gave this extension when it was registered.
    """

    def __init__(self, api: str, identifier: str) -> None:
        self._api = api
        self._identifier = identifier
        self._begun: list[Future[None]] = []
        self._returned: SimpleQueue[list[Future[None]]] = SimpleQueue()
        Thread(target=self._run, name="extension", daemon=True).start()

    @classmethod
    def registered(cls, environ: Mapping[str, str]) -> Self | None:
        """Registers one, in Lambda's init phase: afterwards it is too late.

        None where a process cannot go on: outside of Lambda, and with SnapStart, for a thread that waits for events is
        nothing that a snapshot should hold.
        """
        api = environ.get("AWS_LAMBDA_RUNTIME_API")
        if not api or environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            return None
        connection = HTTPConnection(api, timeout=_SECONDS)
        try:
            connection.request(
                "POST", f"{_ROOT}/register", json.dumps({"events": ["INVOKE"]}), {"Lambda-Extension-Name": _NAME}
            )
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, HTTPException) as error:
            _log.warning("Lambda's Extensions API cannot be called", extra={"error": type(error).__name__})
            return None
        finally:
            connection.close()
        identifier = answer.headers.get("Lambda-Extension-Identifier")
        if answer.status != 200 or not identifier:
            _log.warning(
                "Lambda registers no extension",
                extra={"status": answer.status, "said": said[:200].decode(errors="replace")},
            )
            return None
        return cls(api, identifier)

    def keep(self, work: "Future[None]") -> "Future[None]":
        """The process goes on until this is over. To be called while the handler is at work."""
        self._begun.append(work)
        return work

    def returned(self) -> None:
        """To be called at the end of each call of the handler, whatever came of it."""
        begun, self._begun = self._begun, []
        self._returned.put(begun)

    def _run(self) -> None:
        """Ends only by an error; then Lambda ends the process at the function's timeout, and starts another."""
        connection = HTTPConnection(self._api)
        while True:
            connection.request("GET", f"{_ROOT}/event/next", headers={"Lambda-Extension-Identifier": self._identifier})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise HTTPException(f"{answer.status}: {said[:200]!r}")
            # One event comes for each call.
            wait(self._returned.get())
