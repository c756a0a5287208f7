"""Refuses, in a function's process, calls of AWS that its policies do not allow, before they are made.

It hangs on botocore's events, in every client that the process makes from then on; what the function is packed with
knows nothing of it. A link that S3 would refuse when it is used is refused when it is signed.
"""

import json
import sys
from collections.abc import Callable, Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from local.iam.calls import Calls, Need
from local.iam.policies import Decision, Policies

# What refusals are found by in logs.
REFUSED = "IAM REFUSES"
_HANDLERS = "botocore.handlers"
_MAX_REMEMBERED = 1000
_BUCKET = "darkroom.local.iam.bucket"
# Code and status of a refusal, where they are not AccessDeniedException and 400.
_CODES = {"s3": ("AccessDenied", 403), "sqs": ("AccessDenied", 403)}


class _Awaited(MetaPathFinder):
    """Does something as soon as botocore's handlers have been imported."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        if fullname != _HANDLERS:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                self._then()

            setattr(spec.loader, "exec_module", exec_module)  # noqa: B010 - mypy lets nothing assign to a method
        return spec


class Enforcement:
    """
    Args:
        rights: JSON: `user` (the role's ARN), `function`, `region`, `account`, `statements` and `partition_keys`.
    """

    def __init__(self, rights: str) -> None:
        given = json.loads(rights)
        self._user = given["user"]
        self._function = given["function"]
        self._policies = Policies(given["statements"])
        # Policies stay as they are for as long as a process lives.
        self._allowed: set[tuple[Any, ...]] = set()
        self._calls = Calls(given["region"], given["account"], given["partition_keys"])

    def install(self) -> None:
        """From now on, or once the function imports botocore: importing it here would slow down those that never do."""
        if _HANDLERS in sys.modules:
            self._register()
        else:
            sys.meta_path.insert(0, _Awaited(self._register))

    def _register(self) -> None:
        handlers: Any = sys.modules[_HANDLERS]
        handlers.BUILTIN_HANDLERS += [
            ("before-parameter-build", self.before_call),
            ("before-sign.s3.PutObject", self.before_form),
            ("after-call.s3.GetObject", self.after_look),
            ("after-call.s3.HeadObject", self.after_look),
        ]

    def before_call(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Looks at a call, or at a link that is to be signed for one."""
        service, operation = model.service_model.signing_name, model.name
        if service == "s3":
            context[_BUCKET] = params.get("Bucket")
        if operation == "CreateBucket" and context.get("is_presign_request"):
            # By which botocore finds out where a form is to be sent; `before_form` sees the form.
            return
        for need in self._calls.needs(service, operation, params):
            self._check(service, operation, need)

    def before_form(self, request: Any, **_: Any) -> None:
        """Looks at a form by which a browser may put an object, which is signed without a call."""
        policy = request.context.get("s3-presign-post-policy")
        if policy is None:
            return
        fixed: dict[str, Any] = {}
        for condition in policy["conditions"]:
            if isinstance(condition, dict):
                fixed |= condition
            elif condition[0] in ("eq", "starts-with"):
                fixed[condition[1].removeprefix("$")] = condition[2]
        for need in self._calls.needs("s3", "PutObject", {"Bucket": fixed["bucket"], "Key": fixed["key"]}):
            self._check("s3", "PutObject", need)

    def after_look(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Hides that an object is missing from one who may not list its bucket, as S3 does."""
        if parsed.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            return
        need = Need("s3:ListBucket", f"arn:aws:s3:::{context.get(_BUCKET)}")
        decision = self._policies.decide(need.action, need.resource, need.context)
        if decision is not Decision.ALLOWED:
            parsed.update(self._answer("s3", model.name, need, decision))

    def _check(self, service: str, operation: str, need: Need) -> None:
        from botocore.exceptions import ClientError

        asked = (need.action, need.resource, *need.context.items())
        if asked in self._allowed:
            return
        decision = self._policies.decide(need.action, need.resource, need.context)
        if decision is not Decision.ALLOWED:
            answer: Any = self._answer(service, operation, need, decision)
            raise ClientError(answer, operation)
        if len(self._allowed) >= _MAX_REMEMBERED:
            self._allowed.clear()
        self._allowed.add(asked)

    def _answer(self, service: str, operation: str, need: Need, decision: Decision) -> dict[str, Any]:
        """What AWS would answer. The log is told, too."""
        told = " ".join(f"{name}={','.join(values)}" for name, values in need.context.items())
        print(
            f"{REFUSED} {self._function}: {need.action} on {need.resource} ({told or 'no context'}; {operation})",
            file=sys.stderr,
            flush=True,
        )
        code, status = _CODES.get(service, ("AccessDeniedException", 400))
        action = need.action.lower() if service == "sqs" else need.action
        resource = f'"{need.resource}"' if service == "s3" else need.resource
        reason = (
            "with an explicit deny in an identity-based policy"
            if decision is Decision.DENIED
            else f"because no identity-based policy allows the {action} action"
        )
        message = f"User: {self._user} is not authorized to perform: {action} on resource: {resource} {reason}"
        if operation.startswith("Head"):
            # An answer to HEAD has no body to say more in.
            code, message = "403", "Forbidden"
        return {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": "local"},
        }
