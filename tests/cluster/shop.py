"""What the tests see of the shop in a cluster: its entry, its pods, and a steady load of orders."""

import contextlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from scripts.base.console import Failure
from scripts.stack import resources
from tests.cluster.api import Kubectl
from tests.support.waiting import until

Json = dict[str, Any]

NAMESPACE = "coffeeshop"
PROMISED_SECONDS = 90
"""Within which every acknowledged order has ended."""
PATIENCE_SECONDS = 120
"""For which a customer repeats a post that was not accepted."""
RATE = 5
"""Orders a second."""
APIS = tuple(f"{api}-api" for api in resources.apis())
CLOSED = r"ERROR .*(timeout|deadline|refused)"
"""What a intruder is told of a closed door."""
ORDER = {
    "commandType": 0,
    "orderSource": 0,
    "location": 0,
    "loyaltyMemberId": "ann",
    "baristaItems": [{"itemType": 1}],
    "kitchenItems": [{"itemType": 7}],
}


class ClusterShop:
    def __init__(self, kubectl: Kubectl, entry: str, pos_token: str, staff_token: str) -> None:
        self._kubectl = kubectl
        self.pos = {"authorization": f"Bearer {pos_token}"}
        self.staff = {"authorization": f"Bearer {staff_token}"}
        self.entry = httpx.Client(base_url=entry, timeout=40)

    def place(self) -> httpx.Response:
        return self.entry.post("/v1/api/orders", json=ORDER, headers=self.pos)

    def is_fulfilled(self) -> float:
        """Place an order; the seconds until it was fulfilled. Fails if it was not. Its customer
        repeats what was cut off: a pod that ends takes its long polls with it."""
        answers: list[httpx.Response] = []

        def is_taken() -> bool:
            answers.append(self.place())
            return answers[-1].status_code == 201

        wait_until(is_taken, 60, "no order is taken")
        begin = time.monotonic()
        _ended(self, answers[-1].json()["id"])
        return time.monotonic() - begin

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return self._kubectl("-n", NAMESPACE, *arguments, text=text)

    def rolled_out(self, name: str) -> None:
        """Wait until a Deployment's or StatefulSet's pods are those that were asked for."""
        self.kubectl("rollout", "status", name, "--timeout=300s")

    def pods(self, selector: str) -> list[Json]:
        """Those that are not on their way out."""
        found = self._kubectl.get("-n", NAMESPACE, "pods", "-l", selector)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def deliveries(self, app: str) -> dict[str, int]:
        """Events that each pod's sidecar handed to its app and saw succeed, by pod."""
        counts = {}
        for pod in self.pods(_sidecar_of(app)):
            name = pod["metadata"]["name"]
            path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}:9090/proxy/metrics"
            counts[name] = sum(
                int(float(line.rpartition(" ")[2]))
                for line in self._kubectl("get", "--raw", path).splitlines()
                if line.startswith("dapr_component_pubsub_ingress_bulk_event_count")
                and 'process_status="success"' in line.lower()
            )
        return counts

    def call(self, pod: str, method: str, url: str, *headers: str) -> str:
        """What a intruder's pod is answered: "STATUS BODY" or "ERROR reason"."""
        return self.kubectl(
            *("exec", pod, "-c", "app", "--", "/intruder", "call", method, url, *headers)
        ).strip()


@dataclass
class Attempt:
    """One order. `answers` are those that its posts got, until it was placed or given up."""

    begun: float
    order_id: str | None = None
    answers: list[str] = field(default_factory=list)


@dataclass
class Phase:
    """What was done to the shop, and when."""

    what: str
    begin: float
    end: float = 0.0


