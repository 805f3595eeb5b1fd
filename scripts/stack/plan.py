"""The processes of the local stack, as data: what is run, where, with which settings.

Secrets reach the processes by environment and by files that only their owner reads, never by a
command line, which everyone on the machine can see.
"""

import contextlib
import shutil
import sqlite3
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from coffeeshop.settings import Settings
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.provision import zipkin as collector
from scripts.provision.programs import Tools
from scripts.stack import resources, runtime, tokens
from scripts.stack.listening import LOOPBACK, Address
from scripts.stack.runtime import APIS, Process

BASE = resources.DAPR
LOCAL = CHECKOUT / "scripts" / "stack" / "local"


@dataclass(frozen=True)
class Ports:
    """Every port of a stack, shifted by `offset` so that two can run side by side."""

    offset: int
    runtime: str = "wasmtime"
    address: Address = LOOPBACK
    """Where the shop listens: counter-api, or Spin with all four."""

    @property
    def named(self) -> str:
        """Which stack it is, behind its name in a message; nothing for the usual one."""
        return f" (COFFEESHOP_PORT_OFFSET={self.offset})" if self.offset else ""

    def app(self, api: str) -> int:
        return runtime.app_port(self.runtime, api) + self.offset

    def app_host(self, api: str) -> str:
        """Where this machine reaches an API, as it stands before a colon and a port."""
        is_alone = self.runtime not in runtime.ON_ONE_PORT and api != "counter"
        return (LOOPBACK if is_alone else self.address.near).host

    def url(self, api: str) -> str:
        return f"http://{self.app_host(api)}:{self.app(api)}"

    def urls_for_others(self) -> list[str]:
        """Where other machines reach the shop."""
        port = self.app("counter")
        return [f"http://{address.host}:{port}" for address in self.address.for_others()]

    def sidecar(self, api: str) -> int:
        return 3501 + APIS.index(api) + self.offset

    def grpc(self, api: str) -> int:
        return 3601 + APIS.index(api) + self.offset

    def internal(self, api: str) -> int:
        return 3701 + APIS.index(api) + self.offset

    def metrics(self, api: str) -> int:
        return 3801 + APIS.index(api) + self.offset

    @property
    def valkey(self) -> int:
        return 3905 + self.offset

    @property
    def zipkin(self) -> int:
        return 3906 + self.offset


HIGHEST_PORT = 5000 + len(APIS)
"""Of a stack that is not shifted."""

GROUPS = ("traces", "store", "sidecars", "components")
"""In the order in which they start; they stop the other way round."""


@dataclass(frozen=True)
class Layout:
    """Where a stack keeps its things."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets.json"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


def prepare(layout: Layout, ports: Ports, *, tracing: bool = False) -> dict[str, str]:
    """Write what the processes read: folders, secrets, configuration. Returns the secrets.
    With `tracing` the sidecars send their spans to Zipkin's port."""
    for folder in (layout.data / "valkey", layout.logs, layout.run):
        folder.mkdir(parents=True, exist_ok=True)
    layout.home.chmod(0o700)
    secrets = tokens.load(layout.secrets, ports.valkey, layout.data)
    password = layout.run / "valkey.conf"
    password.touch(0o600)
    password.write_text(f"requirepass {_quoted(secrets['valkey_password'])}\n")
    _write_dapr(layout, ports if tracing else None)
    return secrets


_PLAIN = string.ascii_letters + string.digits + "_-"


def _quoted(text: str) -> str:
    """Any text as Valkey's configuration has it: most characters by the numbers of their bytes."""
    parts = (chr(byte) if chr(byte) in _PLAIN else f"\\x{byte:02x}" for byte in text.encode())
    return f'"{"".join(parts)}"'


def _write_dapr(layout: Layout, tracing: Ports | None) -> None:
    """The cluster's own resource files as they are, and beside them only what differs here."""
    resources = layout.run / "dapr"
    shutil.rmtree(resources, ignore_errors=True)
    shutil.copytree(BASE, resources, ignore=shutil.ignore_patterns("kustomization.yaml"))
    secrets = yaml.safe_load((LOCAL / "secrets.yaml").read_text())
    secrets["spec"]["metadata"][0]["value"] = str(layout.secrets)
    (resources / "secrets.yaml").write_text(yaml.safe_dump(secrets))
    (resources / "configuration.yaml").unlink()
    configuration = yaml.safe_load((BASE / "configuration.yaml").read_text())
    local = yaml.safe_load((LOCAL / "configuration.yaml").read_text())
    names = layout.run / "names.db"
    # Four sidecars that switch a new file to this mode at once lock each other out, and one that
    # was locked out runs on without finding anybody.
    with contextlib.closing(sqlite3.connect(names)) as database:
        database.execute("PRAGMA journal_mode=WAL")
    # A path would be taken apart at a "?", and its "%" be decoded.
    local["spec"]["nameResolution"]["configuration"]["connectionString"] = names.as_uri()
    configuration["spec"] |= local["spec"]
    if tracing is not None:
        collector = f"http://127.0.0.1:{tracing.zipkin}/api/v2/spans"
        configuration["spec"]["tracing"]["zipkin"] = {"endpointAddress": collector}
    (layout.run / "configuration.yaml").write_text(yaml.safe_dump(configuration))


