"""`make sidecars`: everything but the components, for starting Spin by hand.
`make store`: without the sidecars as well, for `dapr run -f .`, which starts them and Spin.

The variables that are needed are left in a file that only its owner reads.
"""

import os
import shlex
import sys

from scripts.base import console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import say
from scripts.stack import runtime
from scripts.stack.plan import settings, sidecar_environment
from scripts.stack.supervise import Stack


def main() -> None:
    for_dapr = "--for-dapr" in sys.argv
    os.environ["RUNTIME"] = "dapr" if for_dapr else "none"
    stack = Stack.default()
    stack.up()
    given = runtime.variables(settings(stack.ports, stack.secrets, {}))
    if for_dapr:
        given |= sidecar_environment(stack.secrets)
    path = stack.layout.run / "spin.env"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in given.items())
    shown = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path
    say("The store runs. Start the rest with:" if for_dapr else "Start Spin with:")
    say(f"    . {shlex.quote(str(shown))}")
    if for_dapr:
        say("    dapr run -f .")
    else:
        say(
            f"    spin up --listen {stack.ports.address.host}:{stack.ports.app('counter')} "
            "--runtime-config-file runtime-config.toml"
        )
    say("`make down` stops what this has started.")


if __name__ == "__main__":
    console.main(main)
