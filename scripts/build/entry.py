"""`make entry`: write the configuration of the cluster's HTTP entry, from spin.toml."""

from collections.abc import Iterable

from scripts.base import console
from scripts.base.checkout import CHECKOUT
from scripts.base.console import say
from scripts.build.manifest import Route, routes

CADDYFILE = CHECKOUT / "k8s" / "base" / "entry" / "Caddyfile"

_HEAD = """\
# Written by `make entry` from spin.toml: each public route leads to the API that serves it, and
# nothing leads to events, jobs and health.
{
	admin off
	auto_https off
	persist_config off
	servers {
		timeouts {
			read_header 5s
			read_body 10s
			idle 60s
		}
		max_header_size 16KB
	}
}

# A body is sent on when all of it is here, up to twice what an API takes: who sends slowly holds
# no place of an API. Whose connection is refused is asked again: its pod is being replaced. So no
# connection is kept: a kept one goes on to a pod that ends, and wasmtime answers 500 there.
# Headers that sidecars trust are taken from nobody else.
(api) {
	reverse_proxy {args[0]}:80 {
		lb_try_duration 3s
		lb_try_interval 100ms
		header_up -dapr-api-token
		header_up -dapr-caller-app-id
		request_buffers 128KiB
		transport http {
			dial_timeout 1s
			max_conns_per_host 256
			keepalive off
		}
	}
}

:8081 {
	respond 204
}

:8080 {
"""

_TAIL = """\
	handle {
		header content-type application/problem+json
		respond `{"title":"Not Found","status":404,"detail":"There is nothing here."}` 404
	}

	handle_errors {
		header content-type application/problem+json
		header retry-after 1
		respond `{"title":"Service Unavailable","status":503,"detail":"Repeat the request."}` 503
	}
}
"""


def render(table: Iterable[Route]) -> str:
    """The Caddyfile. Caddy matches `/*` at the end of a path with any number of segments."""
    public: dict[str, list[str]] = {}
    for route in table:
        if route.is_public:
            public.setdefault(route.component, []).extend(_patterns(route.path))
    blocks = (
        f"\t@{component} path {' '.join(patterns)}\n"
        f"\thandle @{component} {{\n\t\timport api {component}\n\t}}\n\n"
        for component, patterns in public.items()
    )
    return _HEAD + "".join(blocks) + _TAIL


def _patterns(path: str) -> list[str]:
    if path.endswith("/..."):
        stem = path.removesuffix("/...")
        return [stem, f"{stem}/*"] if stem else ["/*"]
    one = "/".join("*" if part.startswith(":") else part for part in path.split("/"))
    # The APIs forgive a slash at the end; a `*` takes it too, and files need none.
    return [one] if one.endswith(("/", "*")) or "." in one else [one, f"{one}/"]


def main() -> None:
    CADDYFILE.write_text(render(routes()))
    say(f"Wrote {CADDYFILE.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    console.main(main)
