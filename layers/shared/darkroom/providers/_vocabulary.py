"""The words by which providers say why they did not do it, in one table for all of them.

A word may stand in an error's `code`, `type`, `status`, `reason` or `metadata`, be the reason why a reply ended, or the
state of a task. It is compared in small letters with underscores: `RateLimitError`, `rate-limit-error` and
`RATE_LIMIT_ERROR` are one word. Sources, as of November 2026: OpenRouter's specification (`error_type`, availability
codes); OpenAI's guide to error codes; the error types of Anthropic's API; Google's `FinishReason`, `BlockedReason`,
`ErrorInfo.reason` and gRPC status names; Groq's and BFL's pages on errors; and the codes of Azure, ByteDance and
Alibaba, which OpenRouter passes on from its sources.
"""

import re
from collections.abc import Iterable
from typing import Final

from darkroom.errors import (
    AccessForbidden,
    ContentRefused,
    DarkroomError,
    InsufficientCredits,
    InvalidApiKey,
    InvalidParameter,
    InvalidPrompt,
    PayloadTooLarge,
    ProviderTimeout,
    RateLimited,
    ServiceUnavailable,
    UnsupportedModel,
    UnusableAnswer,
)

Kind = type[DarkroomError]

# What is said of the request or of the account, and will be said again.
_DECIDED: Final[tuple[tuple[Kind, str], ...]] = (
    (
        ContentRefused,
        """
        content_policy_violation content_policy content_policy_error content_policy_violation_error policy_violation
        usage_policy_violation moderation moderated moderation_error moderation_blocked image_moderation_blocked
        request_moderated content_moderated content_moderation input_moderated output_moderated content_filter
        content_filtered content_filter_error content_blocked content_flagged flagged output_blocked prompt_blocked
        responsible_ai_policy_violation safety safety_error safety_violation safety_system image_safety unsafe_content
        prohibited_content image_prohibited_content recitation image_recitation blocklist spii model_armor jailbreak
        refusal refused content_refused nsfw nsfw_content_detected nsfw_content sensitive_content sensitive
        sensitive_words_detected input_text_sensitive_content_detected input_image_sensitive_content_detected
        output_image_sensitive_content_detected output_text_sensitive_content_detected data_inspection_failed
        copyright cyber_policy guardrail_intervened
        """,
    ),
    (
        InsufficientCredits,
        """
        payment_required insufficient_quota insufficient_credits insufficient_credit insufficient_funds
        insufficient_balance insufficient_user_quota out_of_credits credits_exhausted credit_balance_exhausted
        credit_balance_too_low billing billing_error billing_disabled billing_not_active billing_not_enabled
        billing_hard_limit_reached billing_limit_reached spend_limit_exceeded spend_limit_reached
        organization_spend_limit_exceeded project_spend_limit_exceeded organization_usage_limit_exceeded
        project_usage_limit_exceeded key_limit_exceeded spending_limit_reached account_overdue_error arrearage
        """,
    ),
    (
        InvalidApiKey,
        """
        invalid_api_key api_key_invalid incorrect_api_key missing_api_key no_api_key api_key_expired expired_api_key
        api_key_disabled invalid_key invalid_x_api_key invalid_token token_expired authentication authentication_error
        authentication_failed auth_failed invalid_authentication unauthenticated unauthorized account_deactivated
        account_disabled access_terminated
        """,
    ),
    (
        UnsupportedModel,
        """
        model_not_found model_not_exist model_not_exists model_does_not_exist model_not_available model_unavailable
        model_not_supported model_decommissioned model_deprecated model_retired model_unavailable_upstream unknown_model
        invalid_model unsupported_model no_such_model deployment_not_found no_endpoints no_endpoints_found
        wrong_endpoint free_variant_ended privacy_restricted constraint_filtered
        """,
    ),
    (
        InvalidPrompt,
        """
        context_length_exceeded context_window_exceeded model_context_window_exceeded context_too_long
        max_tokens_exceeded token_limit_exceeded tokens_limit_reached too_many_tokens string_above_max_length
        string_too_long prompt_too_long prompt_too_large input_too_long input_too_large
        """,
    ),
    (
        AccessForbidden,
        """
        permission_denied permission_error access_denied insufficient_permissions region_restricted
        unsupported_country_region_territory ip_not_authorized organization_restricted blocked_api_access
        model_terms_required service_disabled consumer_suspended api_key_service_blocked must_be_verified
        """,
    ),
    (PayloadTooLarge, "request_too_large payload_too_large request_entity_too_large"),
    (
        InvalidParameter,
        """
        invalid_image invalid_image_format invalid_image_url image_parse_error image_too_large image_too_small
        image_not_found image_download_failed unsupported_image_format unsupported_image_media_type
        """,
    ),
    (UnusableAnswer, "tool_use_failed json_validate_failed output_parse_failed"),
)
# What may have passed in a moment.
_PASSING: Final[tuple[tuple[Kind, str], ...]] = (
    (
        RateLimited,
        """
        rate_limit rate_limited rate_limit_error rate_limit_exceeded rate_limit_reached too_many_requests
        resource_exhausted throttled throttling throttling_exception slow_down capacity_exhausted limit_requests
        limit_burst_rate rpm_limit_exceeded tpm_limit_exceeded
        """,
    ),
    (
        ServiceUnavailable,
        """
        overloaded overloaded_error provider_overloaded model_overloaded engine_overloaded server_is_overloaded
        provider_unavailable service_unavailable service_unavailable_error unavailable temporarily_unavailable
        capacity_exceeded server
        """,
    ),
    (ProviderTimeout, "timeout timeout_error gateway_timeout request_timeout deadline_exceeded"),
)
# Words that are said of much and decide nothing: the status that each amounts to where there is none.
_STATUS: Final = {
    **dict.fromkeys(
        ("bad_request", "invalid_request", "invalid_request_error", "invalid_argument", "invalid_prompt"), 400
    ),
    **dict.fromkeys(("image_generation_user_error", "invalid_value", "unsupported_value", "unknown_parameter"), 400),
    **dict.fromkeys(("invalid_parameter", "unsupported_parameter", "validation_error", "unprocessable"), 400),
    **dict.fromkeys(("failed_precondition", "precondition_failed", "out_of_range", "missing_required_parameter"), 400),
    "forbidden": 403,
    "not_found": 404,
    "not_found_error": 404,
    "conflict_error": 409,
    **dict.fromkeys(("server_error", "api_error", "internal_error", "internal_server_error", "internal"), 502),
    **dict.fromkeys(("upstream_error", "provider_error"), 502),
}

