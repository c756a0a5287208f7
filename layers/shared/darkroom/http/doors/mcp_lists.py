"""The tools that cost nothing: models, estimates, jobs, pictures, uploads."""

from typing import Any

from darkroom.http.app import validated
from darkroom.http.doors.mcp_arguments import EstimateCost, GetJob, ListImages, ListModels, UploadUrl
from darkroom.http.doors.mcp_calls import Call, told
from darkroom.http.doors.mcp_results import Made, of_job, result
from darkroom.http.operation import Answer, absent
from darkroom.http.responder import Answering
from darkroom.http.schemas import model_views
from darkroom.http.schemas.common import Usd
from darkroom.http.schemas.jobs import UploadForm
from darkroom.models.model_query import ModelQuery
from darkroom.models.model_row import ModelRow
from darkroom.models.money import MicroUsd, in_dollars
from darkroom.models.upload import UploadRequest
from darkroom.services.jobs.groups import JobFilter
from darkroom.services.paid.waiting import is_answer

# What putting the answer together takes.
_AFTERWARDS = 3.0


class Row(Answer):
    """A model in short; GET /v1/models/{id} has all of it."""

    id: str
    name: str
    estimated_usd: dict[str, Usd | None]
    seconds: float | None = absent("Median of the last runs here.")
    tags: tuple[str, ...] = ()
    best_for: str | None = absent()
    is_default: bool = False


class ModelRows(Answer):
    data: tuple[Row, ...]
    total: int


class Pictures(Answer):
    data: tuple[Made, ...]
    next_cursor: str | None


def models(call: Call, said: ListModels) -> dict[str, Any]:
    if said.task == "remove":
        return _cutters(call)
    wanted = {"q": said.search, "for": said.task, "max_price": said.max_price_usd}
    wanted |= {name: getattr(said, name) for name in ("recommend", "sort", "free")}
    query = validated(ModelQuery, {name: value for name, value in wanted.items() if value is not None})
    seen = call.app.models.find(call.user, query)
    rows = tuple(_row(each, said.task) for each in seen.rows[: said.limit])
    lines = [f"{len(seen.rows)} models; prices are of one ordinary picture or turn."]
    lines += [f"{each.id}: {_prices(each)}{f', {each.seconds:.0f} s' if each.seconds else ''}" for each in rows]
    return told(ModelRows(data=rows, total=len(seen.rows)), "\n".join(lines))


def _cutters(call: Call) -> dict[str, Any]:
    stack = call.app.settings
    named, acknowledged = stack.background_model, stack.acknowledged_licences
    listed = model_views.segmentation_list(named, acknowledged, stack.weights_dir, stack.cutout_models)
    rows = tuple(
        Row(id=each.id, name=each.id, estimated_usd={"remove": 0.0}, best_for=each.best_for, is_default=each.default)
        for each in listed.data
        if each.installed and each.acknowledged
    )
    lines = [f"{each.id}: {each.best_for}" for each in rows]
    return told(ModelRows(data=rows, total=len(rows)), "\n".join(["They cost nothing.", *lines]))


def _row(row: ModelRow, task: str | None) -> Row:
    prices = {name: _dollars(each) for name, each in row.estimates.items() if task in (None, name)}
    return Row(
        id=row.id,
        name=row.name,
        estimated_usd=prices,
        seconds=row.median_seconds,
        tags=row.tags,
        best_for=row.note.best_for if row.note else None,
        is_default=row.recommended,
    )


def _prices(row: Row) -> str:
    told = [f"{task} {'of unknown price' if usd is None else f'${usd:.4f}'}" for task, usd in row.estimated_usd.items()]
    return ", ".join(told) or "no price is published"


def _dollars(amount: MicroUsd | None) -> float | None:
    return None if amount is None else float(in_dollars(amount))


def estimate(call: Call, said: EstimateCost) -> dict[str, Any]:
    fields = {"for": said.task, **{name: value for name, value in said.said.items() if name != "task"}}
    if said.task == "turn":
        fields["paint"] = True
    found = call.app.estimates.estimate(call.user, fields)
    total = found.total
    price = "is not known: nobody says what it would be" if total is None else f"would be about ${in_dollars(total):f}"
    words = [f"The cost {price}. Nothing was charged.", *(each for item in found.items for each in item.warnings)]
    return told(model_views.estimate(found), "\n".join(words))


def job(call: Call, said: GetJob) -> dict[str, Any]:
    found = call.app.jobs.as_shown(call.app.jobs.find(call.user, said.job_id))
    if said.wait_seconds and not is_answer(found):
        left = min(call.api.transport.door.max_wait, call.api.seconds_left - _AFTERWARDS)
        found = Answering(call.app).wait(found, min(said.wait_seconds, max(0.0, left)) / call.together)
    if is_answer(found):
        return call.result_of(found)
    return result(of_job(call.app.jobs.show(found)), previews=(), takes_links=call.takes_links)


def images(call: Call, said: ListImages) -> dict[str, Any]:
    app, user = call.app, call.user
    wanted = JobFilter(
        has_images=True,
        words=tuple((said.search or "").split()),
        model=said.model,
        conversation=said.conversation_id,
        favorite=said.favorite,
    )
    before = app.cursors.decode(user, "jobs", said.cursor)
    groups, next_id = app.jobs.page(user, wanted, limit=said.limit, before=before)
    found = tuple(of_job(app.jobs.show(each.job, most_images=4)) for each in groups)
    lines = [f"{each.job_id}: {_named(each)}" for each in found]
    page = Pictures(data=found, next_cursor=app.cursors.encode(user, "jobs", next_id))
    return told(page, "\n".join(lines or ["There are none."]))


def _named(made: Made) -> str:
    shown = ", ".join(f"{each.width}x{each.height} {each.url}" for each in made.images)
    return f"{made.status}{f' by {made.model}' if made.model else ''}. {shown}"


def upload(call: Call, said: UploadUrl) -> dict[str, Any]:
    made = call.app.uploads.create(call.user, validated(UploadRequest, {"media_type": said.media_type}))
    form = UploadForm(**dict(made))
    fields = " ".join(f"-F '{name}={value}'" for name, value in form.fields.items())
    words = (
        f"Send the file within the hour: curl {fields} -F 'file=@picture' '{form.url}'. Then name it as "
        f"`{form.upload_id}` where a tool takes a picture."
    )
    return told(form, words)
