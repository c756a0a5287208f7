"""The queue of paid jobs and of webhooks' deliveries · the sweep of what workers left behind, dead letters too
(schedule) · monthly reports (schedule, `{"task": "monthly-report"}`; with a `month`, of that one) · reading an answer
again, once what reads it was mended (`{"task": "reread", "user": …, "job": …}`)
"""

from typing import Any

from darkroom.application import Application, Handler
from darkroom.errors import DarkroomError
from darkroom.events import sqs
from darkroom.models.deadline import Deadline
from darkroom.observability import logger

# What ending in good order takes.
_MARGIN = 5.0


def handler_of(app: Application) -> Handler:
    # What else there is to do nobody waits for, or it is seldom: that is loaded when it is first done.
    app.load("worker")

    def handle(event: dict[str, Any], context: Any) -> Any:
        deadline = Deadline(max(0.0, context.get_remaining_time_in_millis() / 1000 - _MARGIN))

        def on_message(message: dict[str, Any]) -> None:
            if "delivery_id" in message:
                app.webhooks.run(message["user"], message["delivery_id"])
            else:
                app.worker.run(message["user"], message["job_id"], deadline)

        if "Records" in event:
            return sqs.each_message(event, context, on_message, app.ports.job_queue.postpone)
        if event.get("task") == "monthly-report":
            made = app.reports.begin(deadline, month=event.get("month"))
            logger.info("Reports", extra=made)
            return made
        if event.get("task") == "reread":
            return _reread(app, event)
        swept = app.sweep.run(deadline)
        logger.info("Swept", extra=dict(swept))
        if going_on := app.reports.go_on(deadline):
            logger.info("Reports", extra=going_on)
        return swept

    return handle


def _reread(app: Application, event: dict[str, Any]) -> dict[str, Any]:
    try:
        job = app.rereading.run(str(event.get("user")), str(event.get("job")))
    except DarkroomError as error:
        return error.problem()
    return {"job": job.id, "status": job.status.value, "images": len(job.images)}
