{{/*
The configurations are files/agent.yaml and files/gateway.yaml, copies of the
repository's config/, completed by one of files/export/. The templates change
only what the values ask for; then come the user's own keys.
*/}}

{{/* Merge the second map into the first: maps merge, all else replaces, null deletes. */}}
{{- define "otelcol-obs.merge" -}}
{{- $dst := index . 0 -}}
{{- range $key, $value := index . 1 -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $dst $key -}}
{{- else if and (kindIs "map" $value) (kindIs "map" (get $dst $key)) -}}
{{- include "otelcol-obs.merge" (list (get $dst $key) $value) -}}
{{- else -}}
{{- $_ := set $dst $key $value -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Merge what the user wrote, a map or a string: list config key value. */}}
{{- define "otelcol-obs.mergeUser" -}}
{{- $over := index . 2 -}}
{{- if kindIs "string" $over -}}
{{- $over = fromYaml $over -}}
{{- if hasKey $over "Error" -}}{{- fail (printf "%s: %s" (index . 1) (get $over "Error")) -}}{{- end -}}
{{- end -}}
{{- include "otelcol-obs.merge" (list (index . 0) ($over | default dict)) -}}
{{- end }}

{{/* Take a receiver or processor out of the configuration: list config "receivers" id. */}}
{{- define "otelcol-obs.remove" -}}
{{- $kind := index . 1 -}}
{{- $id := index . 2 -}}
{{- $_ := unset (get (index . 0) $kind) $id -}}
{{- range $pipeline := (index . 0).service.pipelines -}}
{{- $_ := set $pipeline $kind (without (get $pipeline $kind) $id) -}}
{{- end -}}
{{- end }}

{{/* Add a receiver to the pipelines named: list config id settings pipelines. */}}
{{- define "otelcol-obs.addReceiver" -}}
{{- $cfg := index . 0 -}}
{{- $id := index . 1 -}}
{{- $_ := set $cfg.receivers $id (index . 2) -}}
{{- range $name := index . 3 -}}
{{- $pipeline := get $cfg.service.pipelines $name -}}
{{- $_ := set $pipeline "receivers" (append $pipeline.receivers $id) -}}
{{- end -}}
{{- end }}

{{/* Add a processor right after memory_limiter to every pipeline that has one; others come behind those: list config id settings. */}}
{{- define "otelcol-obs.addProcessor" -}}
{{- $cfg := index . 0 -}}
{{- $id := index . 1 -}}
{{- $_ := set $cfg.processors $id (index . 2) -}}
{{- range $pipeline := $cfg.service.pipelines -}}
{{- if eq (first $pipeline.processors) "memory_limiter" -}}
{{- $_ := set $pipeline "processors" (concat (list (first $pipeline.processors) $id) (rest $pipeline.processors)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The file of files/export/ that leads to the backend. */}}
{{- define "otelcol-obs.backend" -}}
{{- if eq .Values.backend "otlp" -}}
{{ eq .Values.otlp.protocol "http" | ternary "otlphttp" "otlp" }}
{{- else if eq .Values.backend "datadog" -}}
{{ get (dict "datadog" "datadog" "otlp" "datadog-otlp" "contrib" "datadog-contrib") .Values.datadog.protocol }}
{{- else -}}
debug
{{- end -}}
{{- end }}

{{/* The file of files/export/ the agent uses. */}}
{{- define "otelcol-obs.agentExport" -}}
{{- if .Values.kafka.enabled -}}kafka
{{- else if .Values.gateway.enabled -}}gateway
{{- else -}}{{ include "otelcol-obs.backend" . }}
{{- end -}}
{{- end }}

{{/* What the values say about exporters, wherever they are used: list root config maxBytes. */}}
{{- define "otelcol-obs.overlayExporters" -}}
{{- $root := index . 0 -}}
{{- $exporters := (index . 1).exporters -}}
{{- $max := index . 2 | int64 -}}
{{- /* Twice the queue: a file holds pages, not only what is queued. */ -}}
{{- $_ := set (index . 1).extensions.durable_storage "max_bytes" (mul 2 $max) -}}
{{- range $exporter := $exporters -}}
{{- if hasKey $exporter "sending_queue" -}}
{{- $_ := set $exporter.sending_queue "queue_size" $max -}}
{{- end -}}
{{- end -}}
{{- with get $exporters "load_balancing" -}}
{{- /* Its retries are off unless said, and without them a gateway that restarts costs data. */ -}}
{{- $_ := set .retry_on_failure "enabled" true -}}
{{- $_ := set . "resolver" (dict "k8s" (dict "service" (printf "%s.%s" (include "otelcol-obs.headless" $root) $root.Release.Namespace) "ports" (list 4317))) -}}
{{- end -}}
{{- range $id := list "otlp_grpc" "otlp_http" -}}
{{- if and (hasKey $exporters $id) (eq $root.Values.backend "otlp") $root.Values.otlp.caSecret.name -}}
{{- include "otelcol-obs.merge" (list (get $exporters $id) (dict "tls" (dict "ca_file" "/etc/otelcol-obs/backend-ca/ca.crt"))) -}}
{{- end -}}
{{- end -}}
{{- with get $exporters "kafka" -}}
{{- range $signal, $topic := $root.Values.kafka.topics -}}
{{- $_ := set (get $exporters "kafka") $signal (dict "topic" $topic) -}}
{{- end -}}
{{- include "otelcol-obs.overlayKafkaClient" (list $root .) -}}
{{- end -}}
{{- end }}

{{- define "otelcol-obs.overlayKafkaClient" -}}
{{- $client := index . 1 -}}
{{- with (index . 0).Values.kafka -}}
{{- if .sasl.secret.name -}}
{{- $_ := set $client "auth" (dict "sasl" (dict "mechanism" .sasl.mechanism "username" "${required:KAFKA_USERNAME}" "password" "${required:KAFKA_PASSWORD}")) -}}
{{- end -}}
{{- if .tls.enabled -}}
{{- $_ := set $client "tls" (empty .tls.caSecret.name | ternary (dict) (dict "ca_file" "/etc/otelcol-obs/kafka-ca/ca.crt")) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* What is taken in, and whether a probe asks if more can be: list root config hasPeers. */}}
{{- define "otelcol-obs.overlayIntake" -}}
{{- $admission := dict "max_connections" ((index . 0).Values.intake.maxConnections | int64) -}}
{{- if index . 2 -}}
{{- $_ := set $admission "readiness" (dict "endpoint" "0.0.0.0:13134") -}}
{{- end -}}
{{- $_ := set (index . 1).extensions "admission" $admission -}}
{{- end }}

{{- define "otelcol-obs.overlayClusterName" -}}
{{- with (index . 0).Values.clusterName -}}
{{- $action := dict "key" "k8s.cluster.name" "value" . "action" "insert" -}}
{{- include "otelcol-obs.addProcessor" (list (index $ 1) "resource/cluster" (dict "attributes" (list $action))) -}}
{{- end -}}
{{- end }}

{{/* Drop pipelines that nothing feeds; the collector refuses to start with one. */}}
{{- define "otelcol-obs.prune" -}}
{{- $cfg := index . 0 -}}
{{- range $name, $pipeline := $cfg.service.pipelines -}}
{{- if not $pipeline.receivers -}}{{- $_ := unset $cfg.service.pipelines $name -}}{{- end -}}
{{- end -}}
{{- if not $cfg.service.pipelines -}}
{{- fail (printf "%s: every receiver is turned off, so there is nothing to do; set %s.enabled=false instead" (index . 1) (index . 1)) -}}
{{- end -}}
{{- end }}
