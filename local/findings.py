"""What a look at this machine or at AWS found, one line each."""

from collections.abc import Iterable
from dataclasses import dataclass

GOOD, NOTE, BAD = "ok  ", "note", "BAD "


@dataclass(frozen=True)
class Finding:
    mark: str
    text: str


def tell(findings: Iterable[Finding]) -> int:
    """Prints each as it is found. Returns the exit status: 1 if one of them is bad."""
    is_bad = False
    for finding in findings:
        print(f"{finding.mark}  {finding.text}", flush=True)
        is_bad |= finding.mark == BAD
    return int(is_bad)
