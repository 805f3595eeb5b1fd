"""What every answer of an API has in common: the corners of HTTP, and problems in plain words."""

import asyncio
import json
from typing import Any

import pytest
import yaml

from coffeeshop.callers import Callers
from coffeeshop.contracts import PlaceOrder
from coffeeshop.events import Delivery
from coffeeshop.files import File
from coffeeshop.http import (
    Problem,
    Request,
    Response,
    Route,
    Router,
    TooLarge,
    TruncatedBody,
)
from coffeeshop.operation import Operation, Parameter
from coffeeshop.settings import Settings
from coffeeshop.transport import ServiceUnavailable
from scripts.base.checkout import CHECKOUT

ID = "5a1b2c3d-0000-4000-8000-00000000abcd"
GOOD = b'{"loyaltyMemberId":"ann","items":[{"itemType":1}]}'
Headers = dict[str, str]


class Busy(Exception):
    """A failure that this API has words for."""


def request(method: str, target: str, headers: Headers | None = None, body: bytes = b"") -> Request:
    async def read(limit: int) -> bytes:
        if len(body) > limit:
            raise TooLarge
        return body

    return Request(method, target, {**(headers or {})}.get, read)


async def _thing(asked: Request) -> Response:
    return Response(200, json.dumps(asked.path_params).encode())


async def _order(asked: Request) -> Response:
    return Response(200, (await asked.json(PlaceOrder)).model_dump_json().encode())


@Operation(
    "find",
    "Things",
    (),
    parameters=(Parameter("limit", {}), Parameter("key", {}, place="header")),
)
async def _find(asked: Request) -> Response:
    return Response(200, json.dumps(asked.query()).encode())


@Operation("place", "An order", (), body=PlaceOrder)
async def _place(_asked: Request) -> Response:
    return Response(201)


async def _nothing(_asked: Request) -> Response:
    return Response(204)


async def _kept(_asked: Request) -> Response:
    return Response(200, b"{}", headers=(("cache-control", "no-cache"),))


async def _stream(_asked: Request) -> Response:
    async def follow(_parts: object) -> None:
        raise AssertionError

    return Response(200, headers=(("x-accel-buffering", "no"),), stream=follow)


async def _busy(_asked: Request) -> Response:
    raise Busy


async def _away(_asked: Request) -> Response:
    raise ServiceUnavailable("product-api answered 500.")


async def _broken(_asked: Request) -> Response:
    raise ZeroDivisionError


def routes(callers: Callers) -> list[Route]:
    return [
        Route("GET", "/things", _thing),
        Route("GET", "/things/{id}", _thing),
        Route("GET", "/found", _find),
        Route("POST", "/placed", _place),
        Route("POST", "/orders", _order, callers.pos),
        Route("PUT", "/list/{itemType}", _nothing, callers.staff),
        Route("PUT", "/menu", _nothing, callers.staff_via_station),
        Route("GET", "/kept", _kept),
        Route("GET", "/stream", _stream),
        Route("GET", "/busy", _busy),
        Route("GET", "/away", _away),
        Route("GET", "/broken", _broken),
        Route("POST", "/event", _nothing, callers.sidecar),
    ]


def _no_log(_event: str, **_fields: Any) -> None:
    return


class Api:
    """A router with a route of each kind, and what it logs."""

    def __init__(self, **settings: str) -> None:
        self.logged: list[tuple[str, Any]] = []

        def log(event: str, **fields: Any) -> None:
            self.logged.append((event, fields))

        failures = {Busy: Problem(429, "Later."), ServiceUnavailable: Problem(503, "Repeat it.")}
        self._router = Router(routes(Callers(Settings(**settings), log)), failures, log)

    def ask(
        self, method: str, target: str, headers: Headers | None = None, body: bytes = b""
    ) -> Response:
        async def call() -> Response:
            return await self._router(request(method, target, headers, body))

        return asyncio.run(call())


def headers(answer: Response) -> Headers:
    return dict(answer.headers)


