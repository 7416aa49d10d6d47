{{- define "otelcol-obs.gatewayConfig" -}}
{{- $gateway := .Values.gateway -}}
{{- $cfg := .Files.Get "files/gateway.yaml" | fromYaml -}}
{{- include "otelcol-obs.merge" (list $cfg (.Files.Get (printf "files/export/%s.yaml" (include "otelcol-obs.backend" .)) | fromYaml)) -}}
{{- range $id, $values := dict "datadog" $gateway.datadog "fluent_forward" $gateway.fluentforward -}}
{{- if not $values.enabled -}}{{- include "otelcol-obs.remove" (list $cfg "receivers" $id) -}}{{- end -}}
{{- end -}}
{{- if not $gateway.join.enabled -}}
{{- include "otelcol-obs.remove" (list $cfg "processors" "rum_link") -}}
{{- else if ne (toString $gateway.join.wait) "0s" -}}
{{- $wait := dict "wait" $gateway.join.wait -}}
{{- $_ := set $cfg.processors "rum_link" (dict "storage" "durable_storage" "logs" $wait "spans" $wait) -}}
{{- end -}}
{{- if .Values.kafka.enabled -}}
{{- $kafka := include "otelcol-obs.kafkaReceiver" . | fromYaml -}}
{{- include "otelcol-obs.overlayKafkaClient" (list . $kafka) -}}
{{- include "otelcol-obs.addReceiver" (list $cfg "kafka" $kafka (list "traces" "logs" "metrics")) -}}
{{- end -}}
{{- if $gateway.rum.enabled -}}
{{- include "otelcol-obs.overlayRUM" (list . $cfg) -}}
{{- end -}}
{{- include "otelcol-obs.overlayClusterName" (list . $cfg) -}}
{{- include "otelcol-obs.overlayExporters" (list . $cfg $gateway.queue.maxBytes) -}}
{{- include "otelcol-obs.mergeUser" (list $cfg "gateway.config" $gateway.config) -}}
{{- include "otelcol-obs.prune" (list $cfg "gateway") -}}
{{- toYaml $cfg -}}
{{- end }}

{{/*
The two signals are two consumers with the same names in the same order, so
`range` gives partition n of both to the same gateway. A fixed instance id and a
session longer than a restart keep it that way during a rolling update.
*/}}
{{- define "otelcol-obs.kafkaReceiver" -}}
brokers: ${required:KAFKA_BROKERS}
client_id: otelcol-obs
group_id: {{ include "otelcol-obs.fullname" . }}
group_instance_id: ${required:K8S_POD_NAME}
group_rebalance_strategies: [range]
session_timeout: 60s
initial_offset: earliest
# An offset is committed when what it covers is in the sending queue.
autocommit: {enable: true, interval: 1s}
message_marking: {after: true, on_error: false}
error_backoff: {enabled: true, initial_interval: 1s, max_interval: 30s, max_elapsed_time: 0s}
{{- range $signal, $topic := .Values.kafka.topics }}
{{ $signal }}: {topics: [{{ $topic }}]}
{{- end }}
{{- end }}

{{/*
A browser's request arrives at any gateway, the backend spans of its trace at
one. So RUM goes through the same balancing as the agents' data, once, and is
joined where it lands.
*/}}
{{- define "otelcol-obs.overlayRUM" -}}
{{- $root := index . 0 -}}
{{- $cfg := index . 1 -}}
{{- $balance := $root.Files.Get "files/export/gateway.yaml" | fromYaml -}}
{{- $_ := set $cfg.receivers "datadog_rum" (dict "endpoint" "0.0.0.0:12722") -}}
{{- include "otelcol-obs.merge" (list $cfg.exporters $balance.exporters) -}}
{{- range $signal, $pipeline := $balance.service.pipelines -}}
{{- $_ := set $pipeline "receivers" (list "datadog_rum") -}}
{{- $_ := set $cfg.service.pipelines (printf "%s/rum" $signal) $pipeline -}}
{{- end -}}
{{- end }}
