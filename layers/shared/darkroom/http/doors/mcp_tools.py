"""The tools: each makes one of our own requests of its arguments, and hands it to the service of our own route."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from pydantic import BaseModel

from darkroom.errors import InvalidParameter
from darkroom.http.app import validated
from darkroom.http.doors import mcp_lists
from darkroom.http.doors.mcp_arguments import (
    ApplyRecipe,
    Arguments,
    EditImage,
    EditInChat,
    EstimateCost,
    GenerateImage,
    GetJob,
    ListImages,
    ListModels,
    RemoveBackground,
    UploadUrl,
    input_schema,
    output_schema,
)
from darkroom.http.doors.mcp_calls import Call
from darkroom.http.doors.mcp_results import Made, Refusal
from darkroom.http.recipe_body import application_of
from darkroom.http.schemas.conversations import NewConversation
from darkroom.http.schemas.jobs import UploadForm
from darkroom.http.schemas.messages import NewMessage
from darkroom.http.schemas.models import Estimate
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.image_input import edit_fields
from darkroom.models.image_request import EditRequest, ImageRequest
from darkroom.models.money import MicroUsd

Result = dict[str, Any]


class Tool(Struct, frozen=True):
    """Args:
    description: read by models, who choose by it.
    arguments: what it takes.
    answers: the model of its `structuredContent`.
    work: (call, arguments) -> result
    reads: whether it changes nothing.
    """

    title: str
    description: str
    arguments: type[Arguments]
    answers: type[BaseModel]
    work: Callable[[Call, Any], Result]
    reads: bool = False

    def run(self, call: Call, given: Mapping[str, Any]) -> Result:
        """Raises InvalidParameter, InvalidPrompt, and as the service does."""
        said = {name: value for name, value in given.items() if value is not None}
        return self.work(call, validated(self.arguments, said))


def listed() -> list[dict[str, Any]]:
    """As `tools/list` has them."""
    return [
        {
            "name": name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": input_schema(tool.arguments),
            "outputSchema": output_schema(tool.answers, Refusal),
            "annotations": {
                "title": tool.title,
                "readOnlyHint": tool.reads,
                "destructiveHint": False,
                "openWorldHint": not tool.reads,
            },
        }
        for name, tool in TOOLS.items()
    ]


def _generate(call: Call, said: GenerateImage) -> Result:
    fields = {**said.said, "response_format": "url"}
    request = validated(ImageRequest, fields)
    if said.max_cost_usd is None and (quote := _quoted(call, "generate", fields, _pictures(said.n))):
        return quote
    terms = call.terms
    return call.submitted(call.app.generate.submit(call.api.caller, request, terms), terms)


def _edit(call: Call, said: EditImage) -> Result:
    given = said.said
    pictures = [given.pop("image"), *given.pop("other_images", ())]
    fields = {**given, "image": pictures, "response_format": "url"}
    request = validated(EditRequest, edit_fields(fields))
    if said.max_cost_usd is None and (quote := _quoted(call, "edit", fields, _pictures(said.n))):
        return quote
    terms = call.terms
    return call.submitted(call.app.edit.submit(call.api.caller, request, terms), terms)


def _remove(call: Call, said: RemoveBackground) -> Result:
    request = validated(CutoutRequest, said.said)
    if said.max_cost_usd is None:
        named = {"provider": "removebg"} if said.cloud else {}
        own = {} if said.cloud is None else {"provider": named.get("provider", "auto")}
        if quote := _quoted(call, "remove", own, "the cut-out"):
            return quote
    terms = call.terms
    return call.submitted(call.app.queued_removal.submit(call.api.caller, request, terms), terms)


def _chat(call: Call, said: EditInChat) -> Result:
    if said.conversation_id is not None and said.image is not None:
        raise InvalidParameter(
            "A conversation that goes on takes no new picture.",
            fix="Leave `conversation_id` out to begin one with `image`, or leave `image` out.",
            param="image",
        )
    beside = {name: value for name, value in said.said.items() if name in ("model", "image_model", "max_cost_usd")}
    message = validated(NewMessage, {"content": said.message, **beside})
    if said.max_cost_usd is None:
        return _message_quoted(call, said, message)
    terms, app = call.terms, call.app
    if said.conversation_id is not None:
        submission = app.turns.submit(call.api.caller, said.conversation_id, message.content, terms, message.choices)
    else:
        source = None if said.image is None else NewConversation.of({"image": said.image}).source
        submission = app.first_turn.submit(call.api.caller, source, message.content, terms, message.choices)
    return call.submitted(submission, terms)


def _message_quoted(call: Call, said: EditInChat, message: NewMessage) -> Result:
    """What planning the message costs, and painting what it may paint."""
    about = "the message, should it need a painting,"
    if said.conversation_id is None:
        models = {name: value for name, value in said.said.items() if name in ("model", "image_model")}
        turn = call.app.estimates.estimate(call.user, {"for": "turn", "paint": True, **models})
        return call.priced(turn.total, _sum(each.reserve for each in turn.items), about=about)
    conversation = call.app.conversations.find(call.user, said.conversation_id)
    found = call.app.forecasts.of_message(call.api.caller, conversation, message.content, message.choices)
    parts = [each for each in (found.plan, found.paint) if each is not None]
    total, reserve = _sum(each.estimated for each in parts), _sum(each.reserved for each in parts)
    return call.priced(total, reserve, about=about)


def _recipe(call: Call, said: ApplyRecipe) -> Result:
    fields = {name: value for name, value in said.said.items() if name != "images"}
    request = application_of({**fields, "images": list(said.images)})
    terms = call.terms
    if said.allow_paid and terms.idempotency_key is None:
        # Batches have no answers that wait for the same request: it is told by its mark, as by a key.
        terms = terms.model_copy(update={"idempotency_key": f"mcp-{call.mark}"})
    return call.submitted(call.app.recipes.apply(call.api.caller, request, terms), terms)


def _quoted(call: Call, task: str, fields: Mapping[str, Any], about: str) -> Result | None:
    own = {name: value for name, value in fields.items() if name != "response_format"}
    return call.quote(call.app.estimates.estimate(call.user, {"for": task, **own}), about=about)


def _pictures(count: int) -> str:
    return "the picture" if count == 1 else f"the {count} pictures"


def _sum(amounts: Any) -> MicroUsd | None:
    every = list(amounts)
    return None if None in every else sum(every)


_PAID: Final = (
    "Call it first without max_cost_usd to get a quote, or with the most that it may cost (dollars), which is never "
    "exceeded. The answer has a small preview, a link, and what it cost."
)
TOOLS: Final[Mapping[str, Tool]] = {
    "generate_image": Tool("Generate a picture", f"Makes pictures from words. {_PAID}", GenerateImage, Made, _generate),
    "edit_image": Tool(
        "Edit a picture",
        "Has a model paint a picture over, as a whole or where a mask lets it. For crops, colors, text, sizes and the "
        f"like edit_in_chat is exact, and cheaper. {_PAID}",
        EditImage,
        Made,
        _edit,
    ),
    "remove_background": Tool(
        "Remove the background",
        "Cuts the subject out. It costs nothing, unless remove.bg is asked for by `cloud`. The answer has a small "
        "preview and a link.",
        RemoveBackground,
        Made,
        _remove,
    ),
    "edit_in_chat": Tool(
        "Edit a picture by talking",
        "Says one message about a picture: exact edits (crop, colors, text, background, …), a painting where nothing "
        f"else will do, undo. The answer has the conversation's id, with which the next message goes on. {_PAID}",
        EditInChat,
        Made,
        _chat,
    ),
    "apply_recipe": Tool(
        "Apply a recipe",
        "Takes the steps of a recipe on up to 500 pictures. It costs nothing, but for painted steps, which need "
        "allow_paid and max_cost_usd.",
        ApplyRecipe,
        Made,
        _recipe,
    ),
    "list_models": Tool(
        "List models",
        "The models that make, edit or cut out pictures, with today's prices and how long they took here.",
        ListModels,
        mcp_lists.ModelRows,
        mcp_lists.models,
        reads=True,
    ),
    "estimate_cost": Tool(
        "Estimate a cost",
        "What requests would cost. Nothing is sent, kept or charged.",
        EstimateCost,
        Estimate,
        mcp_lists.estimate,
        reads=True,
    ),
    "get_job": Tool(
        "Look at a job",
        "How a job stands, and what it made, with fresh links and previews.",
        GetJob,
        Made,
        mcp_lists.job,
        reads=True,
    ),
    "list_images": Tool(
        "List pictures",
        "The user's pictures, newest first.",
        ListImages,
        mcp_lists.Pictures,
        mcp_lists.images,
        reads=True,
    ),
    "upload_url": Tool(
        "Upload a file",
        "A form for a file of up to 50 MB: send its fields, and then the file as `file`, as multipart/form-data, and "
        "name the picture by its upload_id.",
        UploadUrl,
        UploadForm,
        mcp_lists.upload,
    ),
}
