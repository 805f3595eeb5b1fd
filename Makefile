# Thin: everything is in scripts/. Settings: COFFEESHOP_PORT_OFFSET, COFFEESHOP_HOME, COFFEESHOP_CACHE
# and those of docs/operations.md.
PYTHON ?= python3
DO = $(PYTHON) scripts/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help run dev up sidecars store down status logs coffee screenshots build try-station test unit simulate-short simulate \
	e2e faults-short faults dead-letters pending lint bench bench-live k8s-test cluster-test images station entry secrets \
	format describe lock clean

help:  ## What there is
	@sed -n 's/^\([a-z0-9-]*\):.*  ## /\1\t/p' Makefile | expand -t 12

# A switch: on with 1, off with 0 or nothing.
on = $(if $(filter-out 0 1,$($(1))),$(error $(1) is "$($(1))": it may be 1, or 0 for none),$(filter 1,$($(1))))

export COFFEESHOP_TRACES = $(call on,TRACES)

# An address for LISTEN on the command line or in the environment; else this machine alone.
ifdef LISTEN
export COFFEESHOP_LISTEN = $(LISTEN)
endif

# Both stations wait for what their staff say.
ifneq ($(call on,STAFF),)
export COFFEESHOP_MAKING = by-staff
else ifdef STAFF
export COFFEESHOP_MAKING = at-once
endif

run:  ## Start everything, place an order, serve until Ctrl-C (ONCE=1: end after it; TRACES=1: Zipkin; STAFF=1: people make)
	@$(DO) operate.run $(if $(call on,ONCE),--once)

dev:  ## The four APIs natively on a simulated Dapr: starts in 2 s, again after each change; nothing lasts
	@$(DO) tests.dev

up:  ## The same stack in the background (TRACES=1: with Zipkin; STAFF=1: people make; LISTEN=0.0.0.0: for others too, with tokens)
	@$(DO) operate.up

sidecars:  ## Everything but the components, for a `spin up` by hand
	@$(DO) operate.sidecars

store:  ## Valkey alone, for `dapr run -f .`
	@$(DO) operate.sidecars --for-dapr

down:  ## Stop it; its data stays
	@$(DO) operate.down

status:  ## How each process is, and which ones died
	@$(DO) operate.status

logs:  ## ORDER=<id>: that order's log lines of all four APIs
	@$(DO) operate.logs "$(ORDER)"

coffee:  ## ARGS="order COFFEE_BLACK CROISSANT": the command line; also .venv/bin/coffee
	@$(DO) coffee $(ARGS)

screenshots:  ## Take the pictures of the README again
	@$(DO) pytest tests/e2e/screenshots.py

build:  ## The components, for Spin and for plain wasmtime
	@$(DO) build.wasm

try-station:  ## Add a station by the book, in a copy, and run every test there (half an hour)
	@$(DO) pytest tests/try_station.py

test: lint unit simulate-short e2e faults-short  ## Everything that a commit must pass

unit:
	@$(DO) pytest tests/unit

simulate-short:  ## The short form of `simulate`; and that the real sidecar does what is simulated
	@$(DO) pytest tests/simulation

simulate:  ## MINUTES= or RUNS=, SEED=, EXHAUSTIVE=1, MUTANT=, TAPE=: the shop with injected faults
	@$(DO) tests.simulation $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RUNS),--runs $(RUNS)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(call on,EXHAUSTIVE),--exhaustive) \
	  $(if $(MUTANT),--mutant "$(MUTANT)") $(if $(TAPE),--tape "$(TAPE)")

e2e:
	@$(DO) pytest tests/contract tests/e2e

faults-short:
	@$(DO) pytest tests/faults

faults:  ## Break everything under load and count the orders, some 50 minutes (SEED=, CASE=)
	@$(DO) tests.faults $(if $(SEED),--seed $(SEED)) $(CASE)
	$(if $(CASE),,@COFFEESHOP_FUZZ=400 COFFEESHOP_EXAMPLES=100 $(DO) pytest \
	  tests/faults/test_access.py tests/faults/test_fuzz.py tests/e2e/test_description.py)

dead-letters:  ## What no handler took (REPLAY=id or all, DISCARD=id or all)
	@$(DO) operate.dead_letters $(if $(REPLAY),replay $(REPLAY:all=--all)) $(if $(DISCARD),discard $(DISCARD:all=--all))

pending:  ## What sidecars hold, and which of it one dies of (DROP=id or all: those)
	@$(DO) operate.dead_letters $(if $(DROP),drop $(DROP:all=--all),pending)

k8s-test:  ## Every overlay of k8s/ against a real API server, a real daprd and our own rules
	@$(DO) pytest tests/manifests

cluster-test:  ## The shop in a real one-node cluster, made and gone again (root; SPIN_SHIM=: on Spin too)
	@$(DO) tests.cluster

lint:  ## ruff, mypy --strict and tsc
	@$(DO) operate.lint

bench:  ## Ours beside a native peer, half an hour (SHORT=1: a few ratios; AGAINST=commit: beside that too; PARTS="start orders", RECORD=1)
	@$(DO) tests.bench $(if $(call on,SHORT),--short) $(if $(call on,RECORD),--record) \
	  $(if $(AGAINST),--against $(AGAINST)) $(PARTS)

bench-live:  ## What following an order costs, by streams and by polling (a minute)
	@$(DO) tests.bench.live

station:  ## NAME=juicebar: add a station; without it, write again what the stations need
	@$(DO) describe.stations $(NAME)

images:  ## The container images, with their digests and sizes
	@$(DO) build.images

entry:  ## Write the cluster's HTTP entry from spin.toml
	@$(DO) build.entry

secrets:  ## New Secrets for a cluster, as YAML: make -s secrets | kubectl apply -f -
	@$(DO) operate.cluster_secrets

format:
	@$(DO) ruff format apps scripts tests

describe:  ## Write the APIs' descriptions (OpenAPI, AsyncAPI) from the code
	@$(DO) describe.descriptions

lock:  ## Write the lock files from the .in files
	@$(DO) provision.lock

clean:  ## Remove data, logs and builds
	@$(DO) operate.clean
