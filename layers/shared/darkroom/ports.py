"""What the services need of the outside, as roles. Adapters say how; this module says what."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from darkroom.models.catalogue import ChatModel, ImageEndpoint, ImageModel
from darkroom.models.chat import ChatRequest, ChatResult
from darkroom.models.deadline import Deadline
from darkroom.models.generation import (
    Dispatch,
    GenerationRecord,
    GenerationRequest,
    GenerationResult,
    RawAnswer,
)
from darkroom.models.job import Job
from darkroom.models.key import KeyProvider, StoredKey
from darkroom.models.provider_key import KeyStatus
from darkroom.models.session import Session, SignInAttempt
from darkroom.models.token import ApiToken


class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, in UTC."""


class TokenStore(Protocol):
    def add(self, token: ApiToken) -> None: ...

    def find(self, sha256: str) -> ApiToken | None:
        """The token with this digest, unless revoked."""

    def of_user(self, user: str) -> Sequence[ApiToken]:
        """The user's tokens, oldest first."""

    def revoke(self, user: str, token_id: str) -> bool:
        """Whether there was one to revoke. From then on `find` gives None."""

    def record_use(self, token: ApiToken, at: datetime) -> None:
        """Sets `last_used_at`; nothing happens to a token revoked meanwhile."""


class JobPage(BaseModel):
    model_config = ConfigDict(frozen=True)

    jobs: tuple[Job, ...]
    next_id: str | None = Field(None, description="Pass as `before` for the next page; None on the last.")


class JobStore(Protocol):
    def add(self, job: Job, *, source: str | None = None) -> Job | None:
        """Stores a new job, and with `source` only if no job was ever made for that source.

        Returns:
            The job that stands for the source now: this one, or the one made earlier. None when the earlier one
            has been removed since.
        """

    def find(self, user: str, job_id: str) -> Job | None: ...

    def page(self, user: str, *, limit: int, before: str | None = None) -> JobPage:
        """The user's jobs, newest first; `before` is exclusive."""

    def list_open(self, *, limit: int) -> Sequence[Job]:
        """Everybody's jobs that are not over, oldest first."""

    def start(self, job: Job, *, now: datetime, lease_expires_at: datetime) -> Job | None:
        """Begins an attempt, if the job is queued or its last attempt's lease is over; otherwise None."""

    def requeue(self, job: Job) -> bool:
        """Gives an attempt up, so that another may begin at once; False if it was no longer this one's to give."""

    def finish(self, job: Job) -> bool:
        """Stores a final state, if the stored job is open and still in the same attempt."""

    def remove(self, user: str, job_id: str) -> bool:
        """Whether there was a job that is over to remove."""


class PresignedUpload(BaseModel):
    """A browser-style form POST straight to the uploads bucket."""

    model_config = ConfigDict(frozen=True)

    url: str
    fields: dict[str, str]
    expires_at: datetime


class ImageStore(Protocol):
    """The uploads bucket (what users put in) and the outputs bucket (what we made)."""

    def presign_upload(self, key: str, *, media_type: str, max_bytes: int) -> PresignedUpload: ...

    def read_upload(self, key: str, *, version: str | None = None, max_bytes: int) -> bytes:
        """The object's bytes.

        Raises:
            NotFound: no such object or version.
            PayloadTooLarge: it is larger than max_bytes.
        """

    def write_output(self, key: str, data: bytes, *, media_type: str, metadata: Mapping[str, str]) -> None: ...

    def link_output(self, key: str) -> str:
        """A URL that reads the object for a while without further credentials."""

    def remove_outputs(self, keys: Sequence[str]) -> None: ...


class UrlFetcher(Protocol):
    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        """The body behind a public http(s) URL.

        Raises:
            UrlRefused: the URL, one of its addresses or a redirect leads where nobody may be sent.
            UrlUnreachable: no answer in time, or not a 200.
            PayloadTooLarge: more than max_bytes.
        """


class KeyVault(Protocol):
    """Providers' keys, each kept for one user and readable in that user's name alone."""

    def store(self, key: StoredKey, secret: str) -> None:
        """Keeps the secret; one that was there for the same user and provider is replaced."""

    def reveal(self, user: str, provider: KeyProvider) -> str | None:
        """The secret, to be sent to its provider and nowhere else.

        Raises:
            KeyUnreadable: what is stored was not sealed for this user and provider.
        """

    def describe(self, user: str) -> Sequence[StoredKey]:
        """What is known of the user's keys without them."""

    def remove(self, user: str, provider: KeyProvider) -> StoredKey | None:
        """What was removed; None if there was nothing."""


