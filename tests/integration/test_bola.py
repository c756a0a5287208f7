"""Two users, and every route that can name something: what is another's is not there, and stays as it was.

The routes are those of the template. A new one fails here until somebody has said how it is tried.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from ulid import ULID

from local.stack import Stack
from tests.integration.users import ASYNC, EDITS, KLEIN, People, User, picture
from tests.template.test_template import TEMPLATE

CANARY = "CANARY-vixen"
TALKS, RECIPES = "/v1/conversations", "/v1/recipes"
FLIP = {"steps": [{"operation": {"op": "flip"}}]}


@dataclass(frozen=True)
class Owned:
    """What is Alice's."""

    job: str
    upload: str
    token: str
    secret: str
    conversation: str
    recipe: str


@dataclass(frozen=True)
class Case:
    """What Bob tries.

    Args:
        ask: sends the request.
        status: of the answer to it.
        proves: whether the answer shows nothing of hers, where it is not a 404.
    """

    ask: Callable[[User, Owned], httpx.Response]
    status: int = 404
    proves: Callable[[Any, Owned], bool] = lambda _body, _owned: True


def _edit(**source: Any) -> Callable[[User, Owned], httpx.Response]:
    def ask(bob: User, owned: Owned) -> httpx.Response:
        named = {field: getattr(owned, value) if isinstance(value, str) else value for field, value in source.items()}
        return bob.post(EDITS, {"prompt": "add a hat", "model": KLEIN, **named}, headers=ASYNC)

    return ask


def _own_key_alone(body: Any, _owned: Owned) -> bool:
    return len(body["data"]) == 1


def _nothing(body: Any, _owned: Owned) -> bool:
    return not body["data"]


def _talk(method: str, below: str = "", body: Any = None, **params: str) -> Case:
    """Hers, by its id."""
    return Case(
        lambda bob, owned: bob.request(method, f"{TALKS}/{owned.conversation}{below}", json=body, params=params)
    )


def _apply(recipe: Any = None) -> Case:
    """Her recipe, or one of his own on her pictures."""
    return Case(
        lambda bob, owned: bob.post(
            f"{RECIPES}/apply",
            {"recipe": recipe or owned.recipe, "images": [owned.upload, {"job_id": owned.job}]},
            headers={"prefer": "wait=25"},
        )
    )


