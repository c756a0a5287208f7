"""What OpenAI's API has and Darkroom has not: why, and what there is in its place."""

from collections.abc import Mapping
from typing import Final

_ELSEWHERE: Final = "Ask a provider for it directly; GET /openapi.json and docs/api.md list all that is here."
_TALK: Final = "Send the whole conversation to POST /v1/responses or POST /v1/chat/completions."
_NOTHING_KEPT: Final = "no response or completion is kept, as `store: false` says."
_LATER: Final = (
    "Send requests with `Prefer: respond-async`, which makes jobs, or apply a recipe (POST /v1/recipes/apply)."
)

# By the beginning of a path, the longest first.
_TOLD: Final[Mapping[str, tuple[str, str]]] = {
    "/v1/images/variations": (
        "no model makes variations any more.",
        "Send the picture to POST /v1/images/edits with a `prompt` that says what may differ.",
    ),
    "/v1/chat/completions/": (_NOTHING_KEPT, "Keep the answer; GET /v1/jobs shows its job."),
    "/v1/responses/": (_NOTHING_KEPT, f"Keep the answer's `output`. {_TALK}"),
    "/v1/embeddings": ("Darkroom makes no embeddings.", _ELSEWHERE),
    "/v1/audio": ("Darkroom neither speaks nor listens.", _ELSEWHERE),
    "/v1/moderations": ("Darkroom judges no texts.", f"Providers moderate what they are sent. {_ELSEWHERE}"),
    "/v1/files": (
        "Darkroom keeps no files but pictures.",
        "POST /v1/uploads takes a picture, whose id may stand as `file_id`.",
    ),
    "/v1/completions": (
        "texts are not completed without a conversation.",
        "Send a message to POST /v1/chat/completions.",
    ),
    "/v1/assistants": ("Darkroom has no assistants.", _TALK),
    "/v1/threads": ("Darkroom has no threads.", f"{_TALK} POST /v1/conversations talks about a picture."),
    "/v1/vector_stores": ("Darkroom searches no files.", _ELSEWHERE),
    "/v1/fine_tuning": ("Darkroom trains no models.", _ELSEWHERE),
    "/v1/batches": ("Darkroom takes no files of requests.", _LATER),
    "/v1/realtime": ("Darkroom has no live speech.", _ELSEWHERE),
    "/v1/videos": ("Darkroom makes no videos.", _ELSEWHERE),
    "/v1/rerank": ("Darkroom ranks nothing.", _ELSEWHERE),
    "/v1/messages": ("Anthropic's API is not here.", "POST /v1/chat/completions has Anthropic's models, too."),
}
_DEPLOYMENTS: Final = "/openai/deployments/"


def not_offered(path: str) -> tuple[str, str] | None:
    """What is said of a path, in two sentences; None of all others."""
    if path.startswith(_DEPLOYMENTS):
        _, _, rest = path.removeprefix(_DEPLOYMENTS).partition("/")
        path = f"/v1/{rest}"
    return next((told for begins, told in _TOLD.items() if path.startswith(begins) and _is_below(path, begins)), None)


def _is_below(path: str, begins: str) -> bool:
    """Whether it is that very path, or one below it; of those that end with a slash the latter alone."""
    rest = path.removeprefix(begins)
    return bool(rest) if begins.endswith("/") else not rest or rest.startswith("/")