DECIDED: Final = {word: kind for kind, words in _DECIDED for word in words.split()}
PASSING: Final = {word: kind for kind, words in _PASSING for word in words.split()}
REFUSALS: Final = frozenset(word for word, kind in DECIDED.items() if kind is ContentRefused)

# Words that are not in the table: a verdict on what is forbidden is a refusal, whatever else the word has in it.
_FORBIDDEN: Final = frozenset(
    ("nsfw", "sensitive", "sexual", "violence", "violent", "hate", "harmful", "unsafe", "safety", "moderation")
)
_JUDGED: Final = frozenset(("content", "prompt", "image", "input", "output"))
_VERDICTS: Final = frozenset(("blocked", "flagged", "filtered", "moderated", "prohibited", "disallowed"))
_FINDINGS: Final = _VERDICTS | frozenset(("content", "detected", "violation", "violated", "refused"))

# What is said in sentences, where no word decides. Nothing here matches across more than one sentence.
_SENTENCES: Final[tuple[tuple[Kind, str], ...]] = (
    (
        ContentRefused,
        r"safety (?:system|filter|polic|guideline)|content (?:management )?polic|content moderation|content filter"
        r"|moderation (?:system|filter|polic)|usage polic|prohibited (?:use|content)|responsible ai"
        r"|(?:was|been|were|is) (?:flagged|moderated)\b|inappropriate content|unsafe content"
        r"|sensitive (?:content|words)"
        r"|\bnsfw\b|violat\w* [^.]{0,60}(?:polic|guideline|terms of)|blocked by [^.]{0,30}(?:safety|moderation)",
    ),
    (
        InsufficientCredits,
        r"insufficient (?:credit|fund|balance|quota)|credit balance is too low|out of credit|not enough credit"
        r"|requires more credits|billing hard limit|payment required|key limit exceeded"
        # A quota of nothing is what an account without billing has.
        r"|exceeded your current quota.*\blimit: 0\b",
    ),
    (
        InvalidApiKey,
        r"(?:invalid|incorrect|missing) (?:x-)?api[ -]key"
        r"|api key (?:is )?(?:not valid|invalid|expired|not found|disabled)"
        r"|no (?:cookie )?auth credentials|missing authentication|invalid authentication",
    ),
    (
        UnsupportedModel,
        r"not a valid model|cannot be used with the|no endpoints found|(?:unknown|no such) model"
        r"|models?\b[^.]{0,20}\S{0,100} (?:does not exist|(?:is |was )?not found|has been decommissioned)",
    ),
    (
        InvalidPrompt,
        r"prompt is too long|input is too long|maximum context length|context (?:length|window)[^.]{0,40}exceed"
        r"|exceed[^.]{0,60}context (?:length|window)|exceeds the maximum number of tokens|too many (?:input )?tokens",
    ),
    (AccessForbidden, r"location is not supported"),
)
_SAID: Final = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), kind) for kind, pattern in _SENTENCES)
_LIMITED: Final = re.compile(r"rate[ -]?limit|too many requests", re.IGNORECASE)
_SEAMS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_PREFIX: Final = re.compile(r"^(?:finish|block|blocked)_reason_")
MAX_WORD: Final = 200


