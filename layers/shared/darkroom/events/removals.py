"""The image function's queues: files dropped into the inbox, and jobs whose pictures are made in this function."""

from typing import Any

from darkroom.application import Application, Handler
from darkroom.events import sqs
from darkroom.models.deadline import Deadline

# What ending in good order takes, in seconds.
_MARGIN = 5.0


def handler_of(app: Application, on_request: Handler) -> Handler:
    """The function's handler. Args: on_request: answers HTTP requests, which have no queue's records."""
    app.load("cutout_worker", "postponed", "recipe_worker", "remove_background", "turn_render")

    def handle(event: dict[str, Any], context: Any) -> Any:
        if not sqs.is_queue_event(event):
            return on_request(event, context)
        deadline = Deadline(max(0.0, context.get_remaining_time_in_millis() / 1000 - _MARGIN))

        def on_job(user: str, job_id: str, receives: int) -> None:
            if app.turn_render.run(user, job_id) or app.cutout_worker.run(user, job_id, deadline, receives=receives):
                return
            if app.postponed.run(user, job_id, deadline, receives=receives):
                return
            app.recipe_worker.run(user, job_id, deadline, receives=receives)

        return sqs.each_dropped_file(
            event, context, app.remove_background.on_dropped, app.ports.render_queue.postpone, on_job=on_job
        )

    return handle
