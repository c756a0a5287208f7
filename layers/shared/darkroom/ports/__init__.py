"""What the services need of the outside, as roles. Adapters say how; this package says what."""

from darkroom.ports.conversations import ConversationStore, RecipeStore, RenderQueue
from darkroom.ports.figures import Alarm, CatalogueStore, Clock, KeptList, ModelStatistics, Telemetry
from darkroom.ports.jobs import (
    AnswerStore,
    DeadLetters,
    JobPage,
    JobQueue,
    JobStore,
    Ledger,
    NearLimit,
    OpenJob,
    RawAnswerStore,
    ReceiptPage,
)
from darkroom.ports.people import (
    AccountStore,
    IdentityStore,
    IssuedKey,
    KeyInspector,
    KeyIssuer,
    KeyVault,
    LinkStore,
    RequestCounts,
    SessionStore,
    SettingsStore,
    SigningKey,
    TokenStore,
)
from darkroom.ports.pictures import ImageStore, Matter, PresignedUpload, Segmenter, UrlFetcher
from darkroom.ports.providers import CatalogueSource, OnEvent, PaidCall, Provider, Watch
from darkroom.ports.usage import MonthTallies, ReportStore, UsageBooks, UserPage, WorkLog
from darkroom.ports.webhooks import WebhookQueue, WebhookSender, WebhookStore
