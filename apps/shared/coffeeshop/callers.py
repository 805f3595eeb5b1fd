"""Who may call an API's routes, and how each shows who it is."""

import hmac

from coffeeshop.http import Caller
from coffeeshop.logs import Log
from coffeeshop.request import Request
from coffeeshop.responses import Problem, unauthorized
from coffeeshop.settings import Settings

MAX_CREDENTIALS = 2048
"""Characters of an `Authorization`. It is handed on to stations, and a sidecar refuses a request
whose headers have 8 KB together."""

POS, STAFF, STAFF_VIA_STATION, SIDECAR = "pos", "staff", "staff via station", "sidecar"
"""The names of the callers below."""


class Callers:
    """The callers of one API, by its settings. An empty POS or staff token admits everybody."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings = settings
        self._log = log
        self.pos = Caller(POS, lambda request: _expect_bearer(request, settings.pos_token))
        self.staff = Caller(STAFF, lambda request: _expect_bearer(request, settings.staff_token))
        self.staff_via_station = Caller(STAFF_VIA_STATION, _expect_credentials)
        """Staff, whose token the station checks that the call is handed to."""
        self.sidecar = Caller(SIDECAR, self._expect_sidecar)
        """The API's own: nobody else, whatever token."""

    def _expect_sidecar(self, request: Request) -> None:
        """403 is said before anything is read or done, and repeated by the sidecar
        (k8s/base/dapr/resiliency.yaml): a token that is being changed loses no event."""
        token = request.header("dapr-api-token") or ""
        if not _same(token, self._settings.app_token):
            cause = "another token" if token else "no token"
        elif request.header("dapr-caller-app-id"):
            # An invocation by another app carries our token too: its sidecar hands it to ours.
            cause = "an invocation by another app"
        else:
            return
        self._log("sidecar.unauthorized", level="warning", path=request.path, cause=cause)
        raise Problem(403, "Only this API's own sidecar may call this.")


def _expect_bearer(request: Request, token: str) -> None:
    if not token:
        return
    scheme, _, given = _credentials(request).partition(" ")
    if scheme.lower() != "bearer" or not _same(given.strip(), token):
        raise unauthorized()


def _expect_credentials(request: Request) -> None:
    """401 for what no sidecar hands on, and no token has (`coffeeshop.settings.TOKEN`)."""
    given = _credentials(request)
    if not (given.isascii() and given.isprintable()):
        raise unauthorized()


def _credentials(request: Request) -> str:
    """The `Authorization`. Raises `Problem` 431 for what is too long to be handed on."""
    given = request.header("authorization") or ""
    if len(given) > MAX_CREDENTIALS:
        raise Problem(431, f"Authorization may have at most {MAX_CREDENTIALS} characters.")
    return given


def _same(given: str, expected: str) -> bool:
    # A header's bytes as they came; a token that is not ASCII is sent in UTF-8.
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())
