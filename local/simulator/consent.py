"""What the consent page asks for, and where it sends the browser back to."""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode


class BadRequest(Exception):
    """The page cannot be shown; the message says why."""


@dataclass(frozen=True)
class Consent:
    """What an application asks of the user.

    Args:
        callback: None: no application waits; the user is shown the code to copy.
    """

    callback: SplitResult | None
    challenge: str | None
    method: str
    label: str
    state: str | None
    limit: str
    limit_reset: str

    @property
    def host(self) -> str | None:
        return self.callback.netloc if self.callback else None

    def back(self, **answer: str | None) -> str:
        """The address that the browser is sent back to: the application's own query first, then the answer."""
        if self.callback is None:
            raise BadRequest("There is no address to go back to.")
        given = [(name, value) for name, value in answer.items() if value is not None]
        query = [*parse_qsl(self.callback.query, keep_blank_values=True), *given]
        return self.callback._replace(query=urlencode(query)).geturl()
