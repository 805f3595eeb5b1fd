"""product-api's routes and handlers."""

from coffeeshop.api import Api, Context
from coffeeshop.contracts import About, MenuItem, TypesQuery
from coffeeshop.files import read_sibling
from coffeeshop.http import Problem, Request, Response, Route, invalid_fields
from coffeeshop.operation import JSON, Answer, Operation, Parameter
from coffeeshop.responses import FieldError
from product.images import svg
from product.menu import MENU

MAX_TYPES = 100

_DOCUMENTS = {item.itemType: item.to_json() for item in MENU}
_WHOLE_MENU = Response(200, b"[" + b",".join(_DOCUMENTS.values()) + b"]")
_ABOUT = Response(
    200, About(name="product-api", does="the menu", description="/openapi.json").to_json()
)
_IMAGES = {str(item.itemType): svg(item).encode() for item in MENU}
_DESCRIPTION = read_sibling(__file__, "openapi.json")

_SUMMARY = "The items of these types; an unknown type is left out"
_SOME = (Answer(200, "Those of the items that exist", tuple[MenuItem, ...], JSON),)


def routes(_context: Context) -> list[Route]:
    return [
        Route("GET", "/", get_about),  # on a port of its own
        Route("GET", "/v1-get-item-types", get_item_types),
        Route("GET", "/v1-get-items-by-types", get_items_by_types),
        Route("POST", "/v1-get-items-by-types", post_items_by_types),
        Route("GET", "/v1-item-images/{itemType}", get_image),
    ]


API = Api("product-api", routes, lambda _: _DESCRIPTION)


@Operation(
    "getAbout", "What this API is", (Answer(200, "Its name, and its description", About, JSON),)
)
async def get_about(_request: Request) -> Response:
    return _ABOUT


@Operation("listItems", "The whole menu", (Answer(200, "Every item", tuple[MenuItem, ...], JSON),))
async def get_item_types(_request: Request) -> Response:
    return _WHOLE_MENU


@Operation(
    "findItems",
    _SUMMARY,
    _SOME,
    problems=(400, 413, 415, 422),
    parameters=(
        Parameter(
            "types",
            {"type": "string", "pattern": r"^[0-9]{1,4}(,[0-9]{1,4}){0,99}$", "examples": ["1,7"]},
            "Item types, separated by commas. Without it they are taken from a body such as "
            "that of a POST, as the first client of this API sends them",
        ),
    ),
)
async def get_items_by_types(request: Request) -> Response:
    types = request.query().get("types")
    if types is None and request.header("content-type"):
        return await post_items_by_types(request)
    return _items(types or "")


@Operation("findItemsByPost", _SUMMARY, _SOME, body=TypesQuery)
async def post_items_by_types(request: Request) -> Response:
    return _items((await request.json(TypesQuery)).types)


@Operation(
    "getImage",
    "A drawing of the item",
    (Answer(200, "The drawing", media_type="image/svg+xml"),),
    problems=(404,),
)
async def get_image(request: Request) -> Response:
    item_type = request.path_params["itemType"]
    if item_type not in _IMAGES:
        raise Problem(404, "There is no such item.")
    return Response(200, _IMAGES[item_type], "image/svg+xml")


def _items(types: str) -> Response:
    wanted = types.split(",")
    if len(wanted) > MAX_TYPES or not all(
        t.isascii() and t.isdigit() and len(t) <= 4 for t in wanted
    ):
        message = f"must be 1 to {MAX_TYPES} item types separated by commas, such as 1,7"
        raise invalid_fields([FieldError(field="types", message=message)])
    known = [_DOCUMENTS[t] for t in dict.fromkeys(map(int, wanted)) if t in _DOCUMENTS]
    return Response(200, b"[" + b",".join(known) + b"]")