def problem(answer: Response) -> Any:
    assert answer.media_type == "application/problem+json"
    return json.loads(answer.body)


@pytest.mark.parametrize("path", ["/things", f"/things/{ID}", "/kept", "/stream", "/away"])
def test_head_is_answered_as_get_without_a_body(path: str) -> None:
    got, head = Api().ask("GET", path), Api().ask("HEAD", path)
    assert head.is_head
    assert not got.is_head
    assert (head.status, head.headers, head.body) == (got.status, got.headers, got.body)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/things", "GET, HEAD, OPTIONS"),
        (f"/things/{ID}", "GET, HEAD, OPTIONS"),
        ("/orders", "OPTIONS, POST"),
        ("/event", "OPTIONS, POST"),
        ("/", "GET, HEAD, OPTIONS, POST, PUT"),
        ("*", "GET, HEAD, OPTIONS, POST, PUT"),
    ],
)
def test_options_says_what_is_allowed_and_asks_for_no_token(path: str, allowed: str) -> None:
    answer = Api(pos_token="t", app_token="t").ask("OPTIONS", path)
    assert (answer.status, answer.body, headers(answer)["allow"]) == (204, b"", allowed)


def test_options_of_nothing_is_nothing() -> None:
    assert Api().ask("OPTIONS", "/nowhere").status == 404


@pytest.mark.parametrize("method", ["POST", "BREW", "DELETE", "TRACE"])
def test_another_method_is_told_all_that_are_allowed(method: str) -> None:
    answer = Api().ask(method, "/things")
    assert (answer.status, headers(answer)["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "path", ["/things/", "//things", "//things///", f"/things//{ID}", f"/things/{ID}/?a=//"]
)
def test_a_slash_too_many_does_no_harm(path: str) -> None:
    assert Api().ask("GET", path).status == 200


@pytest.mark.parametrize("path", ["//event", "/event/"])
def test_a_slash_too_many_opens_no_door(path: str) -> None:
    assert Api(app_token="t").ask("POST", path).status == 403


@pytest.mark.parametrize("path", ["", "/", "//", "/thing", "/things/a/b"])
def test_what_is_not_there_is_404(path: str) -> None:
    assert Api().ask("GET", path).status == 404


@pytest.mark.parametrize(
    ("method", "target", "field"),
    [
        ("GET", "/found?Limit=5", "Limit"),
        ("GET", "/found?limit=5&status=FAILED", "status"),
        ("GET", "/found?limit=5&limit=6", "limit"),
        ("GET", "/found?key=a", "key"),
        ("GET", "/found?=", ""),
        ("GET", "/found?limit=%E9", "query"),
        ("POST", "/placed?quantity=2", "quantity"),
    ],
)
def test_a_parameter_that_would_do_nothing_is_refused_by_name(
    method: str, target: str, field: str
) -> None:
    """A misspelt filter would filter nothing, and look as if it had."""
    answer = Api().ask(method, target)
    assert answer.status == 422
    assert [error["field"] for error in problem(answer)["errors"]] == [field]


@pytest.mark.parametrize("target", ["/found", "/found?", "/found?limit=", "/found?limit=%C3%A9"])
def test_known_parameters_are_passed_on(target: str) -> None:
    assert Api().ask("GET", target).status == 200


def test_who_takes_no_parameters_ignores_a_query() -> None:
    """Load balancers and caches append what they like."""
    assert Api().ask("GET", "/things?x=1&x=2").status == 200


def test_of_many_unknown_parameters_some_are_named() -> None:
    target = "/found?" + "&".join(f"{'x' * 200}{n}=1" for n in range(300))
    errors = problem(Api().ask("GET", target))["errors"]
    assert len(errors) == 20
    assert {len(error["field"]) for error in errors} == {100}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_name_of_the_scheme_has_no_case(scheme: str) -> None:
    api = Api(pos_token="Till")
    given = {"authorization": f"{scheme}  Till ", "content-type": "application/json"}
    assert api.ask("POST", "/orders", given, GOOD).status == 200


@pytest.mark.parametrize("given", ["", "Till", "Basic Till", "Bearer", "Bearer till", "BearerTill"])
def test_another_token_or_scheme_is_401(given: str) -> None:
    answer = Api(pos_token="Till").ask("POST", "/orders", {"authorization": given}, GOOD)
    assert answer.status == 401
    assert headers(answer)["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/orders", 401), ("PUT", "/list/1", 401), ("POST", "/event", 403)],
)
def test_who_is_refused_is_not_read(method: str, path: str, status: int) -> None:
    """A body that is waited for holds a place: only who may send one is waited for."""

    async def read(limit: int) -> bytes:
        raise AssertionError(f"{limit} bytes are read")

    async def call() -> Response:
        settings = Settings(pos_token="t", staff_token="t", app_token="t")
        asked = Request(method, path, {"content-type": "application/json"}.get, read)
        return await Router(routes(Callers(settings, _no_log)), {}, _no_log)(asked)

    assert asyncio.run(call()).status == status


