"""How a caller stands with their limits, as headers, and what those are told who are over one.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/12/: both headers are lists with an item for each
limit, named by its policy.
"""

from darkroom.errors import TooManyRequests
from darkroom.models.rate_limit import WINDOW_SECONDS, Standing

_WHOSE = {"user": "This user has", "token": "This API token has", "address": "This address has", "guest": "Guests here"}


def rate_headers(standing: Standing) -> dict[str, str]:
    """`ratelimit-policy` and `ratelimit`; empty where there is no limit."""
    if not standing.allowances:
        return {}
    policies = (f'"{each.policy}";q={each.limit};w={WINDOW_SECONDS}' for each in standing.allowances)
    stands = (f'"{each.policy}";r={each.remaining};t={standing.resets_in}' for each in standing.allowances)
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(stands)}


def require_within(standing: Standing) -> None:
    """Raises TooManyRequests."""
    for each in standing.allowances:
        if each.policy == standing.refused:
            raise TooManyRequests(
                f"{_WHOSE[each.policy]} made {each.limit} requests in this minute, as many as this stack takes.",
                fix=f"Send it again in {standing.resets_in} s; nothing was done.",
                retry_after=standing.resets_in,
                context={"violated-policies": [each.policy]},
            )
