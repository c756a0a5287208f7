"""Adds what documents of turns have in common today to `darkroom/adapters/job_phrases.json`, where it is not there yet.

    python -m local.job_phrases

What is there stays as it is: rows refer to it.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic_core import to_json

from darkroom.adapters.job_documents import PATH, numbered
from darkroom.adapters.job_rows import document_text
from darkroom.models.budget import BudgetRef
from darkroom.models.conversation import Conversation
from darkroom.models.generation import GenerationRequest
from darkroom.models.job import Job, JobCost, JobStatus, PaidWork, Parent, StoredImage, TurnState
from darkroom.services.conversations import planner_prompt
from darkroom.services.conversations.planner import Planner
from darkroom.services.conversations.planner_schema import plan_schema

_NOW: Final = datetime(2026, 1, 1, 1, 1, 1, 1, tzinfo=UTC)
_PICTURE: Final = StoredImage(
    key="inputs/user/0.jpg", media_type="image/jpeg", width=1024, height=1024, bytes=1, sha256="0"
)


def phrases() -> list[str]:
    """The task, the list of operations and the schema of one, as they stand in a document."""
    texts = (planner_prompt.task(), planner_prompt.listing("hybrid"))
    actions = plan_schema("hybrid", may_paint=True, has_picture=True)["properties"]["actions"]
    return [*(to_json(each).decode()[1:-1] for each in texts), to_json(actions["items"]["anyOf"][0]).decode()]


def dictionary(known: list[str]) -> str:
    """What documents of a turn, a picture and a plan say in the same words."""
    return numbered("".join(document_text(job) for job in examples()), tuple(known))


def examples() -> list[Job]:
    conversation = Conversation(id="conv_0", user="user", created_at=_NOW, updated_at=_NOW, expires_at=_NOW)
    plan = Planner().request(
        conversation, "", has_picture=True, model="google/gemini-3-flash-preview", method="hybrid", may_paint=True
    )
    budgets = tuple(
        BudgetRef(name=name, id=f"{name}#2026-01-01", limit=1_000_000, resets_at=_NOW + timedelta(days=1))
        for name in ("day", "month", "conversation")
    )
    common: dict[str, Any] = {
        "user": "user",
        "created_at": _NOW,
        "expires_at": _NOW + timedelta(days=30),
        "completed_at": _NOW,
        "status": JobStatus.SUCCEEDED,
        "images": (_PICTURE,),
        "lineage": (Parent(kind="file", sha256="0"),),
        "budgets": budgets,
        "cost": JobCost(estimated=1, reserved=1, actual=1, charged=True),
        "token_id": "tok_0",
        "conversation_id": "conv_0",
        "request_sha256": "0",
    }
    turn = TurnState(conversation_id="conv_0", content="", image=_PICTURE, origin=_PICTURE, jobs=("job_0-plan",))
    request = GenerationRequest(model="black-forest-labs/flux.2-klein-4b", prompt="a")
    return [
        Job(id="job_0", op="conversation-turn", turn=turn, **common),
        Job(id="job_0", op="generation", work=PaidWork(request=request), **common),
        Job(id="job_0", op="plan", work=PaidWork(chat=plan, inputs=(_PICTURE,)), parent_id="job_0", **common),
    ]


def added(kept: dict[str, list[str]]) -> dict[str, list[str]]:
    """What is kept, and after it what today's documents need beside."""
    known = [*kept["phrases"], *(each for each in phrases() if each not in kept["phrases"])]
    today = dictionary(known)
    # The last one is in use.
    newer = [] if kept["dictionaries"][-1:] == [today] else [today]
    return {"phrases": known, "dictionaries": [*kept["dictionaries"], *newer]}


def main() -> None:
    kept = json.loads(PATH.read_text(encoding="utf-8"))
    PATH.write_text(json.dumps(added(kept), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
