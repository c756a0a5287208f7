"""Everything that the application needs of the outside, in one place: on AWS `on_aws.AwsPorts`, in tests memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from darkroom import ports
    from darkroom.models.key import KeyProvider
    from darkroom.models.receipt import KeyCharges


class Ports(Protocol):
    """An implementation has each of these. It may make one when it is first asked for."""

    @property
    def clock(self) -> ports.Clock: ...

    @property
    def stopwatch(self) -> Callable[[], float]:
        """Seconds that only grow, by which a request waits for its job."""

    @property
    def sleep(self) -> Callable[[float], None]: ...

    @property
    def alarm(self) -> ports.Alarm: ...

    @property
    def telemetry(self) -> ports.Telemetry: ...

    @property
    def probes(self) -> Mapping[str, Callable[[], str]]:
        """What the stack is made of, for its health: each says in some words how that is, or raises."""

    @property
    def tokens(self) -> ports.TokenStore: ...

    @property
    def sessions(self) -> ports.SessionStore: ...

    @property
    def request_counts(self) -> ports.RequestCounts: ...

    @property
    def identities(self) -> ports.IdentityStore: ...

    @property
    def links(self) -> ports.LinkStore: ...

    @property
    def settings(self) -> ports.SettingsStore: ...

    @property
    def signing_key(self) -> ports.SigningKey: ...

    @property
    def vault(self) -> ports.KeyVault: ...

    @property
    def jobs(self) -> ports.JobStore: ...

    @property
    def ledger(self) -> ports.Ledger: ...

    @property
    def charges(self) -> Callable[[str, str], KeyCharges]:
        """What is known of the charges on a key of a user's, or of the stack's, by its digest."""

    @property
    def answers(self) -> ports.AnswerStore: ...

    @property
    def raw_answers(self) -> ports.RawAnswerStore: ...

    @property
    def images(self) -> ports.ImageStore: ...

    @property
    def conversations(self) -> ports.ConversationStore: ...

    @property
    def recipes(self) -> ports.RecipeStore: ...

    @property
    def webhooks(self) -> ports.WebhookStore: ...

    @property
    def job_queue(self) -> ports.JobQueue: ...

    @property
    def render_queue(self) -> ports.RenderQueue: ...

    @property
    def webhook_queue(self) -> ports.WebhookQueue: ...

    @property
    def dead_letters(self) -> ports.DeadLetters: ...

    @property
    def work(self) -> ports.WorkLog: ...

    @property
    def books(self) -> ports.UsageBooks: ...

    @property
    def reports(self) -> ports.ReportStore: ...

    @property
    def statistics(self) -> ports.ModelStatistics: ...

    @property
    def catalogue(self) -> ports.CatalogueStore: ...

    @property
    def providers(self) -> Mapping[str, ports.Provider]:
        """All there are, by name; a lookup may be what loads one."""

    @property
    def published(self) -> ports.CatalogueSource: ...

    @property
    def key_issuer(self) -> ports.KeyIssuer: ...

    @property
    def operator_key(self) -> Callable[[KeyProvider], str | None]:
        """The stack's own key for a provider, if its owner has given it one."""

    @property
    def fetcher(self) -> ports.UrlFetcher: ...

    @property
    def webhook_sender(self) -> ports.WebhookSender: ...

    @property
    def check_url(self) -> Callable[[str], object]:
        """Raises UrlRefused for a URL that nothing here may call."""

    @property
    def segmenter(self) -> ports.Segmenter:
        """In the image function alone."""

    @property
    def matter(self) -> ports.Matter:
        """In the image function alone."""
