"""The queue of paid jobs and of webhooks' deliveries · the sweep of what workers left behind, dead letters too
(schedule) · monthly reports (schedule, `{"task": "monthly-report"}`; with a `month`, of that one) · reading an answer
again, once what reads it was mended (`{"task": "reread", "user": …, "job": …}`)
"""

from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from darkroom import bootstrap
from darkroom.errors import DarkroomError
from darkroom.events import sqs
from darkroom.models.deadline import Deadline
from darkroom.observability import logger

# What ending in good order takes.
_MARGIN = 5.0


def handler_of(services: bootstrap.WorkerServices) -> bootstrap.Handler:
    def handle(event: dict[str, Any], context: Any) -> Any:
        deadline = Deadline(max(0.0, context.get_remaining_time_in_millis() / 1000 - _MARGIN))

        def on_message(message: dict[str, Any], _: SQSRecord) -> None:
            if "delivery_id" in message:
                services.webhooks.run(message["user"], message["delivery_id"])
            else:
                services.worker.run(message["user"], message["job_id"], deadline)

        if "Records" in event:
            return sqs.each_message(event, context, on_message, services.postpone)
        if event.get("task") == "monthly-report":
            made = services.reports.begin(deadline, month=event.get("month"))
            logger.info("Reports", extra=made)
            return made
        if event.get("task") == "reread":
            return _reread(services, event)
        swept = services.sweep.run(deadline)
        logger.info("Swept", extra=dict(swept))
        if going_on := services.reports.go_on(deadline):
            logger.info("Reports", extra=going_on)
        return swept

    return handle


def _reread(services: bootstrap.WorkerServices, event: dict[str, Any]) -> dict[str, Any]:
    try:
        job = services.rereading.run(str(event.get("user")), str(event.get("job")))
    except DarkroomError as error:
        return error.problem()
    return {"job": job.id, "status": job.status.value, "images": len(job.images)}