def normal(word: str) -> str:
    """A word as the table has it: `InternalError.DataInspectionFailed` is `internal_error_data_inspection_failed`."""
    parts = (part for part in _SEAMS.split(word[:MAX_WORD]) if part)
    return _PREFIX.sub("", "_".join(parts).lower(), count=1)


def readings(word: str) -> tuple[str, ...]:
    """A word, and its parts where it has some: `content_filter: SAFETY`, `InternalError.DataInspectionFailed`."""
    parts = [part for part in re.split(r"[.:;,/|]", word[:MAX_WORD]) if part.strip()]
    return tuple(dict.fromkeys(normal(each) for each in (word, *reversed(parts))))


def is_refusal(word: str | None) -> bool:
    """Whether a reason to end, or a task's state, says that the content was refused."""
    return word is not None and any(each in REFUSALS or _is_verdict(each) for each in readings(word))


def _is_verdict(word: str) -> bool:
    """Whether a word in the table's spelling says that content was refused, as `sexual_content_blocked` does."""
    parts = set(word.split("_"))
    return bool((parts & _FORBIDDEN and parts & _FINDINGS) or (parts & _JUDGED and parts & _VERDICTS))


def kind_of_words(words: Iterable[str], table: dict[str, Kind]) -> tuple[Kind, str] | None:
    """The first of the words that the table knows, and what it means; of what is decided, also one that says so."""
    words = tuple(words)
    for word in words:
        for each in readings(word):
            if each in table:
                return table[each], word
    if table is DECIDED:
        return next(((ContentRefused, word) for word in words if any(map(_is_verdict, readings(word)))), None)
    return None


def kind_of_sentence(said: str) -> Kind | None:
    return next((kind for pattern, kind in _SAID if pattern.search(said)), None)


def is_about_limits(said: str) -> bool:
    return _LIMITED.search(said) is not None


def status_of_words(words: Iterable[str]) -> int | None:
    """The status that the first word amounts to which has one; also of a word that is a number, such as "429"."""
    for word in words:
        if re.fullmatch(r"[45][0-9]{2}", word):
            return int(word)
        for each in readings(word):
            if each in _STATUS:
                return _STATUS[each]
    return None
