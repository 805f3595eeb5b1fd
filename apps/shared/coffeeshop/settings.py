"""What an operator can set. Read at request time: module code runs when the component is built."""

from dataclasses import dataclass, fields
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one API, each a string as the runtime hands it over.

    On Spin each is a variable of the component, elsewhere the environment variable
    `COFFEESHOP_<NAME>`. An empty token switches that check off.
    """

    sidecar_host: str = "127.0.0.1"
    sidecar_port: str = "3500"
    sidecar_token: str = ""
    """Sent to the sidecar, which refuses calls without it."""
    app_token: str = ""
    """Expected from the sidecar on events and jobs."""
    id_secret: str = ""
    """Keys the HMACs behind order ids and customer keys. Changing it loses both."""
    pos_token: str = ""
    """Expected from a POS as a bearer token."""
    staff_token: str = ""
    """Expected from staff who change the list of unavailable items."""
    order_deadline_seconds: str = "300"

    @property
    def sidecar(self) -> str:
        """Host and port of the sidecar."""
        return f"{self.sidecar_host}:{self.sidecar_port}"

    @property
    def order_deadline(self) -> timedelta:
        """How long stations may take to answer."""
        return timedelta(seconds=int(self.order_deadline_seconds))


NAMES = tuple(field.name for field in fields(Settings))
