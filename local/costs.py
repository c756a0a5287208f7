"""What Darkroom costs on AWS: an idle month, and a thousand of each kind of work. Computed from the template.

    python -m local.costs               # the tables of docs/cost.md
    python -m local.costs RemovalMemory=2048 VaultKeyRotation=true

Memory, queues that are polled, alarms, keys and schedules are read from `template.yaml` as it is deployed with the
parameters; prices stand in `local/prices.toml` with their date. How long each function runs for a piece of work
(`JOURNEYS`) is the provider's time, which it waits for, and the time it works, which grows as memory shrinks: Lambda
gives processor time in proportion. How many calls a piece of work makes is held by a test that counts them.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.template import Template

ROOT: Final = Path(__file__).resolve().parent.parent
PRICES: Final[dict[str, Any]] = tomllib.loads((ROOT / "local" / "prices.toml").read_text())
# Of a month as AWS counts it.
_HOURS: Final = 730
# Lambda polls an idle queue with five long polls of 20 seconds at a time.
_POLLS_AN_HOUR: Final = 5 * 3600 / 20
# MB at which a function has a processor to itself.
_ONE_PROCESSOR: Final = 1769
# Provider's seconds: of a picture, and of the words that plan a turn.
PICTURE: Final = 8.0
PLAN: Final = 4.0


@dataclass(frozen=True, slots=True)
class Run:
    """Args: waits: seconds for others. works: seconds of a whole processor."""

    waits: float
    works: float

    def seconds(self, memory: int) -> float:
        return self.waits + self.works * max(1.0, _ONE_PROCESSOR / memory)


@dataclass(frozen=True, slots=True)
class Journey:
    """One piece of work, from the request to the answer.

    Args:
        runs: by function.
        writes, reads: DynamoDB's units, those of the index among them, without the looks at a job that is waited for.
            The account of a request is one call, and a read unit for each of its rows.
        log_bytes: of all functions together.
        streamed_mb: of the answer, at a function URL; None behind API Gateway.
    """

    runs: Mapping[str, Run]
    writes: int
    reads: int
    s3_puts: int
    s3_gets: int
    sqs: int
    kms: int
    log_bytes: int = 6_000
    streamed_mb: float | None = None


# Half a unit for a partition of the index that has nothing in it: jobs, cut-outs, webhooks, each in eight shards and in
# the one of earlier versions.
_SWEEP_READS: Final = 3 * 9 / 2
# Seconds that one call of AWS is waited for, and that a message takes to its worker.
_CALL: Final = 0.006
_HANDOVER: Final = 0.05
# Seconds between the worker's end and the next look at the job: half of the pause between looks; see `_looks`.
_LATE_PICTURE: Final = 0.15
# MB of a picture of 1024 by 1024 pixels as PNG, in base64.
_PNG_MB: Final = 2.0
JOURNEYS: Final = {
    "image": Journey(
        {
            "GenerateFunction": Run(PICTURE + 11 * _CALL + _HANDOVER + _LATE_PICTURE, 0.09),
            "WorkerFunction": Run(PICTURE + 5 * _CALL, 0.14),
        },
        writes=32,
        reads=18,
        s3_puts=1,
        s3_gets=1,
        sqs=3,
        kms=1,
    ),
    "edit": Journey(
        {
            "EditFunction": Run(PICTURE + 13 * _CALL + _HANDOVER + _LATE_PICTURE, 0.29),
            "WorkerFunction": Run(PICTURE + 6 * _CALL, 0.19),
        },
        writes=32,
        reads=18,
        s3_puts=2,
        s3_gets=2,
        sqs=3,
        kms=1,
    ),
    # In place: the function that is asked does it all (docs/adr/0038-turns-in-place.md).
    "chat turn": Journey(
        {"ChatFunction": Run(PLAN + 19 * _CALL, 0.34)},
        writes=55,
        reads=12,
        s3_puts=3,
        s3_gets=1,
        sqs=0,
        kms=1,
    ),
    "painted chat turn": Journey(
        {"ChatFunction": Run(PLAN + PICTURE + 38 * _CALL, 0.42)},
        writes=90,
        reads=33,
        s3_puts=4,
        s3_gets=2,
        sqs=0,
        kms=1,
        log_bytes=10_000,
    ),
    "cut-out": Journey(
        {"RemoveBackgroundFunction": Run(0.2, 1.6)},
        writes=9,
        reads=9,
        # The result, the picture and the mask: a correction is made of the latter two.
        s3_puts=3,
        s3_gets=0,
        sqs=0,
        kms=0,
    ),
    "plain chat": Journey(
        {"ChatFunction": Run(PLAN + 11 * _CALL, 0.2)}, writes=32, reads=12, s3_puts=1, s3_gets=0, sqs=0, kms=1
    ),
    # In place, behind a function URL, which has no price but for what is streamed.
    "image at `ClientUrl`": Journey(
        {"LiveFunction": Run(PICTURE + 7 * _CALL, 0.2)},
        writes=32,
        reads=12,
        s3_puts=1,
        s3_gets=0,
        sqs=0,
        kms=1,
        streamed_mb=_PNG_MB,
    ),
    "edit at `ClientUrl`": Journey(
        {"LiveFunction": Run(PICTURE + 9 * _CALL, 0.4)},
        writes=32,
        reads=12,
        s3_puts=2,
        s3_gets=0,
        sqs=0,
        kms=1,
        streamed_mb=_PNG_MB,
    ),
    "plain chat at `ClientUrl`": Journey(
        {"LiveFunction": Run(PLAN + 8 * _CALL, 0.2)},
        writes=32,
        reads=12,
        s3_puts=1,
        s3_gets=0,
        sqs=0,
        kms=1,
        streamed_mb=0.1,
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """Args: what: in words. dollars: what it costs."""

    what: str
    dollars: float


def load(parameters: Mapping[str, str] | None = None) -> Template:
    template = Template.load(ROOT / "template.yaml", parameters=parameters, api_url="https://example.invalid")
    template.scope.ids.update({name: template.scope.name(name) for name in template.creation_order()})
    return template


def idle(template: Template) -> list[Line]:
    """The lines of a month in which nobody calls, free tiers that do not end taken off."""
    found = {kind: _of(template, kind) for kind in ("KMS::Key", "CloudWatch::Alarm", "CloudWatch::Dashboard")}
    alarms = sum(len(alarm.get("Metrics", [alarm])) for alarm in found["CloudWatch::Alarm"])
    keys = found["KMS::Key"]
    rotations = sum(2 for key in keys if key.get("EnableKeyRotation"))
    polls = len(template.queue_sources) * _POLLS_AN_HOUR * _HOURS
    sweeps = sum(_HOURS * 3600 / schedule.seconds for schedule in template.schedules if schedule.seconds)
    lines = [
        Line(f"{len(keys)} KMS key", len(keys) * _price("kms", "key")),
        Line(
            f"{len(template.queue_sources)} polled queues, {polls / 1e6:.2f} million requests",
            _beyond_free("sqs", "requests", polls + sweeps),
        ),
        Line(f"image in ECR, {image_gb():.2f} GB", image_gb() * _price("ecr", "gb_month")),
        Line(f"{alarms} alarm metrics", _beyond_free("cloudwatch", "alarm_metric", alarms)),
        Line("dashboard", _beyond_free("cloudwatch", "dashboard", len(found["CloudWatch::Dashboard"]))),
        Line(f"{sweeps:,.0f} sweeps", _sweeps(template, sweeps)),
    ]
    if rotations:
        lines.append(Line("the key's first two rotations", rotations * _price("kms", "key")))
    return lines


def per_thousand(template: Template, name: str) -> list[Line]:
    """What a thousand of them cost, without any free tier; what is kept and sent out is not in it."""
    journey = JOURNEYS[name]
    memory = {run: template.functions[run].memory for run in journey.runs}
    gb_seconds = sum(run.seconds(memory[each]) * memory[each] / 1024 for each, run in journey.runs.items())
    return [
        Line("memory", 1000 * gb_seconds * _price("lambda", "gb_second")),
        Line(
            "Lambda's and API Gateway's requests",
            1000
            * (
                len(journey.runs) * _price("lambda", "request")
                + (_price("http_api", "request") if journey.streamed_mb is None else 0.0)
            ),
        ),
        Line("streamed bytes", 1000 * streamed(journey.streamed_mb or 0.0)),
        Line(
            "DynamoDB",
            1000
            * (
                journey.writes * _price("dynamodb", "write")
                + (journey.reads + _looks(journey)) * _price("dynamodb", "read")
            ),
        ),
        Line("S3's requests", 1000 * (journey.s3_puts * _price("s3", "put") + journey.s3_gets * _price("s3", "get"))),
        Line("SQS and KMS", 1000 * (journey.sqs * _price("sqs", "requests") + journey.kms * _price("kms", "request"))),
        Line("logs", 1000 * journey.log_bytes / 1e9 * _price("cloudwatch", "log_gb")),
    ]


def streamed(megabytes: float) -> float:
    """Dollars for the bytes of one streamed answer: what is above those that are free in each."""
    return max(0.0, megabytes - _price("lambda", "stream_free_mb")) / 1000 * _price("lambda", "stream_gb")


def _looks(journey: Journey) -> int:
    """How often the function that waits looks at the job beyond the last look: see `services/paid/waiting.py`."""
    if len(journey.runs) == 1:
        return 0
    expected = max(run.waits for run in journey.runs.values())
    # Two early looks, one when it may be done, and then a pause of 4 % of the time, 0.3 seconds at the most.
    return 3 + round(0.25 * expected / min(0.04 * expected, 0.3))


def total(lines: list[Line]) -> float:
    return sum(line.dollars for line in lines)


def image_gb() -> float:
    return float(sum(PRICES["image"]["layers_mb"].values())) / 1000


def _sweeps(template: Template, count: float) -> float:
    memory = template.functions["WorkerFunction"].memory
    gb_seconds = count * Run(0.25, 0.08).seconds(memory) * memory / 1024
    return (
        _beyond_free("lambda", "gb_second", gb_seconds)
        + _beyond_free("lambda", "request", count)
        + count * _SWEEP_READS * _price("dynamodb", "read")
    )


def _of(template: Template, kind: str) -> list[dict[str, Any]]:
    resources = [template.resource(name) for name in template.creation_order()]
    return [each.properties for each in resources if each.type == f"AWS::{kind}"]


def _price(service: str, what: str) -> float:
    return float(PRICES[service][what])


def _beyond_free(service: str, what: str, amount: float) -> float:
    return max(0.0, amount - float(PRICES["free"][service][what])) * _price(service, what)


def tables(template: Template) -> Iterator[str]:
    """Lines of Markdown, with the totals that README and docs quote."""
    yield f"Prices of {PRICES['date']}, {PRICES['region']}."
    yield ""
    yield "| an idle month | $ |"
    yield "|---|---|"
    lines = idle(template)
    yield from (f"| {line.what} | {line.dollars:.2f} |" for line in lines)
    yield f"| **in all** | **{total(lines):.2f}** |"
    yield ""
    parts = {name: per_thousand(template, name) for name in JOURNEYS}
    yield "| 1,000 of | " + " | ".join(line.what for line in parts["image"]) + " | in all |"
    yield "|---" * (len(parts["image"]) + 2) + "|"
    for name, found in parts.items():
        cells = " | ".join(f"{line.dollars:.3f}" for line in found)
        kind, *place = name.partition(" at ")
        yield f"| {kind}s{''.join(place)} | {cells} | **${total(found):.2f}** |"


def main(*arguments: str) -> None:
    parameters = dict(argument.split("=", 1) for argument in arguments)
    sys.stdout.write("\n".join(tables(load(parameters))) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
