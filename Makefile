# Each target sets up what it needs; what is there is reused. Extra arguments: make test ARGS="-k wallet"
PYTHON ?= python3
ARGS ?=
PROCESSES ?= auto
export PYTHON
export VLLM_PYTHON

BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo coverage lint format proto docs lock verifier sbom wheelhouse setup clean
.PHONY: test test-vllm test-containment test-containment-short test-redteam test-helm test-tamper test-chaos test-rotation test-faults test-zero-persistence soak
.PHONY: bench-flow bench-fit bench-placement bench-caps bench-decide bench-engines bench-log bench-recognize bench-proxy bench-killed bench-fairness bench-vllm eval-deid eval-evasion eval-routing eval-utility

help: ## this table
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## real requests through daemon, engine, agent and a stand-in provider
	@$(BIN)/python examples/demo.py $(ARGS)

test: setup ## the whole test suite, a file a core at a time (PROCESSES=1 for one after the other)
	@$(BIN)/pytest --numprocesses=$(PROCESSES) --dist=loadfile $(ARGS)

test-vllm: setup ## the engine contract on vLLM, installed for processors into the user's cache (VLLM_PYTHON=one that is there)
	@vllm="$$(scripts/vllm.sh | tail -1)" && RINGFENCE_TEST_VLLM="$$vllm" \
		$(BIN)/pytest -m vllm tests/ringfenced/engines/vllm $(ARGS)

test-containment: setup ## every way out tried for real, in namespaces and under a real systemd, while packets are counted (root; ARGS=--write keeps it)
	@$(BIN)/pytest -m containment tests/containment $(ARGS)

test-containment-short: setup ## of that, what CI runs: daemon, engine, agent and a site at work, in their units
	@$(BIN)/pytest -m "containment and short" tests/containment $(ARGS)

test-redteam: setup ## a rogue daemon tries 10,000 ways to get a canary out (ARGS=--write keeps the result)
	@$(BIN)/python bench/redteam.py $(ARGS)

test-helm: setup ## the chart under every Kubernetes version and 300 sets of values, judged by checkov; the Dockerfiles by hadolint (ARGS=--write keeps it)
	@$(BIN)/python bench/chart.py $(ARGS)

coverage: setup ## branch coverage of the pure parts: verbs, contract, gate
	@$(BIN)/pytest -q --cov --cov-config=pyproject.toml --cov-report=term $(ARGS) tests/ringfence tests/ringfenced/identify \
		tests/ringfenced/classify tests/ringfenced/decide tests/ringfenced/deidentify tests/ringfenced/account tests/ringfence_agent

lint: setup ## formatting, lint, types, import direction, contract, stubs, change notes
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	scripts/buf.sh
	scripts/proto.sh --check
	$(BIN)/python scripts/configuration.py --check
	$(BIN)/python scripts/labels.py --check
	$(BIN)/towncrier build --draft --version next >/dev/null

format: setup ## let ruff format and repair what it can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

proto: setup ## write the Python stubs of proto/ anew
	scripts/proto.sh

docs: setup ## write docs/configuration.md and the tables of docs/labels.md anew
	$(BIN)/python scripts/configuration.py
	$(BIN)/python scripts/labels.py

lock: setup ## write requirements/*.lock anew (UPGRADE=1: with the newest versions)
	scripts/lock.sh

verifier: ## dist/ringfence-verify.py: the log's verifier in one file, for auditors; needs Python alone
	@install -D -m 644 daemon/ringfenced/cli/verify.py dist/ringfence-verify.py && sha256sum dist/ringfence-verify.py

sbom: ## dist/sbom: what each process is made of, with hashes (CycloneDX)
	@scripts/sbom.sh

wheelhouse: ## dist/wheelhouse: all that a machine without a network installs from, with hashes (PYTHON=python3.13)
	@scripts/wheelhouse.sh

test-tamper: setup ## a million ways to tamper with a log (some minutes)
	@$(BIN)/python bench/tamper.py $(ARGS)

bench-flow: setup ## the governed way of a request beside bare gRPC
	@$(BIN)/python bench/flow.py $(ARGS)

bench-fit: setup ## plans of memory beside dry runs and real use, and headers under fuzz
	@PYTHONPATH=bench:tests $(BIN)/python bench/fit.py $(ARGS)

