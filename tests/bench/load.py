"""Load by vegeta, closed loop: connections that ask again as soon as they are answered."""

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scripts.base.console import Failure
from scripts.provision import programs

MODULE = Path(__file__).parent / "vegeta"


@dataclass(frozen=True)
class Target:
    method: str
    url: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """As vegeta reads it."""
        headers = {"Content-Type": "application/json", **self.headers}
        return json.dumps(
            {
                "method": self.method,
                "url": self.url,
                "body": base64.b64encode(self.body).decode(),
                "header": {name: [value] for name, value in headers.items()},
            }
        )


@dataclass(frozen=True)
class Result:
    """`seconds` is until the last answer; latencies are in milliseconds."""

    seconds: float
    statuses: dict[int, int]
    p50: float
    p99: float
    bodies: tuple[bytes, ...] = ()
    """Of the successes, where they are kept."""

    def per_second(self, *statuses: int) -> float:
        """Answers of these statuses a second, by default of all that are successes."""
        wanted = statuses or tuple(s for s in self.statuses if 200 <= s < 300)
        return sum(self.statuses.get(status, 0) for status in wanted) / self.seconds

    @property
    def answered(self) -> int:
        """Successes."""
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)

    @property
    def refused(self) -> float:
        """The share that was no success."""
        return 1 - self.answered / max(1, sum(self.statuses.values()))


def vegeta() -> Path:
    package = {"vegeta": "github.com/tsenart/vegeta/v12"}
    return programs.go_programs("vegeta", MODULE, package) / "vegeta"


def attack(
    targets: Iterable[Target], connections: int, seconds: float, *, keeps_bodies: bool = False
) -> Result:
    """The targets in turn, again and again. Raises `Failure` if nothing succeeds."""
    program, workers = vegeta(), str(connections)
    with tempfile.TemporaryDirectory() as folder:
        given, results = Path(folder) / "targets", Path(folder) / "results"
        given.touch(0o600)  # sidecars' tokens are in it
        given.write_text("".join(f"{target.line()}\n" for target in targets))
        _run(
            *(program, "attack", "-format=json", f"-targets={given}", f"-output={results}"),
            *("-rate=0", f"-workers={workers}", f"-max-workers={workers}"),
            *(f"-connections={workers}", f"-duration={seconds}s", "-timeout=35s"),
        )
        report = json.loads(_run(program, "report", "-type=json", results))
        answers = _run(program, "encode", "-to=json", results) if keeps_bodies else ""
    found = Result(
        (report["duration"] + report["wait"]) / 1e9,
        {int(code): count for code, count in report["status_codes"].items()},
        report["latencies"]["50th"] / 1e6,
        report["latencies"]["99th"] / 1e6,
        tuple(_bodies(answers)),
    )
    if not found.answered:
        raise Failure(f"Nothing succeeded under load: {found.statuses} {report['errors'][:2]}")
    return found


def _bodies(answers: str) -> Iterator[bytes]:
    for answer in map(json.loads, answers.splitlines()):
        if 200 <= answer["code"] < 300:
            yield base64.b64decode(answer["body"])


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"vegeta: {done.stderr.strip()}")
    return done.stdout
