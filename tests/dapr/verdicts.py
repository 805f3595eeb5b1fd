"""What an API's answer to a delivery means to its sidecar."""

import json

from coffeeshop.http import Response


def verdict(response: Response | None, again: tuple[range, ...]) -> str:
    """SUCCESS, RETRY, DROP or FAIL: what an answer to a delivery means."""
    if response is None:
        return "RETRY"
    if response.status < 300:
        try:
            status = json.loads(response.body).get("status", "")
        except (ValueError, AttributeError):
            return "SUCCESS"
        return {"": "SUCCESS", "SUCCESS": "SUCCESS", "DROP": "DROP"}.get(status, "RETRY")
    if response.status == 404:
        return "DROP"
    return "RETRY" if any(response.status in some for some in again) else "FAIL"


def verdicts(response: Response | None, count: int) -> list[str]:
    """The same for each event of a bulk delivery, or LOST: acknowledged, and not handled."""
    if response is not None and response.status == 404:
        return ["LOST"] * count
    if response is None or response.status >= 300:
        return ["RETRY"] * count
    try:
        told = {each["entryId"]: each["status"] for each in json.loads(response.body)["statuses"]}
    except (ValueError, KeyError, TypeError):
        told = {}
    known = ("SUCCESS", "DROP")
    found = [told.get(str(number), "RETRY") for number in range(count)]
    return [each if each in known else "RETRY" for each in found]
