# Two commands matter on a fresh machine: `make run` and `make test`. Both need only Go.
CONFIG ?= config/local.yaml
DEMO ?= 1
FUZZTIME ?= 10m

# Said once, so that build, vet and test compile every package once.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false

BIN := bin/otelcol-obs
E2E := tests/e2e
DDCONTEXT := ddcontext
TOOLS := tools/alerts tools/image tools/structure
MODULES := . $(DDCONTEXT) $(E2E) $(TOOLS)

.PHONY: help run build test test-clients test-race check fmt generate bench fuzz crash soak

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Play an order through the collector and print its trace; DEMO=0 runs the collector on CONFIG.
ifeq ($(DEMO),1)
	cd $(E2E) && go run ./demo -bin ../../$(BIN) -root ../..
else
	$(BIN) --config $(CONFIG)
endif

build: ## Build bin/otelcol-obs: static, trimmed, stripped.
	@[ -e $(BIN) ] || echo "the first build takes about 15 CPU-minutes and 8 GB of memory; later ones seconds"
	go build -ldflags='-s -w' -o $(BIN) ./cmd/otelcol-obs

test: build ## Everything that needs only Go, in every module, end to end included.
	go test ./...
	cd $(DDCONTEXT) && go test ./...
	@for m in $(TOOLS); do echo "go test $$m"; (cd $$m && go test ./...) || exit 1; done
	cd $(E2E) && OTELCOL_OBS_BIN=$(CURDIR)/$(BIN) go test . ./demo/... ./internal/...

test-clients: build ## End-to-end tests with Node, Python, a browser and Kafka.
	cd $(E2E) && OTELCOL_OBS_BIN=$(CURDIR)/$(BIN) go test ./clients/...

test-race: ## The components under the race detector (needs a C compiler).
	CGO_ENABLED=1 go test -race ./components/...
	cd $(DDCONTEXT) && CGO_ENABLED=1 go test -race ./...

crash: build ## Kill tests, short form; STOCK=1 shows the stock components' loss beside ours.
	cd $(E2E) && OTELCOL_OBS_BIN=$(CURDIR)/$(BIN) go test -count=1 -timeout 20m -v ./crash/...

soak: build ## Kill tests, 10 minutes.
	cd $(E2E) && OTELCOL_OBS_BIN=$(CURDIR)/$(BIN) CRASH_SOAK=10m go test -count=1 -timeout 40m -v ./crash/...

check: .cache/tools/golangci-lint ## Formatting, vet and golangci-lint (go vet among it), in every module.
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt -w these:" $$unformatted; exit 1; }
	@for m in $(MODULES); do echo "golangci-lint $$m"; (cd $$m && $(CURDIR)/$< run --config $(CURDIR)/.golangci.yml ./...) || exit 1; done

fmt: ## Format every Go file.
	gofmt -w $$(git ls-files '*.go')

generate: generate-metadata ## Rewrite cmd/otelcol-obs from builder-config.yaml, and what each metadata.yaml describes.
	go tool builder --config builder-config.yaml --output-path cmd/otelcol-obs --skip-get-modules --skip-compilation
	gofmt -w cmd/otelcol-obs

.PHONY: generate-metadata
generate-metadata: .cache/tools/mdatagen
	@for f in $$(git ls-files 'components/*/metadata.yaml' --others --cached --exclude-standard); do \
	  echo "mdatagen $$f"; (cd $$(dirname $$f) && $(CURDIR)/.cache/tools/mdatagen metadata.yaml) || exit 1; done

.cache/tools/golangci-lint: tools/lint/go.mod
	@echo "building golangci-lint, once: minutes on a small machine"
	cd tools/lint && go build -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# mdatagen's newest version that builds with the modules that can be had.
.cache/tools/mdatagen: tools/mdatagen/go.mod
	cd tools/mdatagen && go build -o $(CURDIR)/$@ go.opentelemetry.io/collector/cmd/mdatagen

.PHONY: structure
structure: ## Print calls that go back up, an item's way and struct sizes of every component.
	cd tools/structure && go run .

.PHONY: corpus
corpus: ## Record the input of the benchmarks again, from real clients (after .ci/clients).
	cd $(E2E) && go run ./record

bench: ## Benchmarks of every component beside their baselines, with allocations.
	go test -run '^$$' -bench . -benchmem ./components/...
	cd $(DDCONTEXT) && go test -run '^$$' -bench . -benchmem ./...

.PHONY: admission-cost
admission-cost: build ## CPU time of OTLP requests with and without admission, in one run.
	cd $(E2E) && OTELCOL_OBS_BIN=$(CURDIR)/$(BIN) go test -run '^$$' -bench . -benchtime 1x ./admissioncost

fuzz: ## Every fuzz target for FUZZTIME (default 10m).
	$(call fuzz-all,.,./components/... ./internal/...)
	$(call fuzz-all,$(DDCONTEXT),./...)

# A target that fails does not keep the others from running.
define fuzz-all
	@cd $(1) && failed=; for p in $$(go list $(2)); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	  echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$p || failed="$$failed $$p.$$f"; done; done; \
	  test -z "$$failed" || { echo "failed:$$failed"; exit 1; }
endef

-include deploy/deploy.mk
