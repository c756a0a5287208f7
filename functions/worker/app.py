"""The queue of paid jobs and of webhooks' deliveries · the sweep of what workers left behind, dead letters too
(schedule) · monthly reports (schedule, `{"task": "monthly-report"}`; with a `month`, of that one) · reading an answer
again, once what reads it was mended (`{"task": "reread", "user": …, "job": …}`)
"""

from darkroom.application.on_aws import entry
from darkroom.events.worker import handler_of

lambda_handler = entry(handler_of)
