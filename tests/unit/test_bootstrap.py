"""Before anything is there: the environment, the cache, proxies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import bootstrap
from scripts.base import cache, checkout, console, proxies
from scripts.base.checkout import CHECKOUT
from scripts.base.console import Failure

KEY = "from scripts import bootstrap; print(bootstrap.environment_key())"


def bootstrapped(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, CHECKOUT / "scripts" / "bootstrap.py", *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_is_the_same_when_it_is_first_on_the_path() -> None:
    names = ("python", "python3", f"python3.{sys.version_info.minor}")
    folders = (Path(sys.base_prefix) / "bin", Path(sys.prefix) / "bin")
    interpreters = [str(folder / name) for folder in folders for name in names]
    keys = {
        subprocess.run([each, "-c", KEY], cwd=CHECKOUT, capture_output=True, check=True).stdout
        for each in interpreters
        if Path(each).exists()
    }
    assert sys.prefix != sys.base_prefix
    assert len(keys) == 1


@pytest.mark.parametrize("cache", ["/dev/null", "/proc/coffeeshop", "/dev/null/below"])
def test_a_cache_that_cannot_be_written_is_one_line(cache: str) -> None:
    ran = bootstrapped("down", COFFEESHOP_CACHE=cache)
    (line,) = ran.stderr.splitlines()
    assert ran.returncode == 1
    assert line.startswith(f"coffeeshop: venv has to be put into the cache {cache}, which cannot")
    assert "COFFEESHOP_CACHE" in line


def test_a_cache_that_cannot_be_written_serves_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COFFEESHOP_CACHE", str(tmp_path))
    made = cache.folder("thing", "1", lambda folder: (folder / "x").touch())
    monkeypatch.setattr(Path, "mkdir", _refused)
    assert cache.folder("thing", "1", _never) == made
    with pytest.raises(Failure, match=r"thing has to be put into the cache .*Read-only"):
        cache.folder("thing", "2", _never)


def _refused(path: Path, **_: object) -> None:
    raise OSError(30, "Read-only file system", str(path))


def _never(_folder: Path) -> None:
    raise AssertionError


def test_a_trouble_of_the_machine_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        raise OSError(28, "No space left on device", "/x/y")

    with pytest.raises(SystemExit):
        console.main(run)
    assert capsys.readouterr().err == "coffeeshop: /x/y: No space left on device\n"


def test_a_folder_named_as_the_environment_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    monkeypatch.setattr(checkout, "CHECKOUT", tmp_path)
    monkeypatch.setattr(bootstrap, "environment", lambda: tmp_path / "made")
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "down"])
    with pytest.raises(Failure, match=r"\.venv is a folder of your own"):
        bootstrap.main()


def test_coffee_runs_from_a_path_with_blanks_and_quotes(tmp_path: Path) -> None:
    made = tmp_path / """an "env" of it's own"""
    (made / "bin").mkdir(parents=True)
    (made / "bin" / "python").symlink_to(sys.executable)
    bootstrap._install_coffee(made)
    ran = subprocess.run([made / "bin" / "coffee"], cwd="/", capture_output=True, text=True)
    assert "call it as .venv/bin/coffee" in ran.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "example.com"}, "example.com,127.0.0.1,localhost,::1"),
        ({"no_proxy": "a, localhost", "NO_PROXY": "b"}, "a,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "*"}, "*"),
    ],
)
def test_this_machine_is_exempt_from_proxies(before: dict[str, str], after: str) -> None:
    env = {**before, "HTTPS_PROXY": "http://proxy:8080"}
    proxies.exempt(env)
    assert env["no_proxy"] == env["NO_PROXY"] == after
    assert env["HTTPS_PROXY"] == "http://proxy:8080"


def test_a_process_of_the_stack_knows_of_no_proxy() -> None:
    env = {"HTTP_PROXY": "x", "https_proxy": "x", "ALL_PROXY": "x", "No_Proxy": "x", "PATH": "p"}
    assert proxies.without(env) == {"PATH": "p"}
