"""`make sidecars`: everything but the components, for whoever starts Spin by hand.

The variables that `spin up` needs are left in a file that only its owner reads.
"""

import os
import shlex

from scripts import cache, runtime
from scripts.cache import CHECKOUT, say
from scripts.stack import settings
from scripts.supervise import Stack


def main() -> None:
    os.environ["RUNTIME"] = "none"
    stack = Stack.default()
    stack.up()
    given = runtime.variables(settings(stack.ports, stack.secrets, {}))
    path = stack.layout.run / "spin.env"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in given.items())
    shown = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path
    say("The sidecars wait for Spin. Start it with:")
    say(f"    . {shown}")
    say(
        f"    spin up --listen 127.0.0.1:{stack.ports.app('counter')} "
        "--runtime-config-file runtime-config.toml"
    )
    say("`make down` stops the sidecars.")


if __name__ == "__main__":
    cache.main(main)
