# Chart, image and packages; included by the Makefile at the root.
VERSION ?= 0.1.0-dev
# Time of every file in image and packages: the last commit's.
EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
CHART := deploy/helm/otelcol-obs
ARCHS ?= amd64 arm64
KUBE := .cache/kube
KUBE_MODULE := tools/kube/go.mod tools/kube/go.sum

.PHONY: chart chart-full chart-files chart-golden kube-tools kube-tools-full \
	image image-files image-test packages packages-test sbom

# --- chart ---

CHART_FILES = agent.yaml gateway.yaml $(patsubst config/%,%,$(wildcard config/export/*.yaml)) \
	examples/kafka-gateway.yaml examples/rum.yaml

chart-files: ## Copy the configurations the chart embeds from config/.
	rm -rf $(CHART)/files
	@for f in $(CHART_FILES); do mkdir -p $$(dirname $(CHART)/files/$$f) && cp config/$$f $(CHART)/files/$$f; done

chart: build kube-tools ## Everything about the chart that needs no cluster; prints the time of each step.
	cd tools/kube && go vet ./charttest ./schemagen ./roots
	cd tools/kube/charttest && KUBE_TOOLS=$(CURDIR)/$(KUBE) OTELCOL_OBS_BIN=$(CURDIR)/$(BIN) go test -count=1
	cd $(E2E) && OTELCOL_OBS_BIN=$(CURDIR)/$(BIN) go test -count=1 -v -run '^TestChart' .

chart-golden: kube-tools ## Rewrite the rendered examples.
	cd tools/kube/charttest && KUBE_TOOLS=$(CURDIR)/$(KUBE) go test -count=1 -run TestExamplesAreRenderedAsCommitted -update

chart-full: kube-tools-full ## The chart on a real API server with simulated nodes, with Helm 3 and Helm 4.
	cd tools/kube/clustertest && KUBE_TOOLS=$(CURDIR)/$(KUBE) go test -count=1 -timeout 20m

kube-tools: $(KUBE)/helm $(KUBE)/helm-unittest $(KUBE)/kubeconform $(KUBE)/schemas ## Build Helm, helm-unittest and kubeconform, and generate Kubernetes' schemas.

kube-tools-full: kube-tools $(KUBE)/helm4 $(KUBE)/kwok $(KUBE)/etcd $(KUBE)/controlplane ## Build Helm 4 and the API server's programs too (about 10 minutes on two cores).

# Kubernetes' own schemas, from the API description in its modules.
$(KUBE)/schemas: $(KUBE_MODULE) $(wildcard tools/kube/schemagen/*.go)
	@mkdir -p $(KUBE)
	rm -rf $@ $@.new && cd tools/kube && go run ./schemagen -o $(CURDIR)/$@.new && mv $(CURDIR)/$@.new $(CURDIR)/$@

$(KUBE)/helm: PACKAGE = helm.sh/helm/v3/cmd/helm
$(KUBE)/helm4: PACKAGE = helm.sh/helm/v4/cmd/helm
$(KUBE)/helm-unittest: PACKAGE = github.com/helm-unittest/helm-unittest/cmd/helm-unittest
$(KUBE)/kubeconform: PACKAGE = github.com/yannh/kubeconform/cmd/kubeconform
$(KUBE)/kwok: PACKAGE = sigs.k8s.io/kwok/cmd/kwok
$(KUBE)/etcd: PACKAGE = ./etcd
$(KUBE)/controlplane: PACKAGE = ./controlplane
# What the API server says it is; Helm compares the chart's kubeVersion with it.
$(KUBE)/controlplane: LDFLAGS = -X k8s.io/component-base/version.gitVersion=$(shell cd tools/kube && go list -m -f '{{.Version}}' k8s.io/kubernetes)
$(KUBE)/%: $(KUBE_MODULE)
	@mkdir -p $(KUBE)
	cd tools/kube && go build -ldflags='-s -w $(LDFLAGS)' -o $(CURDIR)/$@ $(PACKAGE)

# --- image ---

IMAGE ?= otelcol-obs/otelcol-obs:$(VERSION)
IMAGE_TAR ?= bin/otelcol-obs-$(VERSION)-oci.tar
# What cmd/otelcol-obs/Dockerfile adds.
IMAGE_ROOTFS := bin/image/rootfs-{arch}.tar.gz
IMAGE_CONFIG = agent.yaml gateway.yaml $(patsubst config/%,%,$(wildcard config/export/*.yaml))

image: image-files .cache/tools/image ## Write a multi-arch OCI archive without a container engine; the same sources give the same bytes.
	.cache/tools/image -o $(IMAGE_TAR) -rootfs $(IMAGE_ROOTFS) -tag $(IMAGE) -epoch $(EPOCH) $(foreach a,$(ARCHS),-arch $(a)) \
		-user 10001:10001 -entrypoint /otelcol-obs \
		-cmd=--config=/etc/otelcol-obs/agent.yaml -cmd=--config=/etc/otelcol-obs/export/debug.yaml \
		-file /otelcol-obs=bin/linux-{arch}/otelcol-obs -file /sendspan=bin/linux-{arch}/sendspan \
		-file /etc/ssl/certs/ca-certificates.crt=bin/image/ca-certificates.crt \
		-file /usr/share/zoneinfo.zip=bin/image/zoneinfo.zip \
		$(foreach f,$(IMAGE_CONFIG),-file /etc/otelcol-obs/$(f)=config/$(f)) \
		-file /LICENSE=LICENSE -dir /var/lib/otelcol-obs -env ZONEINFO=/usr/share/zoneinfo.zip \
		-port 4317/tcp -port 4318/tcp -port 8126/tcp -port 24224/tcp -port 13133/tcp -port 8888/tcp \
		-label org.opencontainers.image.title=otelcol-obs -label org.opencontainers.image.version=$(VERSION) \
		-label org.opencontainers.image.licenses=Apache-2.0

.cache/tools/image: $(wildcard tools/image/*.go) tools/image/go.mod
	cd tools/image && go build -o $(CURDIR)/$@ .

image-files: $(foreach a,$(ARCHS),binaries-$(a)) ## What goes into the image: binaries of ARCHS, CA roots, time zones.
	@mkdir -p bin/image
	cd tools/kube && go run ./roots -o $(CURDIR)/bin/image/ca-certificates.crt
	cp $$(go env GOROOT)/lib/time/zoneinfo.zip bin/image/zoneinfo.zip && chmod 644 bin/image/zoneinfo.zip

.PHONY: $(foreach a,$(ARCHS),binaries-$(a))
$(foreach a,$(ARCHS),binaries-$(a)): binaries-%:
	GOOS=linux GOARCH=$* go build -ldflags='-s -w' -o bin/linux-$*/ ./cmd/otelcol-obs ./tools/sendspan

image-test: image ## Start the image under podman, read-only and without capabilities; build the Dockerfile and compare.
	deploy/image-test.sh $(IMAGE_TAR) $(IMAGE)

# --- packages ---

NFPM := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4
SYFT := github.com/anchore/syft/cmd/syft@v1.52.0

packages: $(foreach a,$(ARCHS),binaries-$(a)) ## Write deb and rpm packages of ARCHS to bin/.
	@for arch in $(ARCHS); do for format in deb rpm; do \
	  ARCH=$$arch VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(EPOCH) go run $(NFPM) package \
	    --config deploy/packages/nfpm.yaml --packager $$format --target bin/ || exit 1; done; done

HOST_ARCH := $(shell go env GOARCH)
packages-test: packages ## Look into the packages of this machine's architecture; install, upgrade and purge them in a folder.
	deploy/packages-test.sh bin/otelcol-obs_$(subst -,~,$(VERSION))_$(HOST_ARCH).deb \
		bin/otelcol-obs-$(subst -,~,$(VERSION))-1.$(if $(filter arm64,$(HOST_ARCH)),aarch64,x86_64).rpm

sbom: $(foreach a,$(ARCHS),binaries-$(a)) ## Write an SPDX bill of materials of each binary to bin/; the same binary gives the same bytes.
	@set -e; for arch in $(ARCHS); do out=bin/otelcol-obs-$(VERSION)-$$arch.spdx.json; \
	  SYFT_CHECK_FOR_APP_UPDATE=false go run -ldflags='-X main.version=$(lastword $(subst @v, ,$(SYFT)))' $(SYFT) scan file:bin/linux-$$arch/otelcol-obs \
	    --quiet --source-name otelcol-obs --source-version $(VERSION) -o spdx-json=bin/syft.json; \
	  go run ./tools/sbom -epoch $(EPOCH) -version $(VERSION) -module $$(go list -m) <bin/syft.json >$$out; \
	  rm bin/syft.json; echo "$$out: $$(grep -c '"versionInfo"' $$out) modules"; done
