"""Answers held against the API's committed description."""

import json
import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from scripts.describe import descriptions

Json = dict[str, Any]
PAGE = ("/", "/page.css", "/page.js", "/icon.svg")
"""Served as they are; the descriptions leave them out."""


class Undescribed(AssertionError):
    """An answer that the description does not have."""


class Description:
    """The OpenAPI document of an API (its short name)."""

    def __init__(self, api: str) -> None:
        self.document: Json = json.loads(descriptions.served(api))
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operations)
            for path, operations in self.document["paths"].items()
        ]
        # A path without names comes before one that has them, as in the router.
        self._paths.sort(key=lambda each: "[^/]+" in each[0].pattern)
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def check(self, response: httpx.Response) -> None:
        """Raises `Undescribed`. To be an event hook of the clients."""
        request = response.request
        path = request.url.raw_path.decode().partition("?")[0]
        path = path.rstrip("/") or "/"
        operations = next((ops for pattern, ops in self._paths if pattern.fullmatch(path)), None)
        if operations is None and (path in PAGE or path.startswith("/openapi/")):
            return
        if request.method == "OPTIONS" and operations is not None:
            if response.status_code != 204 or "allow" not in response.headers:
                raise Undescribed(f"OPTIONS {path} answered {response.status_code}")
            return
        method = "GET" if request.method == "HEAD" else request.method
        operation = (operations or {}).get(method.lower())
        if operation is None:
            expected = 404 if operations is None else 405
            if response.status_code != expected:
                raise Undescribed(f"{request.method} {path} answered {response.status_code}")
            self._check_body(response, self._problem())
            return
        described = operation["responses"].get(str(response.status_code))
        if described is None:
            raise Undescribed(
                f"{request.method} {path} answered {response.status_code}: {_text(response)}"
            )
        for name, header in described.get("headers", {}).items():
            if header.get("required") and name not in response.headers:
                raise Undescribed(f"{request.method} {path} has no header {name}")
        self._check_body(response, described.get("content", {}))

    def _problem(self) -> Json:
        schema = {"$ref": "#/components/schemas/ProblemDetails"}
        return {"application/problem+json": {"schema": schema}}

    def _check_body(self, response: httpx.Response, content: Json) -> None:
        where = f"{response.request.method} {response.request.url} ({response.status_code})"
        media_type = response.headers.get("content-type", "").partition(";")[0]
        if media_type == "text/event-stream" and media_type in content:
            return  # its reader follows it
        body = response.read()
        if response.request.method == "HEAD":
            if body:
                raise Undescribed(f"{where} has a body")
            return
        if not content:
            if body:
                raise Undescribed(f"{where} has a body: {body[:200]!r}")
            return
        if media_type not in content:
            raise Undescribed(f"{where} is {media_type}, not one of {list(content)}")
        if media_type.endswith("json"):
            schema = content[media_type]["schema"]
            for error in self._validator(schema).iter_errors(json.loads(body)):
                raise Undescribed(f"{where}: {error.message} at {error.instance_path}")

    def _validator(self, schema: Json) -> jsonschema_rs.Validator:
        key = json.dumps(schema)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.validator_for(
                {**schema, "components": self.document["components"]}, validate_formats=True
            )
        return self._validators[key]


def _text(response: httpx.Response) -> str:
    return response.read()[:300].decode(errors="replace")


description = cache(Description)
