"""/v1/conversations: begin, list, show, remove · messages · undo, redo, branch · versions, compare, recipe

Beside it `/v1/recipes` (`http.routes.recipes`), `POST /v1/chat/completions` (`http.routes.completions`) and `POST /mcp`
(`http.doors.mcp`).
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, answered, see_other, validated
from darkroom.http.responder import Answering, terms_of
from darkroom.http.schemas import conversations as declared
from darkroom.http.schemas.conversations import (
    ConversationList,
    NewBranch,
    NewConversation,
    RemovedConversation,
    TwoVersions,
    VersionComparison,
    is_field,
    listed,
    says_nothing,
    show,
    show_turn,
    show_version,
)
from darkroom.http.schemas.forecasts import show_estimate
from darkroom.http.schemas.jobs import Job as JobView
from darkroom.http.schemas.jobs import PictureQuery
from darkroom.http.schemas.messages import NewEstimate, NewMessage, NewMessageBody
from darkroom.http.schemas.recipes import NewVersion, exported
from darkroom.models.image_input import picture_fields
from darkroom.models.job import Job
from darkroom.models.source import ImageSource
from darkroom.services.conversations.conversations import read_version
from darkroom.services.conversations.versions import version_of
from darkroom.services.pricing.answer_sizes import MAX_INLINE_BYTES
from darkroom.services.recipes.recipes import export


def routes(app: Application) -> Api:
    api = Api(app.callers, app.rates)
    app.load("by_hand", "conversations", "cursors", "durations", "forecasts", "jobs", "turns")
    _conversations(api, app)
    _messages(api, app)
    _versions(api, app)
    api.serve_later(lambda: _recipes(api, app), "/v1/recipes", "/v1/recipes/")
    api.serve_later(lambda: _completions(api, app), "/v1/chat/completions", "/v1/responses", "/openai/")
    api.serve_later(lambda: _mcp(api, app), "/mcp")
    return api


def _recipes(api: Api, app: Application) -> None:
    from darkroom.http.routes.recipes import mount

    mount(api, app)


def _completions(api: Api, app: Application) -> None:
    from darkroom.http.routes.completions import complete_route

    complete_route(api, app)


def _mcp(api: Api, app: Application) -> None:
    from darkroom.http.doors.mcp import mcp_route

    mcp_route(api, app)


def _conversations(api: Api, app: Application) -> None:
    conversations, link = app.conversations, app.ports.images.link_output

    @api.serve(declared.CREATE)
    def create() -> Response[Any]:
        new = NewConversation.of(
            api.query_of(is_field) if says_nothing(api.body, api.headers) else api.request.fields(is_field)
        )
        conversation = conversations.create(api.user, new.source, new.title)
        return answered(show(conversation, link), 201, {"location": f"/v1/conversations/{conversation.id}"})

    @api.serve(declared.LIST)
    def list_conversations() -> Response[Any]:
        query = api.query_as(declared.ConversationsQuery)
        before = app.cursors.decode(api.user, "conversations", query.cursor)
        found, next_id = conversations.page(api.user, limit=query.limit, before=before)
        next_cursor = app.cursors.encode(api.user, "conversations", next_id)
        data = tuple(listed(each, link) for each in found)
        return answered(ConversationList(data=data, next_cursor=next_cursor))

    @api.serve(declared.SHOW)
    def show_conversation(conversation_id: str) -> Response[Any]:
        return answered(show(conversations.find(api.user, conversation_id), link))

    @api.serve(declared.REMOVE)
    def remove_conversation(conversation_id: str) -> Response[Any]:
        conversations.remove(api.user, conversation_id)
        return answered(RemovedConversation(id=conversation_id))


def _messages(api: Api, app: Application) -> None:
    answering = Answering(app)

    @api.serve(declared.SAY)
    def say(conversation_id: str) -> Response[Any]:
        terms = terms_of(api)
        given = api.request.fields(NewMessageBody.model_fields)
        mask = _mask_in(given)
        said = validated(NewMessage, given)
        submission = app.turns.submit(api.caller, conversation_id, said.content, terms, said.choices, mask=mask)

        return answering.respond(api, submission, lambda job: _turn(app, job), terms, what="The reply is")

    @api.serve(declared.ESTIMATE)
    def estimate(conversation_id: str) -> Response[Any]:
        given = api.request.fields(NewMessageBody.model_fields) if api.body else {}
        # It changes nothing about the price.
        _mask_in(given)
        said = validated(NewEstimate, given)
        conversation = app.conversations.find(api.user, conversation_id)
        found = app.forecasts.of_message(api.caller, conversation, said.content, said.choices)
        return answered(show_estimate(found))


def _versions(api: Api, app: Application) -> None:
    conversations, images = app.conversations, app.ports.images
    link = images.link_output

    @api.serve(declared.UNDO)
    def undo(conversation_id: str) -> Response[Any]:
        return answered(show(conversations.undo(api.user, conversation_id), link))

    @api.serve(declared.REDO)
    def redo(conversation_id: str) -> Response[Any]:
        return answered(show(conversations.redo(api.user, conversation_id), link))

    @api.serve(declared.BRANCH)
    def branch(conversation_id: str) -> Response[Any]:
        version = validated(NewBranch, api.request.fields(NewBranch.model_fields)).version
        return answered(show(conversations.branch(api.user, conversation_id, version), link))

    @api.serve(declared.MAKE_VERSION)
    def make_version(conversation_id: str) -> Response[Any]:
        terms = terms_of(api)
        new = validated(NewVersion, api.request.fields(NewVersion.model_fields))
        submission = app.by_hand.make(api.caller, conversation_id, new.base, new.steps, terms)
        return Answering(app).respond(api, submission, lambda job: _turn(app, job), terms, what="The version is")

    @api.serve(declared.SHOW_VERSION)
    def show_one(conversation_id: str, version_id: str) -> Response[Any]:
        conversation = conversations.find(api.user, conversation_id)
        version = version_of(conversation, version_id)
        if api.query_as(PictureQuery).size == "thumb":
            from darkroom.http.pictures import answer_picture

            until = conversation.expires_at
            return answer_picture(app, api, version.image, made_at=version.created_at, until=until)
        if not api.request.wants_image():
            return answered(show_version(conversation_id, version, link))
        image = version.image
        data = read_version(images, version)
        return picture_response(data, image.media_type, link(image.key), name=f"{conversation_id}-{version.id}")

    @api.serve(declared.COMPARE)
    def compare(conversation_id: str) -> Response[Any]:
        two = api.query_as(TwoVersions)
        found = conversations.compare(api.user, conversation_id, two.a, two.b)
        if api.request.wants_image():
            name = f"{conversation_id}-{two.a}-{two.b}"
            return picture_response(found.data, "image/png", link(found.key), name=name)
        width, height = found.size
        shown = VersionComparison(
            a=two.a, b=two.b, similarity=found.similarity, url=link(found.key), width=width, height=height
        )
        return answered(shown)

    @api.serve(declared.EXPORT)
    def recipe(conversation_id: str) -> Response[Any]:
        version = api.query_as(declared.RecipeQuery).version
        steps = conversations.recipe(conversations.find(api.user, conversation_id), version)
        return answered(exported(export(steps)))


def _mask_in(fields: dict[str, Any]) -> ImageSource | None:
    """Takes the mask out of a message's fields. Raises InvalidParameter."""
    found: dict[str, Any] = {name: fields.pop(name) for name in ("mask", "mask[]") if name in fields}
    return picture_fields(found)[1]


def _turn(app: Application, job: Job) -> Response[Any]:
    conversation = app.turns.conversation_after(job)
    shown = JobView.model_validate(app.jobs.show(job))
    return answered(show_turn(job, conversation, shown, app.ports.images.link_output))


def picture_response(data: bytes, media_type: str, url: str, *, name: str) -> Response[Any]:
    """The picture itself, or where it is if it is too large for an answer."""
    if len(data) > MAX_INLINE_BYTES:
        return see_other(url, {})
    filename = f"{name}.{media_type.partition('/')[2]}"
    return Response(200, media_type, data, headers={"content-disposition": f'inline; filename="{filename}"'})
