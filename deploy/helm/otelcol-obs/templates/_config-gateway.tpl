{{- define "otelcol-obs.gatewayConfig" -}}
{{- $gateway := .Values.gateway -}}
{{- $cfg := .Files.Get "files/gateway.yaml" | fromYaml -}}
{{- include "otelcol-obs.merge" (list $cfg (.Files.Get (printf "files/export/%s.yaml" (include "otelcol-obs.backend" .)) | fromYaml)) -}}
{{- range $id, $values := dict "datadog" $gateway.datadog "fluent" $gateway.fluent -}}
{{- if not $values.enabled -}}{{- include "otelcol-obs.remove" (list $cfg "receivers" $id) -}}{{- end -}}
{{- end -}}
{{- if not $gateway.rum.enabled -}}
{{- include "otelcol-obs.remove" (list $cfg "receivers" "datadog_rum") -}}
{{- end -}}
{{- if not $gateway.join.enabled -}}
{{- include "otelcol-obs.remove" (list $cfg "processors" "rum_link") -}}
{{- else if eq (toString $gateway.join.wait) "0s" -}}
{{- $_ := set $cfg.processors "rum_link" nil -}}
{{- else -}}
{{- $_ := set $cfg.processors.rum_link "logs" (dict "wait" $gateway.join.wait) -}}
{{- end -}}
{{- if .Values.kafka.enabled -}}
{{- include "otelcol-obs.overlayKafkaReceivers" (list . $cfg) -}}
{{- end -}}
{{- if $gateway.rum.enabled -}}
{{- include "otelcol-obs.overlayRUM" (list . $cfg) -}}
{{- end -}}
{{- include "otelcol-obs.overlayClusterName" (list . $cfg) -}}
{{- include "otelcol-obs.overlayExporters" (list . $cfg $gateway.queue.maxBytes) -}}
{{- include "otelcol-obs.overlayIntake" (list . $cfg (include "otelcol-obs.gatewayHasPeers" .)) -}}
{{- include "otelcol-obs.mergeUser" (list $cfg "gateway.config" $gateway.config) -}}
{{- include "otelcol-obs.prune" (list $cfg "gateway") -}}
{{- toYaml $cfg -}}
{{- end }}

{{/* The readers of files/examples/kafka-gateway.yaml, one per signal. */}}
{{- define "otelcol-obs.overlayKafkaReceivers" -}}
{{- $root := index . 0 -}}
{{- $cfg := index . 1 -}}
{{- $example := $root.Files.Get "files/examples/kafka-gateway.yaml" | fromYaml -}}
{{- range $signal, $topic := $root.Values.kafka.topics -}}
{{- $id := printf "kafka/%s" $signal -}}
{{- $receiver := get $example.receivers $id -}}
{{- $_ := set $receiver "group_id" (printf "%s-%s" (include "otelcol-obs.fullname" $root) $signal) -}}
{{- $_ := set $receiver $signal (dict "topics" (list $topic)) -}}
{{- /* Agents may have written before the first gateway read. */ -}}
{{- $_ := set $receiver "initial_offset" "earliest" -}}
{{- include "otelcol-obs.overlayKafkaClient" (list $root $receiver) -}}
{{- include "otelcol-obs.addReceiver" (list $cfg $id $receiver (list $signal)) -}}
{{- end -}}
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
{{- include "otelcol-obs.merge" (list $cfg.receivers ($root.Files.Get "files/examples/rum.yaml" | fromYaml).receivers) -}}
{{- $_ := set $cfg.receivers.datadog_rum "storage" "durable_storage" -}}
{{- $_ := set $cfg.receivers.datadog_rum "trusted_proxies" $root.Values.gateway.rum.trustedProxies -}}
{{- include "otelcol-obs.merge" (list $cfg.exporters $balance.exporters) -}}
{{- range $signal, $pipeline := $balance.service.pipelines -}}
{{- $_ := set $pipeline "receivers" (list "datadog_rum") -}}
{{- $_ := set $cfg.service.pipelines (printf "%s/rum" $signal) $pipeline -}}
{{- end -}}
{{- end }}