# By route, all that can be tried with what is another's.
CASES: dict[str, list[Case]] = {
    "GET /v1/jobs": [
        Case(lambda bob, _: bob.get("/v1/jobs"), 200, _nothing),
        Case(lambda bob, owned: bob.get("/v1/jobs", params={"cursor": owned.job + "Z"}), 400),
        Case(lambda bob, _: bob.get("/v1/jobs", params={"cursor": "job_~"}), 400),
    ],
    "GET /v1/jobs/{job_id}": [
        Case(lambda bob, owned: bob.get(f"/v1/jobs/{owned.job}")),
        Case(lambda bob, owned: bob.get(f"/v1/jobs/{owned.job}%23x")),
    ],
    "GET /v1/jobs/{job_id}/images/{index}": [
        Case(lambda bob, owned: bob.get(f"/v1/jobs/{owned.job}/images/0")),
        Case(lambda bob, owned: bob.get(f"/v1/jobs/{owned.job}/images/0", params={"size": "thumb"})),
    ],
    "GET /v1/jobs/{job_id}/events": [Case(lambda bob, owned: bob.get(f"/v1/jobs/{owned.job}/events"))],
    "DELETE /v1/jobs/{job_id}": [Case(lambda bob, owned: bob.request("DELETE", f"/v1/jobs/{owned.job}"))],
    "PATCH /v1/jobs/{job_id}": [
        Case(lambda bob, owned: bob.request("PATCH", f"/v1/jobs/{owned.job}", json={"favorite": True, "title": "x"})),
    ],
    "POST /v1/jobs/remove": [
        Case(lambda bob, owned: bob.post("/v1/jobs/remove", {"ids": [owned.job]}), 200,
             lambda body, _: [each["error"]["code"] for each in body["data"]] == ["NOT_FOUND"]),
    ],
    "POST /v1/jobs/{job_id}/refine": [Case(lambda bob, owned: bob.post(f"/v1/jobs/{owned.job}/refine"))],
    "POST /v1/jobs/{job_id}/cancel": [Case(lambda bob, owned: bob.post(f"/v1/jobs/{owned.job}/cancel"))],
    "POST /v1/images/edits": [
        Case(_edit(job_id="job")),
        Case(_edit(image="job")),
        Case(_edit(upload_id="upload")),
        Case(_edit(image="upload")),
        Case(lambda bob, owned: bob.post(EDITS, {"prompt": "x", "images": [{"file_id": owned.upload}]}, headers=ASYNC)),
        Case(lambda bob, owned: bob.request(
            "POST", EDITS, data={"prompt": "x", "mask": owned.upload}, files={"image": picture()}, headers=ASYNC)),
    ],
    "POST /v1/images/background-removals": [
        Case(lambda bob, owned: bob.post("/v1/images/background-removals", {"upload_id": owned.upload})),
    ],
    "GET /v1/tokens": [Case(lambda bob, _: bob.get("/v1/tokens"), 200, _own_key_alone)],
    "DELETE /v1/tokens/{token_id}": [Case(lambda bob, owned: bob.request("DELETE", f"/v1/tokens/{owned.token}"))],
    "GET /v1/keys": [Case(lambda bob, _: bob.get("/v1/keys"), 200, _own_key_alone)],
    "PUT /v1/keys/{provider}": [
        Case(lambda bob, _: bob.request("PUT", "/v1/keys/openrouter", json={"key": bob.key, "user": "alice"}), 400),
    ],
    "DELETE /v1/keys/{provider}": [
        # His own: hers stays.
        Case(lambda bob, _: bob.request("DELETE", "/v1/keys/openrouter"), 200),
    ],
    "GET /v1/usage/receipts": [
        Case(lambda bob, _: bob.get("/v1/usage/receipts"), 200, _nothing),
        Case(lambda bob, owned: bob.get("/v1/usage/receipts", params={"cursor": owned.job + "Z"}), 400),
    ],
    "GET /v1/usage": [
        Case(lambda bob, _: bob.get("/v1/usage"), 200,
             lambda body, _: all(row["spent_usd"] == row["reserved_usd"] == 0 for row in body["budgets"])),
        Case(lambda bob, _: bob.get("/v1/usage", params={"by": "day,op,conversation,token"}), 200,
             lambda body, _: body["totals"]["requests"] == 0 and body["groups"] == []),
    ],
    "GET /v1/usage/reports": [Case(lambda bob, _: bob.get("/v1/usage/reports"), 200, _nothing)],
    "GET /v1/webhooks/secret": [
        Case(lambda bob, _: bob.get("/v1/webhooks/secret"), 200, lambda body, owned: body["secret"] != owned.secret),
    ],
    "POST /v1/webhooks/secret/rotate": [Case(lambda bob, _: bob.post("/v1/webhooks/secret/rotate"), 201)],
    "POST /v1/conversations": [
        Case(lambda bob, owned: bob.post(TALKS, {"job_id": owned.job})),
        Case(lambda bob, owned: bob.post(TALKS, {"upload_id": owned.upload})),
    ],
    "GET /v1/conversations": [
        Case(lambda bob, _: bob.get(TALKS), 200, _nothing),
        Case(lambda bob, owned: bob.get(TALKS, params={"cursor": owned.conversation + "Z"}), 400),
        Case(lambda bob, _: bob.get(TALKS, params={"cursor": "conv_~"}), 400),
    ],
    "GET /v1/conversations/{conversation_id}": [
        _talk("GET"),
        Case(lambda bob, owned: bob.get(f"{TALKS}/{owned.conversation}%23x")),
    ],
    "DELETE /v1/conversations/{conversation_id}": [_talk("DELETE")],
    "POST /v1/conversations/{conversation_id}/messages": [_talk("POST", "/messages", {"content": "warmer"})],
    "POST /v1/conversations/{conversation_id}/messages/estimate": [
        _talk("POST", "/messages/estimate", {"content": "warmer"})
    ],
    "POST /v1/conversations/{conversation_id}/versions": [_talk("POST", "/versions", FLIP)],
    "POST /v1/conversations/{conversation_id}/undo": [_talk("POST", "/undo")],
    "POST /v1/conversations/{conversation_id}/redo": [_talk("POST", "/redo")],
    "POST /v1/conversations/{conversation_id}/branch": [_talk("POST", "/branch", {"version": "v1"})],
    "GET /v1/conversations/{conversation_id}/versions/{version_id}": [
        _talk("GET", "/versions/v1"),
        _talk("GET", "/versions/v1", size="thumb"),
    ],
    "GET /v1/conversations/{conversation_id}/compare": [_talk("GET", "/compare", a="v1", b="v2")],
    "GET /v1/conversations/{conversation_id}/recipe": [_talk("GET", "/recipe", version="v2")],
    "GET /v1/recipes": [Case(lambda bob, _: bob.get(RECIPES), 200, _nothing)],
    "GET /v1/recipes/{name}": [Case(lambda bob, owned: bob.get(f"{RECIPES}/{owned.recipe}"))],
    "PUT /v1/recipes/{name}": [
        # His own of that name: hers stays.
        Case(lambda bob, owned: bob.request("PUT", f"{RECIPES}/{owned.recipe}", json=FLIP), 200),
    ],
    "DELETE /v1/recipes/{name}": [Case(lambda bob, owned: bob.request("DELETE", f"{RECIPES}/{owned.recipe}"))],
    "POST /v1/recipes/apply": [_apply(), _apply(FLIP)],
    "POST /v1/recipes/{name}/check": [
        Case(lambda bob, owned: bob.post("/v1/recipes/amazon/check", {"job_id": owned.job})),
    ],
    "GET /v1/generation": [Case(lambda bob, owned: bob.get("/v1/generation", params={"id": owned.job}))],
    "GET /v1/images/models/{proxy+}": [Case(lambda bob, _: bob.get(f"/v1/images/models/{KLEIN}/endpoints"), 200)],
    "GET /v1/models/{proxy+}": [
        # What is hers of a model, that she likes it, is not his.
        Case(lambda bob, _: bob.get(f"/v1/models/{KLEIN}"), 200, lambda body, _: body["favourite"] is False),
    ],
    "PUT /v1/models/{proxy+}": [
        Case(
            lambda bob, _: bob.request("PUT", "/v1/models/openai/gpt-image-2/favorite"),
            200,
            lambda body, _: KLEIN not in body["favorite_models"],
        ),
    ],
    "DELETE /v1/models/{proxy+}": [Case(lambda bob, _: bob.request("DELETE", f"/v1/models/{KLEIN}/favorite"), 200)],
    "PATCH /v1/settings": [Case(lambda bob, _: bob.request("PATCH", "/v1/settings", json={"user": "alice"}), 400)],
}  # fmt: skip
# They name nothing that anybody owns; whose they are is said by the token alone, or they have tests of their own.
NAMELESS = {
    *("POST /v1/images/generations", "POST /v1/uploads", "POST /v1/tokens", "GET /v1/settings"),
    "POST /v1/chat/completions",
    *("POST /v1/responses", "POST /openai/{proxy+}"),
    *("GET /v1/session", "GET /oauth", "GET /oauth/start", "GET /oauth/callback", "GET /oauth/paste"),
    *("POST /oauth/paste", "GET /oauth/connect", "GET /oauth/link", "POST /oauth/link", "POST /oauth/token"),
    "POST /oauth/guest",
    # Tried with another account's ids over memory: tests/unit/functions/test_oauth_account.py.
    "POST /try",
    *("POST /oauth/tokens", "POST /oauth/tokens/revoke", "POST /oauth/unlink"),
    *("GET /v1/models", "GET /v1/models/compare", "POST /v1/estimates"),
    *("POST /oauth/disconnect", "POST /oauth/sign-out", "GET /healthz", "$default"),
    *("GET /openapi.json", "GET /docs", "GET /v1/operations", "GET /"),
    *("POST /v1.0/removebg", "GET /v1.0/account", "POST /v1.0/improve", "GET /api/remove", "POST /api/remove"),
    *("POST /v1/images", "GET /v1/images/models", "GET /v1/key", "GET /v1/credits"),
    # Its tools are tried with another account's ids over memory: tests/unit/http/doors/test_mcp.py.
    "POST /mcp",
}


