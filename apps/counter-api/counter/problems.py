"""Answers of counter-api other than success, where several routes give them."""

from coffeeshop.responses import RETRY_AFTER_SECONDS, Problem


def no_order() -> Problem:
    return Problem(404, "There is no such order.")


def busy(detail: str = "The shop is busy.") -> Problem:
    """The menu's limit was met (k8s/base/dapr/menu-limit.yaml), whose number an API does not know:
    so there is no `RateLimit-Policy` beside the `RateLimit` (draft-ietf-httpapi-ratelimit-headers)
    that says when there is room again."""
    room = ("ratelimit", f'"menu";r=0;t={RETRY_AFTER_SECONDS}')
    detail = f"{detail} Repeat the request a little later."
    return Problem(429, detail, headers=(("retry-after", RETRY_AFTER_SECONDS), room))