def processes(
    tools: Tools,
    layout: Layout,
    ports: Ports,
    secrets: Mapping[str, str],
    overrides: Mapping[str, Mapping[str, str]],
) -> list[Process]:
    """All of the stack's processes. `overrides` are the settings of an API that differ from the
    usual ones, by their names in its code."""
    apps = _apps(ports, secrets, overrides)
    found = [*backing_services(tools, layout, ports, secrets), *apps]
    complete = runtime.extension(ports.runtime, "complete")
    return complete(found, layout, ports) if complete else found


def backing_services(
    tools: Tools, layout: Layout, ports: Ports, secrets: Mapping[str, str]
) -> list[Process]:
    """What the components stand on: Valkey and, unless the Dapr CLI starts them, their sidecars."""
    apis = () if ports.runtime == "dapr" else APIS
    sidecars = [_sidecar(api, tools, layout, ports, secrets) for api in apis]
    return [_valkey(tools, layout, ports), *sidecars]


def zipkin(layout: Layout, ports: Ports) -> Process:
    """The collector of the sidecars' spans, with its page. It keeps them in memory."""
    command = (
        *(collector.java(), "-Xmx256m", f"-Djava.io.tmpdir={layout.run}", "-jar", collector.jar()),
        *("--armeria.ports[0].ip=127.0.0.1", f"--armeria.ports[0].port={ports.zipkin}"),
        "--armeria.ports[0].protocols[0]=http",
    )
    return Process("zipkin", "traces", command, (ports.zipkin,))


def _apps(
    ports: Ports,
    secrets: Mapping[str, str],
    overrides: Mapping[str, Mapping[str, str]],
) -> list[Process]:
    given = settings(ports, secrets, overrides)
    if ports.runtime in ("none", "dapr"):
        return []
    if ports.runtime == "spin":
        return [runtime.spin(ports.app("counter"), given, ports.address)]
    own = {api: ports.app(api) for api in APIS}
    return runtime.separate(ports.runtime, own, given, ports.address)


def settings(
    ports: Ports, secrets: Mapping[str, str], overrides: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Every API's settings, by their names in its code."""
    return {
        api: {
            **runtime.settings(api, ports.sidecar(api), secrets),
            **overrides.get(f"{api}-api", {}),
        }
        for api in APIS
    }


def check(settings: Mapping[str, Mapping[str, str]], address: Address) -> None:
    """Raises `Failure` naming a setting that an API could not use, and one that is missing where
    others than this machine reach the shop."""
    for given in settings.values():
        for wrong in Settings(**given).invalid():
            name = wrong.name
            shown = f"COFFEESHOP_{name.upper()}" if name in runtime.OPTIONAL else name
            raise Failure(f"{shown} must be {wrong.expected}.")
    if not address.is_local:
        missing = [name for name in runtime.OF_PEOPLE if not settings["counter"].get(name)]
        if missing:
            shown = " and ".join(f"COFFEESHOP_{name.upper()}" for name in missing)
            raise Failure(
                f"LISTEN={address.text} opens the shop to others: set {shown} to what people "
                "must show, such as the output of `openssl rand -hex 16`."
            )


def _valkey(tools: Tools, layout: Layout, ports: Ports) -> Process:
    command = (
        *(tools.valkey_server, layout.run / "valkey.conf"),
        *("--bind", "127.0.0.1", "--port", str(ports.valkey)),
        *("--dir", layout.data / "valkey", "--appendonly", "yes", "--appendfsync", "always"),
        *("--save", "", "--maxmemory-policy", "noeviction"),
        *("--databases", str(1 + len(resources.stores()))),
        # A title of its own would be written over the environment, which tells whose it is.
        *("--set-proc-title", "no"),
    )
    return Process("valkey", "store", command, (ports.valkey,))


def sidecar_environment(secrets: Mapping[str, str]) -> dict[str, str]:
    return {
        "DAPR_API_TOKEN": secrets["sidecar_token"],
        "APP_API_TOKEN": secrets["app_token"],
        "DAPR_HOST_IP": "127.0.0.1",
    }


def _listed(path: Path) -> str:
    """A path for a flag of daprd that takes several, separated as in CSV."""
    return '"' + str(path).replace('"', '""') + '"'


def _sidecar(
    api: str, tools: Tools, layout: Layout, ports: Ports, secrets: Mapping[str, str]
) -> Process:
    command = (
        *(tools.daprd, "--app-id", f"{api}-api"),
        *("--app-channel-address", ports.app_host(api), "--app-port", str(ports.app(api))),
        *("--dapr-listen-addresses", "127.0.0.1", "--dapr-http-port", str(ports.sidecar(api))),
        *("--dapr-grpc-port", str(ports.grpc(api))),
        *("--dapr-internal-grpc-listen-address", "127.0.0.1"),
        *("--dapr-internal-grpc-port", str(ports.internal(api))),
        *("--metrics-listen-address", "127.0.0.1", "--metrics-port", str(ports.metrics(api))),
        *("--resources-path", _listed(layout.run / "dapr")),
        *("--config", _listed(layout.run / "configuration.yaml")),
        # No job is scheduled: an empty address keeps the sidecar from connecting to a scheduler,
        # and from waiting for one before it calls itself healthy.
        *("--scheduler-host-address", ""),
        # No --enable-app-health-check: each change of that health loses messages
        # (docs/facts/blocked-readers.md).
        *("--dapr-graceful-shutdown-seconds", "2", "--log-as-json"),
    )
    env = sidecar_environment(secrets)
    needed = (ports.sidecar(api), ports.grpc(api), ports.internal(api), ports.metrics(api))
    return Process(f"{api}-sidecar", "sidecars", command, needed, env=env)