@pytest.fixture(scope="module")
def alice(people: People) -> User:
    return people.new("alice")


@pytest.fixture(scope="module")
def owned(people: People, alice: User, stack: Stack) -> Owned:
    job = alice.order(prompt=f"A {CANARY}")["id"]
    alice.until(job, "succeeded")
    upload = f"upl_{ULID()}"
    bucket = stack.template.scope.ref("UploadsBucket")
    stack.aws.s3.put_object(Bucket=bucket, Key=f"uploads/{alice.name}/{upload}", Body=picture())
    secret = alice.get("/v1/webhooks/secret").json()["secret"]
    token = people.tokens.create(user=alice.name, name=CANARY)[0].id
    return Owned(job, upload, token, secret, _conversation(alice, job), _recipe(alice))


def _conversation(alice: User, job: str) -> str:
    """With two versions."""
    conversation = alice.post(TALKS, {"job_id": job, "title": CANARY}).json()["id"]
    turn = alice.post(f"{TALKS}/{conversation}/messages", {"content": f"{CANARY}: warmer"}, headers=ASYNC).json()
    assert alice.until(turn["id"], "succeeded")["output"]["version"] == "v2"
    return str(conversation)


def _recipe(alice: User) -> str:
    name = f"{CANARY.lower()}-look"
    assert alice.request("PUT", f"{RECIPES}/{name}", json=FLIP).status_code == 200
    return name