bench-placement: setup ## which of 200 models are in memory when three fit; what a decision takes
	@PYTHONPATH=proto:daemon:tests $(BIN)/python bench/placement.py $(ARGS)

test-chaos: setup ## a thousand requests while engines are killed, models loaded, evicted and swapped (some minutes)
	@PYTHONPATH=proto:daemon:agent:tests $(BIN)/python bench/chaos.py $(ARGS)

bench-caps: setup ## a thousand callers at once at the caps of quotas and a wallet
	@PYTHONPATH=tests $(BIN)/python bench/caps.py $(ARGS)

bench-decide: setup ## what a decision takes with up to 1,000 candidates, beside the plain reference (ARGS=--write keeps it)
	@PYTHONPATH=proto:daemon:tests $(BIN)/python bench/decide.py $(ARGS)

bench-engines: setup ## our llama.cpp engine beside the C++ server and llama_cpp.server (ARGS=--write keeps the result)
	@PYTHONPATH=bench:tests $(BIN)/python bench/engines.py $(ARGS)

bench-log: setup ## the egress log: durable acknowledgements, proofs, memory and starts with ten million entries
	@$(BIN)/python bench/log.py $(ARGS)

bench-recognize: setup ## what recognising costs, beside Presidio in one run
	@scripts/peers.sh
	@$(BIN)/python bench/recognize.py $(ARGS)

bench-proxy: setup ## replies of 256 KB through systemd-socket-proxyd, with NoDelay=yes and without (ARGS=--write keeps it)
	@PYTHONPATH=proto:daemon:tests $(BIN)/python bench/proxy.py $(ARGS)

bench-killed: setup ## what callers notice of an engine that is killed (ARGS=--write keeps the result)
	@$(BIN)/python bench/killed.py $(ARGS)

bench-fairness: setup ## a flood beside a light department, a long prompt beside a stream, a prefix found again
	@PYTHONPATH=tests $(BIN)/python bench/fairness.py $(ARGS)

bench-vllm: setup ## our vLLM engine beside vllm serve (VLLM_PYTHON=one that is there; ARGS=--write keeps the result)
	@vllm="$$(scripts/vllm.sh | tail -1)" && RINGFENCE_TEST_VLLM="$$vllm" \
		PYTHONPATH=tests $(BIN)/python bench/hosted_vllm.py $(ARGS)

eval-deid: setup ## how much of what identifies somebody is found (DATA=folder, JSON=1, POLICY=name)
	@$(BIN)/python bench/deid.py $(if $(DATA),--data '$(DATA)') $(if $(filter 1,$(JSON)),--json) \
		$(if $(POLICY),--policy '$(POLICY)') $(ARGS)

eval-evasion: setup ## how much of it is found when somebody hides it (JSON=1)
	@$(BIN)/python bench/evasion.py $(if $(filter 1,$(JSON)),--json) $(ARGS)

eval-routing: setup ## what learned routing saves, beside what costs nothing (DATA=folder, JSON=1, ARGS=--quick)
	@PYTHONPATH=proto:daemon:bench $(BIN)/python bench/routing.py $(if $(DATA),--data '$(DATA)') \
		$(if $(filter 1,$(JSON)),--json) $(ARGS)

eval-utility: setup ## what a prompt is still good for after de-identification
	@$(BIN)/python bench/utility.py --gold $(ARGS)

test-rotation: setup ## every certificate renewed every 10 s under load; no call may fail (MINUTES=10)
	@PYTHONPATH=proto:daemon:agent:tests $(BIN)/python bench/rotation.py --minutes $(or $(MINUTES),10) --write $(ARGS)

test-faults: setup ## the real agent while its disk, its clock or itself fails, at every call (needs strace; ARGS="--points 100")
	@PYTHONPATH=tests $(BIN)/python bench/faults.py $(ARGS)

test-zero-persistence: setup ## canaries on every route, every process under strace; none may be kept anywhere (ARGS=--write)
	@$(BIN)/python bench/zero_persistence.py $(ARGS)

soak: setup ## half an hour of mixed load while everything that can fail does (MINUTES=30; ARGS=--write keeps the result)
	@PYTHONPATH=proto:daemon:agent:tests $(BIN)/python bench/soak.py --minutes $(or $(MINUTES),30) $(ARGS)

setup: ## .venv from the lock files; llama.cpp compiled once per machine
	@scripts/setup.sh

clean: ## remove caches and reports; .venv and the compiled wheel stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov dist
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