def test_a_token_that_is_not_ascii_is_compared_by_its_bytes() -> None:
    given = "Bearer Kühlhaus".encode().decode("latin-1")
    assert Api(staff_token="Kühlhaus").ask("PUT", "/list/1", {"authorization": given}).status == 204


@pytest.mark.parametrize(("method", "path"), [("PUT", "/list/1"), ("PUT", "/menu")])
def test_credentials_that_are_too_long_are_431(method: str, path: str) -> None:
    answer = Api(staff_token="t").ask(method, path, {"authorization": "Bearer " + "x" * 9000})
    assert problem(answer)["title"] == "Request Header Fields Too Large"
    assert answer.status == 431


@pytest.mark.parametrize("token", ["\xff", "Kühlhaus", "a\tb"])
def test_credentials_that_cannot_be_handed_on_are_401(token: str) -> None:
    """And not 503: to repeat them is of no use."""
    answer = Api().ask("PUT", "/menu", {"authorization": f"Bearer {token}"})
    assert (answer.status, headers(answer)["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/things", "/busy", "/away", "/broken", "/nowhere", "/stream"])
def test_nobody_keeps_an_answer(path: str) -> None:
    assert headers(Api().ask("GET", path))["cache-control"] == "no-store"


def test_a_handler_says_who_may_keep_its_answer() -> None:
    assert Api().ask("GET", "/kept").headers == (("cache-control", "no-cache"),)


def test_what_a_handler_says_is_not_said_twice() -> None:
    for path in ("/kept", "/stream", "/things"):
        names = [name for name, _ in Api().ask("GET", path).headers]
        assert len(names) == len(set(names))


def test_a_stream_is_passed_on_by_proxies_as_it_comes() -> None:
    assert headers(Api().ask("GET", "/stream"))["x-accel-buffering"] == "no"
    assert "x-accel-buffering" not in headers(Api().ask("GET", "/things"))


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/nowhere", 404, "Not Found"),
        ("/busy", 429, "Too Many Requests"),
        ("/broken", 500, "Internal Server Error"),
        ("/away", 503, "Service Unavailable"),
    ],
)
def test_a_title_is_the_statuss_own_phrase(path: str, status: int, title: str) -> None:
    told = problem(Api().ask("GET", path))
    assert (told["type"], told["title"], told["status"]) == ("about:blank", title, status)


def test_which_part_does_not_answer_is_for_the_log_and_not_for_callers() -> None:
    api = Api()
    told = problem(api.ask("GET", "/away"))
    assert told["detail"] == "Repeat it."
    ((event, fields),) = api.logged
    assert (event, fields["cause"]) == ("request.unavailable", "product-api answered 500.")