@pytest.fixture
def bob(people: People) -> User:
    return people.new("bob")


def _everything_of(user: User, stack: Stack) -> dict[str, Any]:
    """Rows and objects of a user; that a token was used is no change."""
    table = stack.template.scope.ref("Table")
    condition: Any = {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": f"USER#{user.name}"}},
    }
    rows = stack.aws.dynamodb.query(TableName=table, ConsistentRead=True, **condition)["Items"]
    found: dict[str, Any] = {row["sk"]["S"]: row for row in rows}
    for name in ("UploadsBucket", "OutputsBucket"):
        listed = stack.aws.s3.list_objects_v2(Bucket=stack.template.scope.ref(name)).get("Contents", [])
        found |= {each["Key"]: each["ETag"] for each in listed if f"/{user.name}/" in each["Key"]}
    return found


@pytest.mark.parametrize(
    ("route", "number"), [(route, number) for route, cases in CASES.items() for number in range(len(cases))]
)
def test_what_is_anothers_is_not_there_and_stays_as_it_was(
    route: str, number: int, alice: User, bob: User, owned: Owned, stack: Stack
) -> None:
    before = _everything_of(alice, stack)
    assert any(name.startswith("JOB#") for name in before)
    case = CASES[route][number]
    answer = case.ask(bob, owned)
    assert (answer.status_code, answer.request.method) == (case.status, route.split(" ")[0]), answer.text
    if case.status == 404:
        assert (answer.json()["code"], answer.json()["charged"]) == ("NOT_FOUND", False)
    else:
        assert case.proves(answer.json(), owned), answer.text
    told = f"{answer.headers} {answer.text}"
    assert not [word for word in (CANARY, alice.name, alice.token, alice.key or "-") if word in told]
    assert _everything_of(alice, stack) == before
    assert bob.paid_requests() == []


def test_the_same_is_hers_to_use(alice: User, owned: Owned) -> None:
    """Else the 404s above would prove nothing."""
    assert alice.get(f"/v1/jobs/{owned.job}").status_code == 200
    assert [row["job_id"] for row in alice.receipts() if "-plan" not in row["job_id"]] == [owned.job]
    assert alice.get(f"{TALKS}/{owned.conversation}").json()["title"] == CANARY
    assert alice.get(f"{RECIPES}/{owned.recipe}").status_code == 200
    for source in ({"job_id": owned.job}, {"upload_id": owned.upload}):
        answer = alice.post(EDITS, {"prompt": "add a hat", "model": KLEIN, **source}, headers=ASYNC)
        assert answer.status_code == 202, answer.text
        alice.until(answer.json()["id"], "succeeded")


def test_a_link_leads_to_one_object_and_nowhere_else(alice: User, owned: Owned) -> None:
    (image,) = alice.job(owned.job)["output"]["images"]
    address, _, signature = image["url"].partition("?")
    assert httpx.get(image["url"], trust_env=False).status_code == 200
    assert "X-Amz-Signature" in signature
    assert alice.name in address


def test_every_route_of_the_template_is_tried() -> None:
    # The page's files are everybody's.
    routes = {route.key for route in TEMPLATE.routes if not route.path.startswith("/studio/")}
    assert CASES.keys() | NAMELESS == routes
    assert not CASES.keys() & NAMELESS
    # Azure's paths name a model, and nothing of anybody's.
    assert not [route for route in NAMELESS - {"POST /openai/{proxy+}"} if "{" in route]
