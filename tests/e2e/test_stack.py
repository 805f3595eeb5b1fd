"""The stack where things are not as usual: odd paths and tokens, proxies, other people's machines,
and a supervisor that is gone."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psutil
import pytest

from driver import PORT_OFFSET, heeds_ctrl_c, order
from scripts.base import proxies
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.stack import orphans
from scripts.stack.listening import Address
from scripts.stack.plan import Layout
from scripts.stack.supervise import Stack
from tests.support.listening import ports_open_to_others

NASTY = """we "ir'd, path; #1 50%off %41 {x} ü?"""
TOKEN = """a"b 50%off;#'$HOME\\"""
PROXY = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
OFFSET = PORT_OFFSET - 500


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def make(
    target: str, env: Mapping[str, str], checkout: Path = CHECKOUT
) -> subprocess.CompletedProcess[str]:
    """With proxies that lead nowhere, which nothing local may heed."""
    given = {**proxies.without(os.environ), **PROXY, "COFFEESHOP_PORT_OFFSET": str(OFFSET), **env}
    return subprocess.run(
        ["make", target],
        cwd=checkout,
        env=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=heeds_ctrl_c,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("odd") / NASTY
    yield home
    orphans.stop(Layout(home.resolve()))


@pytest.fixture(scope="module")
def env(home: Path) -> dict[str, str]:
    """Of a shop in an odd place, with odd tokens, that listens on every address."""
    return {
        "COFFEESHOP_HOME": str(home),
        "COFFEESHOP_POS_TOKEN": TOKEN,
        "COFFEESHOP_STAFF_TOKEN": f"staff {TOKEN}",
        "LISTEN": "::" if Path("/proc/net/if_inet6").read_text().strip() else "0.0.0.0",
    }


@pytest.fixture(scope="module")
def odd(home: Path, env: dict[str, str]) -> Stack:
    """That shop, up."""
    home.mkdir(parents=True)
    names = ("valkey_password", "sidecar_token", "app_token", "id_secret")
    (home / "secrets.json").write_text(json.dumps({name: f"{name} {TOKEN}" for name in names}))
    ran = make("up", env)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert TOKEN not in ran.stdout + ran.stderr
    return Stack(home, OFFSET, address=Address(env["LISTEN"]))


def urls(stack: Stack) -> list[str]:
    found = [stack.ports.url("counter"), *stack.ports.urls_for_others()]
    if ":" in stack.ports.address.text:
        found.append(f"http://[::1]:{stack.ports.app('counter')}")
    return found


def test_a_shop_in_an_odd_path_with_odd_tokens_takes_orders(odd: Stack) -> None:
    url = odd.ports.url("counter")
    with httpx.Client(base_url=url, headers=bearer(TOKEN), trust_env=False, timeout=40) as shop:
        placed = shop.post("/v1/api/orders", json=order("ann"))
        assert placed.status_code == 201, placed.text
        done = shop.get(f"/v1/api/orders/{placed.json()['id']}", params={"wait": 30})
        assert done.json()["status"] == "FULFILLED", done.text
        for part in ("a", 'a"b', TOKEN[:-1], f"{TOKEN}x"):
            answer = shop.post("/v1/api/orders", json=order("ann"), headers=bearer(part))
            assert answer.status_code == 401, part


def test_others_reach_the_shop_and_nothing_else(odd: Stack) -> None:
    """On every address of this machine: a tablet in the same network is no nearer."""
    for url in urls(odd):
        answer = httpx.get(f"{url}/", trust_env=False)
        assert answer.status_code == 200, url
        assert httpx.post(f"{url}/v1/api/orders", json=order("ann"), trust_env=False).is_error
    assert ports_open_to_others(odd) == {odd.ports.app("counter")}


def test_no_log_holds_an_odd_token(odd: Stack) -> None:
    secrets = [f"{name} {TOKEN}" for name in ("valkey_password", "app_token", "id_secret")]
    for log in odd.logs():
        text = log.read_text(errors="replace")
        assert not any(secret in text for secret in (TOKEN, *secrets)), log.name


def test_a_process_that_died_comes_back_in_an_odd_path(odd: Stack) -> None:
    odd.secrets = json.loads((odd.layout.home / "secrets.json").read_text())
    for name in ("counter-sidecar", "counter-api", "valkey"):
        odd.kill(name)
    odd.wait_until_ready()


def test_a_killed_supervisors_processes_are_told_of_and_stopped(
    odd: Stack, env: dict[str, str]
) -> None:
    """The last of this shop: it is down then."""
    serving = {process["name"] for process in odd.states()}
    supervisor = psutil.Process(int((odd.layout.run / "supervisor.pid").read_text()))
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait(5)
    status = make("status", env)
    assert status.returncode != 0
    assert all(name in status.stdout for name in serving), status.stdout
    assert "`make down` stops them" in status.stdout
    again = make("up", env)
    assert "run on without supervisord: `make down` stops them" in again.stderr
    down = make("down", env)
    assert all(name in down.stderr for name in serving), down.stderr
    assert orphans.find(odd.layout) == []
    assert "not up" in make("down", env).stderr
    with contextlib.suppress(httpx.ConnectError):
        httpx.get(odd.ports.url("counter"), trust_env=False)
        pytest.fail("something serves on")


def test_a_lost_id_secret_is_not_drawn_anew_beside_orders(odd: Stack, env: dict[str, str]) -> None:
    (odd.layout.home / "secrets.json").unlink()
    ran = make("up", env)
    (line,) = (line for line in ran.stderr.splitlines() if line.startswith("coffeeshop: "))
    assert "has no id_secret" in line
    assert not (odd.layout.home / "secrets.json").exists()


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"LISTEN": "0.0.0.0"}, "set COFFEESHOP_POS_TOKEN and COFFEESHOP_STAFF_TOKEN"),
        ({"LISTEN": "everywhere"}, "LISTEN is 'everywhere'"),
        ({"COFFEESHOP_PORT_OFFSET": "abc"}, "COFFEESHOP_PORT_OFFSET is 'abc'"),
        ({"COFFEESHOP_PORT_OFFSET": "62000"}, "from 0 to"),
        ({"COFFEESHOP_ORDER_DEADLINE_SECONDS": "0"}, "COFFEESHOP_ORDER_DEADLINE_SECONDS must be"),
        ({"COFFEESHOP_ORDER_DEADLINE_SECONDS": ""}, "COFFEESHOP_ORDER_DEADLINE_SECONDS must be"),
        ({"COFFEESHOP_POS_TOKEN": "secret-ö"}, "COFFEESHOP_POS_TOKEN must be"),
        ({"COFFEESHOP_STAFF_TOKEN": " secret"}, "COFFEESHOP_STAFF_TOKEN must be"),
        ({"COFFEESHOP_HOME": "/dev/null/x"}, "/dev/null/x"),
        ({"COFFEESHOP_CACHE": "/dev/null/x"}, "the cache /dev/null/x, which cannot be written"),
        ({"RUNTIME": "wasmer"}, "RUNTIME is wasmer"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("target", ["up", "run"])
def test_a_setting_that_cannot_be_is_one_line(
    env: dict[str, str], said: str, target: str, tmp_path: Path
) -> None:
    ran = make(target, {"COFFEESHOP_HOME": str(tmp_path / "home"), **env})
    lines = [line for line in ran.stderr.splitlines() if not line.startswith("make")]
    assert ran.returncode != 0
    assert len(lines) == 1, ran.stderr
    assert lines[0].startswith("coffeeshop: ")
    assert said in lines[0]
    assert "secret" not in lines[0]


def test_a_checkout_in_an_odd_path_serves_the_worked_example(tmp_path: Path) -> None:
    checkout = tmp_path / NASTY
    left_out = {".git", ".venv", ".coffeeshop", "__pycache__", str(CHECKOUT / "build")}
    shutil.copytree(
        CHECKOUT,
        checkout,
        ignore=lambda folder, names: [
            each for each in names if each in left_out or str(Path(folder, each)) in left_out
        ],
    )
    ran = make("run", {"ONCE": "1", "COFFEESHOP_HOME": ""}, checkout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "FULFILLED" in ran.stdout
    assert (checkout / ".coffeeshop" / "secrets.json").exists()


def test_a_shop_that_others_reach_is_refused_without_its_tokens(tmp_path: Path) -> None:
    stack = Stack(tmp_path, OFFSET, address=Address("0.0.0.0"))
    with pytest.raises(Failure, match="COFFEESHOP_POS_TOKEN"):
        stack.launch()
    assert not stack.is_up()
