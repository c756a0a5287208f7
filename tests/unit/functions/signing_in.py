"""The function of the sign-in over memory, as a browser sees it."""

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from darkroom.http.routes.oauth import routes
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.fakes.issuer import ScriptedOpenRouter
from tests.openapi import handled

ORIGIN = "https://127.0.0.1"
SESSION, BROWSER = "__Host-darkroom-session", "__Host-darkroom-browser"


class Site:
    """The stack: one OAuth function over stores in memory."""

    def __init__(self, simulator: Simulator, clock: SteppingClock) -> None:
        self.clock = clock
        self.openrouter = ScriptedOpenRouter()
        studio = Studio(simulator, clock, issuer=self.openrouter, environ={"DARKROOM_SIGN_IN": "anyone"})
        self.vault, self.session_store = studio.vault, studio.sessions
        app = studio.app
        self.tokens, self.sessions, self.identities, self.links = app.tokens, app.sessions, app.identities, app.links
        self.api = routes(app)

    def link(self, user: str) -> str:
        """The secret of a new one-time link."""
        return parse_qs(urlsplit(self.links.create(user, origin=ORIGIN)).query)["key"][0]


class Browser:
    """Keeps cookies, and sends forms with the headers that browsers send."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        parsed = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parsed.query, keep_blank_values=True).items()}
        event = http_event(method, parsed.path, **{"query": query or None, **parts})
        event["cookies"] = [f"{name}={value}" for name, value in self.cookies.items()]
        answer = handled(self.site.api.handle, event, Context())
        for cookie in answer.get("cookies", []):
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0]
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        return self.send("GET", path, headers=headers or None)

    def post(
        self, path: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        sent = headers if headers is not None else {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
        kind = "application/x-www-form-urlencoded"
        return self.send("POST", path, headers=sent, body=urlencode(form or {}), content_type=kind)

    def open_link(self, user: str) -> dict[str, Any]:
        """Signs in as the user, with a link of theirs."""
        return self.post("/oauth/link", {"key": self.site.link(user)})

    def consent(self, query: str = "") -> dict[str, Any]:
        """To OpenRouter and back."""
        out = self.get(f"/oauth/start{query}")
        if out["statusCode"] != 302:
            return out
        callback = parse_qs(urlsplit(location(out)).query)["callback_url"][0]
        attempt = parse_qs(urlsplit(callback).query)["attempt"][0]
        return self.get(f"/oauth/callback?attempt={attempt}&code=c")

    @property
    def user(self) -> str | None:
        """Whom the site takes this browser for."""
        session = self.site.sessions.find(self.cookies.get(SESSION))
        return session.user if session else None


def location(answer: dict[str, Any]) -> str:
    return str(answer["headers"]["location"])


def text(answer: dict[str, Any]) -> str:
    return re.sub(r"<style>.*?</style>", "", str(answer["body"]), flags=re.DOTALL)
