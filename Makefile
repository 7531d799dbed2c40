# What is needed: Go 1.26, git, make. PostgreSQL and Chromium are installed from
# the distribution where they are missing, by root or by sudo without a question.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
# Where Go's own archive is unpacked to; what PATH has comes first.
export PATH := $(PATH):/usr/local/go/bin
# The version comes from VERSION below: Go's own look at the repository fails in
# a clone that belongs to another user. Without paths in what is compiled, every
# clone makes the same binary, and shares the cache of builds.
export GOFLAGS := $(GOFLAGS) -buildvcs=false -trimpath

VERSION := $(shell git -c safe.directory='*' describe --tags --always --dirty 2>/dev/null || echo unknown)
TOOLS := $(CURDIR)/.cache/bin
LINT_VERSION := v2.15.0
LINT := $(TOOLS)/golangci-lint-$(LINT_VERSION)

# Runs a command with a PostgreSQL of its own, which is removed afterwards.
WITH_POSTGRES := $(GO) run ./eventstore/storetest/with-postgres

# Tests are linked without what only a debugger reads: a second less for each package.
LINKING := -ldflags=-w

# To choose from the command line: make run ARGS='--listen 127.0.0.1:9000',
# make test PKG=./vault/..., make fuzz FUZZTIME=5m
ARGS ?=
PKG ?= ./...
FUZZTIME ?= 20s

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/tender and bin/tender-verify
	$(GO) build -ldflags '-X main.version=$(VERSION)' -o bin/ ./cmd/tender ./cmd/tender-verify

.PHONY: run
run: build ## Build and run everything on this machine: tender dev
	exec bin/tender dev $(ARGS)

.PHONY: test
test: ## Run all tests that are quick (under 5 minutes on two cores)
	$(WITH_POSTGRES) $(GO) test $(LINKING) -timeout 10m $(ARGS) $(PKG)

.PHONY: race
race: ## Run the same tests under the race detector (needs a C compiler)
	@command -v "$$($(GO) env CC)" >/dev/null || { echo 'The race detector needs a C compiler: apt-get install gcc libc6-dev' >&2; exit 1; }
	CGO_ENABLED=1 $(WITH_POSTGRES) $(GO) test $(LINKING) -race -timeout 20m $(ARGS) $(PKG)

.PHONY: lint
lint: $(LINT) ## Check formatting, go vet and the linters of .golangci.yml
	@unformatted=$$(find . -name '*.go' -not -path './.cache/*' -exec gofmt -l {} +); \
		if [ -n "$$unformatted" ]; then echo "Not formatted by gofmt: $$unformatted" >&2; exit 1; fi
	$(GO) vet $(PKG)
	$(LINT) run --allow-parallel-runners $(PKG)

$(LINT):
	mkdir -p $(TOOLS)
	GOFLAGS= GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(TOOLS)/golangci-lint $@

.PHONY: fuzz
fuzz: ## Run every fuzz test for FUZZTIME (20s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u | while read -r dir; do \
		for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$dir"/*_test.go); do \
			echo "$$dir $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$dir" </dev/null; \
		done; \
	done

.PHONY: bench
bench: build ## Measure appends, payments, series and the scheduler; docs/benchmarks.md explains the figures
	exec bin/tender bench $(ARGS)

.PHONY: bench-rebuild
bench-rebuild: build ## Rebuild and verify a log of 1 million events, or ARGS='--events 3000000'
	exec bin/tender bench rebuild $(ARGS)

.PHONY: bench-webhooks
bench-webhooks: build ## Measure how fast webhooks are delivered, and how soon they arrive
	exec bin/tender bench webhooks $(ARGS)

# The packages with files behind a build tag: the others' tests ran already.
tagged = $(shell grep -rl --include='*_test.go' '^//go:build $(1)' . | xargs -r -n1 dirname | sort -u)

.PHONY: browser
browser: ## Drive the pages in Chromium
	.ci/chromium
	$(WITH_POSTGRES) $(GO) test -tags browser -p 1 -timeout 20m $(ARGS) $(or $(call tagged,browser),$(error no test has the build tag browser))

.PHONY: torture
torture: ## Kill, cut and race: slow, and different each time
	$(WITH_POSTGRES) $(GO) test -tags torture -p 1 -timeout 60m -count 1 $(ARGS) $(or $(call tagged,torture),$(error no test has the build tag torture))

.PHONY: clean
clean: ## Remove what was built; the data in .tender stays
	rm -rf bin .cache