class SessionStore(Protocol):
    def begin(self, attempt: SignInAttempt) -> None: ...

    def use(self, sha256: str, browser_sha256: str) -> SignInAttempt | None:
        """Takes the attempt as it was, once; None if it is not there, was used, or is another browser's."""

    def attempt(self, sha256: str) -> SignInAttempt | None:
        """The attempt, used or not, to say why it could not be taken. A used one has no verifier any more."""

    def open(self, session: Session) -> None: ...

    def find(self, sha256: str) -> Session | None: ...

    def close(self, sha256: str) -> None: ...


class Segmenter(Protocol):
    """Tells the subject from its background."""

    def available(self) -> tuple[str, ...]:
        """Names of the models whose weights are here, the default first."""

    def mask(self, image: Image.Image, model: str) -> Image.Image:
        """How much each pixel belongs to the subject.

        Args:
            image: RGB.
            model: a name from `available()`.

        Returns:
            Mode L at the model's own resolution, 255 = subject, stretched to the full range.

        Raises:
            NoForeground: nothing stands out.
        """


class Matter(Protocol):
    """Refines a mask along its edge."""

    def refine(self, image: Image.Image, mask: Image.Image) -> Image.Image:
        """Mode L, of the image's size."""


class IssuedKey(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str = Field(repr=False)
    user_id: str | None = Field(None, description="The provider's id of the person; it may keep it to itself.")


class KeyIssuer(Protocol):
    """Where a user signs in, and gets an API key of their own for it (OAuth PKCE, S256)."""

    def authorize_url(self, *, callback_url: str | None, code_challenge: str, state: str | None) -> str:
        """The consent page. Without a callback it shows the code, for the user to copy; there is no state then."""

    def exchange(self, *, code: str, code_verifier: str) -> IssuedKey:
        """The API key that the code stands for, and whose it is.

        A code is good for one attempt, so nothing that was sent is sent again.

        Raises:
            CodeInvalid, CodeMismatch, CodeExpired, CodeConflict, ExchangeUnavailable: the provider said no.
            RateLimited, ServiceUnavailable, ProviderTimeout, NetworkError: it said nothing of the code.
            UnusableAnswer: it answered without a key.
        """


class KeyInspector(Protocol):
    def inspect(self, key: str) -> KeyStatus:
        """What the provider says of the key; free of charge.

        Raises:
            InvalidApiKey: the provider does not take it.
            RateLimited, ServiceUnavailable, ProviderTimeout, NetworkError, UnusableAnswer: nothing is known of it.
        """


# What a caller is told while a paid call runs, in this order and anew for each attempt. What they raise ends the
# call, so after `on_dispatched` they had better not.
OnDispatched = Callable[[Dispatch], None]
"""The request is about to be sent: write down that money may be spent. An earlier attempt was proven to be unbilled."""
OnGenerationId = Callable[[str], None]
"""The headers have come: the id by which the provider's books know what the last dispatch became."""
OnAnswer = Callable[[RawAnswer], None]
"""The bytes have come and nobody has tried to understand them: keep them, they may have been paid for."""


class Provider(Protocol):
    """A company's models, called with a user's own key.

    `generate` and `chat` may cost money. They are tried again, and go on to fallback models, only after an attempt that
    is proven to be unbilled, and never past the deadline. Their errors say in `charged` whether money was spent, and
    carry `upstream`; with "unknown" the caller finds out by `generation`, and does not call again before.

    Raises:
        CallerError, ProviderError, ServiceUnavailable: from every method; see each class.
    """

    @property
    def name(self) -> str: ...

    def generate(
        self,
        request: GenerationRequest,
        *,
        key: str,
        deadline: Deadline,
        on_dispatched: OnDispatched,
        on_generation_id: OnGenerationId,
        on_answer: OnAnswer,
    ) -> GenerationResult:
        """Makes pictures, or with references makes them over. There is at least one, or it is an error."""

    def chat(
        self,
        request: ChatRequest,
        *,
        key: str,
        deadline: Deadline,
        on_dispatched: OnDispatched,
        on_generation_id: OnGenerationId,
        on_answer: OnAnswer,
    ) -> ChatResult:
        """The model's next turn. Where pictures were asked for there is at least one, or it is an error."""

    def inspect(self, key: str) -> KeyStatus:
        """As KeyInspector.inspect."""

    def generation(self, generation_id: str, *, key: str) -> GenerationRecord | None:
        """What the provider's books say of a call; None while they do not know it, which may last minutes."""

    def image_models(self) -> Sequence[ImageModel]: ...

    def image_endpoints(self, model: str) -> Sequence[ImageEndpoint]:
        """Who serves an image model, with what limits and prices; may be empty.

        Raises:
            UnsupportedModel: there is no such model.
        """

    def chat_models(self) -> Sequence[ChatModel]:
        """All models but those for `generate` alone have text among their outputs."""