class Load:
    """As a context, five orders a second from customers who repeat until they are answered."""

    def __init__(self, shop: ClusterShop) -> None:
        self.phases: list[Phase] = []
        self._shop = shop
        self._stop = threading.Event()
        self._futures: list[Future[Attempt]] = []
        self._pool = ThreadPoolExecutor(64)
        self._thread = threading.Thread(target=self._run)
        self._client = httpx.Client(base_url=shop.entry.base_url, timeout=5)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Post no more, and return when every customer has an answer or gave up."""
        self._stop.set()
        self._thread.join()
        self._pool.shutdown()

    @contextlib.contextmanager
    def phase(self, what: str) -> Iterator[None]:
        """What is done to the shop meanwhile; the orders of its time are told by its name."""
        phase = Phase(what, time.monotonic())
        self.phases.append(phase)
        yield
        time.sleep(1)
        phase.end = time.monotonic()

    def _run(self) -> None:
        begin = time.monotonic()
        while not self._stop.is_set():
            self._futures.append(self._pool.submit(self._place))
            self._stop.wait(max(0.0, begin + len(self._futures) / RATE - time.monotonic()))

    def _place(self) -> Attempt:
        attempt = Attempt(time.monotonic())
        key = str(uuid4())
        while attempt.order_id is None and time.monotonic() < attempt.begun + PATIENCE_SECONDS:
            pause = 0.5
            try:
                headers = {**self._shop.pos, "idempotency-key": key}
                answer = self._client.post("/v1/api/orders", json=ORDER, headers=headers)
            except httpx.TransportError as error:
                attempt.answers.append(type(error).__name__)
            else:
                if answer.status_code == 201:
                    attempt.order_id = answer.json()["id"]
                    break
                attempt.answers.append(f"{answer.status_code} {_detail(answer)}")
                if answer.status_code == 409:  # abandoned: "use a new key"
                    key = str(uuid4())
                # Or those whom a long outage gathered keep a shop that is back overloaded.
                pause = float(answer.headers.get("retry-after", pause))
            time.sleep(pause)
        return attempt

    def audit(self) -> list[str]:
        """A line for each phase, once every order has ended. Fails when one was lost or late."""
        attempts = [future.result() for future in self._futures]
        never = [attempt for attempt in attempts if not attempt.order_id]
        if never:
            sidecar = _sidecar_of("counter-api")
            print(self._shop.kubectl("logs", "-l", sidecar, "-c", "daprd", "--tail=40"))
        assert not never, (len(never), never[0])
        failures = [a for attempt in attempts for a in attempt.answers if a.startswith("500")]
        assert not failures, (len(failures), failures[0])
        with ThreadPoolExecutor(16) as pool:
            orders = list(pool.map(lambda a: _ended(self._shop, str(a.order_id)), attempts))
        assert len({order["id"] for order in orders}) == len(orders)
        ended = [(a, _seconds(order)) for a, order in zip(attempts, orders, strict=True)]
        assert max(seconds for _, seconds in ended) <= PROMISED_SECONDS
        return [self._line(phase, ended) for phase in self.phases]

    @staticmethod
    def _line(phase: Phase, ended: list[tuple[Attempt, float]]) -> str:
        mine = [(a, s) for a, s in ended if phase.begin <= a.begun < phase.end]
        answers = Counter(answer[:40] for attempt, _ in mine for answer in attempt.answers)
        repeated = "".join(f"; {count} x {answer}" for answer, count in answers.most_common(3))
        slowest = max((seconds for _, seconds in mine), default=0.0)
        return f"  {phase.what:34}{len(mine):4} orders, slowest end {slowest:5.1f} s{repeated}"


def _sidecar_of(app: str) -> str:
    """Selects the pods with the API's sidecar: the API's own, or others where it is on Spin."""
    return f"app.kubernetes.io/name={app},sidecar=dapr"


def _detail(answer: httpx.Response) -> str:
    """Why, in the API's own words, or in those of whatever else answered."""
    if answer.headers["content-type"] == "application/problem+json":
        return str(answer.json()["detail"])
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())[:60]


def _ended(shop: ClusterShop, order_id: str) -> Json:
    """The order, once it has ended; fails when that is later than promised."""
    deadline = time.monotonic() + PROMISED_SECONDS
    while True:
        try:
            answer = shop.entry.get(
                f"/v1/api/orders/{order_id}", params={"wait": 20}, headers=shop.pos
            )
            assert answer.status_code != 404, f"order {order_id} is lost"
            if answer.status_code == 200 and answer.json()["status"] in ("FULFILLED", "FAILED"):
                order: Json = answer.json()
                assert order["status"] == "FULFILLED", order
                return order
        except httpx.TransportError:
            time.sleep(0.5)
        assert time.monotonic() < deadline, f"order {order_id} has not ended"


def _seconds(order: Json) -> float:
    """From its placing to its end."""
    ended = datetime.fromisoformat(order["history"][-1]["at"])
    return (ended - datetime.fromisoformat(order["placedAt"])).total_seconds()


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """`until`, where a call that fails is a condition that does not hold yet."""

    def holds() -> bool:
        try:
            return condition()
        except (Failure, httpx.TransportError):
            return False

    until(holds, seconds, what)
