# Chart, image, packages. Included by the Makefile at the root.
CHART := deploy/helm/otelcol-obs
KUBE_CACHE := .cache/kube
KUBE_MODULE := tools/kube/go.mod tools/kube/go.sum
CHART_FILES := agent.yaml gateway.yaml $(patsubst config/%,%,$(wildcard config/export/*.yaml)) examples/kafka-gateway.yaml examples/rum.yaml

.PHONY: chart chart-full chart-files chart-golden kube-tools kube-tools-full kube-schemas image packages sbom

chart-files: ## Copy the configurations the chart embeds from config/.
	rm -rf $(CHART)/files
	@for f in $(CHART_FILES); do mkdir -p $(CHART)/files/$$(dirname $$f) && cp config/$$f $(CHART)/files/$$f; done