TYPE = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "more", "status"),
    [
        (GOOD, {}, 200),
        (b"\xef\xbb\xbf" + GOOD, {}, 200),
        (b"\xff\xfe{\0}\0", {}, 400),
        (b"\xef\xbb\xbf", {}, 400),
        (b"\x1f\x8b\x08\0abc", {"content-encoding": "gzip"}, 415),
        (b"\x0b\x02\x80", {"content-encoding": "br"}, 415),
        (b"\x1f\x8b\x08\0abc", {}, 400),
        (b"{", {"content-encoding": "identity"}, 400),
        (GOOD, {"content-encoding": "identity"}, 200),
        (GOOD, {"content-type": "Application/JSON; charset=utf-8"}, 200),
        (GOOD, {"content-type": "text/plain"}, 415),
        (GOOD + b" " * 70_000, {}, 413),
    ],
)
def test_a_body_as_it_comes(body: bytes, more: Headers, status: int) -> None:
    answer = Api().ask("POST", "/orders", TYPE | more, body)
    assert answer.status == status
    if "gzip" in more.values():
        assert headers(answer)["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"loyaltyMemberId":"ann","items":[{"itemType":1}],"items":[{"itemType":2}]}', "items"),
        (b'{"loyaltyMemberId":"ann","items":[{"itemType":1,"itemType":2}]}', "itemType"),
        (
            b'{"items":[{"itemType":1}],"loyaltyMemberId":"a","loyaltyMemb\\u0065rId":"b"}',
            "loyaltyMemberId",
        ),
    ],
)
def test_a_field_that_is_given_twice_is_refused_by_name(body: bytes, field: str) -> None:
    """Of the two the last would count, and what the first asks for would not be done."""
    answer = Api().ask("POST", "/orders", TYPE, body)
    assert answer.status == 422
    (error,) = problem(answer)["errors"]
    assert error == {"field": field, "message": "must be given once"}


def test_an_event_may_have_a_field_twice() -> None:
    async def read(limit: int) -> bytes:
        return b'{"entries":null,"data":1,"data":2}'

    event = Request("POST", "/event", TYPE.get, read)
    assert asyncio.run(event.json(Delivery)).data == 2


def test_a_body_that_ended_before_its_end_is_refused_even_if_it_parses() -> None:
    async def cut_short(limit: int) -> bytes:
        raise TruncatedBody

    cut = Request("POST", "/orders", TYPE.get, cut_short)
    with pytest.raises(Problem) as refused:
        asyncio.run(cut.json(PlaceOrder))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({}, "no token"),
        ({"dapr-api-token": "old"}, "another token"),
        ({"dapr-api-token": "t", "dapr-caller-app-id": "x"}, "an invocation by another app"),
    ],
)
def test_who_is_no_sidecar_of_ours_is_refused_and_logged(given: Headers, cause: str) -> None:
    api = Api(app_token="t")
    assert api.ask("POST", "/event", given).status == 403
    ((event, fields),) = api.logged
    assert (event, fields["cause"]) == ("sidecar.unauthorized", cause)
    assert Api(app_token="t").ask("POST", "/event", {"dapr-api-token": "t"}).status == 204


def test_what_a_token_that_is_being_changed_is_answered_is_repeated_by_the_sidecar() -> None:
    policy = yaml.safe_load((CHECKOUT / "k8s/base/dapr/resiliency.yaml").read_text())
    codes = policy["spec"]["policies"]["retries"]["delivery"]["matching"]["httpStatusCodes"]
    assert "403" in codes.split(",")


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ("", 200),
        ('"other"', 200),
        ("{}", 304),
        ("W/{}", 304),
        ('"other" , {}', 304),
        ("*", 304),
        ("{}x", 200),
    ],
)
def test_a_file_is_sent_to_who_does_not_have_it(known: str, status: int) -> None:
    file = File(b"content")
    given = {"if-none-match": known.format(file.etag)} if known else {}
    answer = asyncio.run(file(request("GET", "/", given)))
    assert (answer.status, dict(answer.headers)["etag"]) == (status, file.etag)
