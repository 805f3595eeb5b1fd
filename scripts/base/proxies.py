"""What is on this machine is asked without a proxy, whatever the environment says of proxies.

Uses the standard library alone.
"""

from collections.abc import Mapping, MutableMapping

NAMES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")
"""In lower or upper case."""
LOCAL = ("127.0.0.1", "localhost", "::1")


def without(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that speaks to this machine alone."""
    return {name: value for name, value in env.items() if name.lower() not in NAMES}


def exempt(env: MutableMapping[str, str]) -> None:
    """Have tools that heed proxies, as downloads must, leave this machine out."""
    known = env.get("no_proxy") or env.get("NO_PROXY") or ""
    hosts = [each.strip() for each in known.split(",") if each.strip()]
    if "*" not in hosts:
        hosts += [each for each in LOCAL if each not in hosts]
    env["no_proxy"] = env["NO_PROXY"] = ",".join(hosts)
