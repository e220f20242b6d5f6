SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-all lint format policies bench bench-parts bench-scale bench-stages clean

BIN := node_modules/.bin
# Jest runs ECMAScript modules behind this flag of Node. The last line counts the tests; no count is a failure.
JEST = rm -f .cache/tally; \
	NODE_OPTIONS="--experimental-vm-modules --disable-warning=ExperimentalWarning" $(BIN)/jest $(1); status=$$?; \
	cat .cache/tally 2>/dev/null || { echo "0 passed, 1 failed"; status=1; }; exit $$status

# Tests that take long: races of many calls, faults under load, clusters that lose nodes, browsers.
LONG := test/store/(double_spend|redis_cluster)|test/e2e/(archive|audit_schema|evidence|exact|full_disk|kill_server|limits_faults|workers)|test/audit/(refusals|tampering)|test/page/browser|test/notify/(redis|teams_browser)|test/deploy/prometheus

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: node_modules/.package-lock.json ## Install what is needed to build and test

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

build: setup ## Compile src/ to dist/
	@rm -rf dist
	$(BIN)/tsc -p src
	@mkdir -p dist/store/redis && cp src/store/redis/*.lua dist/store/redis/
	@mkdir -p dist/page/assets && cd src/page/assets && cp *.html *.js *.css *.svg ../../../dist/page/assets/

demo: build ## Run Envoy, Countersign and an example tool; DEMO_EXIT=1 ends when the calls are through
	@$(BIN)/tsx test/demo/demo.ts

test: build ## Run the tests but those that take long, real Envoy and Redis included
	@$(call JEST,--testPathIgnorePatterns=/node_modules/ '--testPathIgnorePatterns=$(LONG)')

test-all: build ## Run every test; this is what CI runs
	@$(call JEST,)

lint: setup ## Check types, style, and the shape of src/
	$(BIN)/tsc --noEmit -p .
	$(BIN)/tsc -p src/page/assets
	$(BIN)/biome ci --error-on-warnings .
	$(BIN)/depcruise --config .dependency-cruiser.cjs src
	$(BIN)/tsx test/harness/build_policies.ts --check
	@if command -v opa >/dev/null 2>&1; then opa check --strict policies/rego && opa fmt --fail --list policies/rego; fi

format: setup ## Format the code and mend what can be mended by itself
	$(BIN)/biome check --write .
	@if command -v opa >/dev/null 2>&1; then opa fmt --write policies/rego; fi

policies: setup ## Rebuild policies/policy.wasm from policies/rego (needs opa 1.0 or newer)
	$(BIN)/tsx test/harness/build_policies.ts

bench: build ## Measure against other authorizers, also behind Envoy; ROUNDS=5 CALLS=8000 ONLY=grpc, and HELP=1 tells more
	@$(BIN)/tsx bench/main.ts $(if $(HELP),--help) --rounds '$(ROUNDS)' --calls '$(CALLS)' --seconds '$(SECONDS_EACH)' \
		--requests '$(REQUESTS)' --levels '$(LEVELS)' --only '$(ONLY)'

bench-parts: build ## Measure evaluations, reloads, a backtest, sessions, and the audit trail, each by itself
	@$(BIN)/tsx bench/evaluate.ts
	@$(BIN)/tsx bench/reload.ts
	@$(BIN)/tsx bench/backtest.ts
	@$(BIN)/tsx bench/session.ts
	@$(BIN)/tsx bench/audit.ts

bench-stages: build ## Measure each stage of a decision by itself (ROUNDS CALLS)
	@$(BIN)/tsx bench/stages.ts $(if $(HELP),--help) --rounds '$(ROUNDS)' --calls '$(CALLS)'

bench-scale: ## Measure how cost, memory and reload grow with agents and rules (ROUNDS CALLS AGENTS RULES)
	@$(MAKE) --no-print-directory build
	@$(BIN)/tsx bench/scale.ts $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(CALLS),--calls $(CALLS)) $(if $(AGENTS),--agents $(AGENTS)) $(if $(RULES),--rules $(RULES))

clean: ## Remove what make builds
	rm -rf dist node_modules .cache coverage
