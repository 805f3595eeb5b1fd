"""Where a stack is, as the environment says: what cannot be is a line that names the setting."""

import re

import pytest

from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure
from scripts.stack import listening
from scripts.stack.plan import HIGHEST_PORT

MOST = 65_535 - HIGHEST_PORT


@pytest.mark.parametrize(("text", "offset"), [("", 0), ("0", 0), ("1000", 1000), (str(MOST), MOST)])
def test_an_offset_in_the_range_is_taken(
    text: str, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COFFEESHOP_PORT_OFFSET", text)
    assert listening.port_offset(HIGHEST_PORT) == offset


@pytest.mark.parametrize(
    "text",
    ["abc", "1e3", "-1000", str(MOST + 1), "1_000", " 5", "5 ", "0x10", "\u0661", "9" * 400, "1.0"],
)
def test_an_offset_that_is_none_is_named_with_its_range(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COFFEESHOP_PORT_OFFSET", text)
    with pytest.raises(Failure, match=rf"COFFEESHOP_PORT_OFFSET is .*from 0 to {MOST}") as failure:
        listening.port_offset(HIGHEST_PORT)
    assert len(str(failure.value)) < 120


@pytest.mark.parametrize(
    ("text", "host", "near", "is_local"),
    [
        ("", "127.0.0.1", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.2", "127.0.0.2", True),
        ("::1", "[::1]", "[::1]", True),
        ("0.0.0.0", "0.0.0.0", "127.0.0.1", False),
        ("192.0.2.7", "192.0.2.7", "192.0.2.7", False),
        ("fd00::7", "[fd00::7]", "[fd00::7]", False),
    ],
)
def test_an_address_is_taken(
    text: str, host: str, near: str, is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COFFEESHOP_LISTEN", text)
    address = listening.listen()
    assert (address.host, address.near.host, address.is_local) == (host, near, is_local)


@pytest.mark.parametrize("v6_only", [True, False])
def test_all_of_ipv6_is_reached_by_ipv4_too_unless_the_system_says_otherwise(
    v6_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_is_v6_only", lambda: v6_only)
    assert listening.Address("::").near.host == ("[::1]" if v6_only else "127.0.0.1")


@pytest.mark.parametrize(
    "text", ["yes", "1", "localhost", "0.0.0.0:80", "[::]", "10.0.0", "fe80::1%2"]
)
def test_an_address_that_is_none_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COFFEESHOP_LISTEN", text)
    with pytest.raises(Failure, match=r"^LISTEN is "):
        listening.listen()


def test_a_misspelt_setting_is_told_with_the_one_that_is_meant() -> None:
    env = {"COFFEESHOP_ORDER_DEADLINE_SECOND": "5", "COFFEESHOP_PORT_OFFSET": "0", "HOME": "/"}
    assert listening.unknown(env) == [
        "COFFEESHOP_ORDER_DEADLINE_SECOND is set, and nothing reads it: "
        "is COFFEESHOP_ORDER_DEADLINE_SECONDS meant?"
    ]


def test_every_setting_that_something_reads_is_known() -> None:
    """By the sources: a name that is missing would be called unknown."""
    read = set()
    for folder in ("scripts", "apps/pos", "tests"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            text = path.read_text()
            read |= {
                name
                for name in re.findall(r'"(COFFEESHOP_[A-Z_]+)"', text)
                if f'environ.get("{name}")' in text or f'environ["{name}"]' in text
            }
    assert read <= set(listening.KNOWN)
    assert "COFFEESHOP_POS_TOKEN" in read
