{{/* Parts both workloads share; each takes list root "agent" values. */}}

{{- define "otelcol-obs.env" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $values := index . 2 -}}
{{- $limit := include "otelcol-obs.mebibytes" $values.resources.limits.memory | int64 -}}
{{- if lt $limit 384 -}}
{{- fail (printf "%s.resources.limits.memory is %v: one request of 8 MiB needs 384Mi" $name $values.resources.limits.memory) -}}
{{- end -}}
{{- $limiter := div (mul $limit 75) 100 -}}
- name: GOMEMLIMIT
  value: {{ div (mul $limit 80) 100 }}MiB
- name: OTELCOL_OBS_MEMORY_MIB
  value: {{ $limiter | quote }}
- name: OTELCOL_OBS_MEMORY_SPIKE_MIB
  value: {{ div $limiter 4 | quote }}
- name: OTELCOL_OBS_DATA
  value: /var/lib/otelcol-obs
- name: K8S_NODE_NAME
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
- name: K8S_POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- $usesGateway := ternary (eq (include "otelcol-obs.agentExport" $root) "gateway") $root.Values.gateway.rum.enabled (eq $name "agent") }}
{{- if $usesGateway }}
- name: OTELCOL_OBS_GATEWAY
  value: {{ include "otelcol-obs.headless" $root }}.{{ $root.Release.Namespace }}.svc
{{- end }}
{{- if or (eq $name "gateway") (eq (include "otelcol-obs.agentExport" $root) (include "otelcol-obs.backend" $root)) }}
{{- include "otelcol-obs.backendEnv" $root }}
{{- end }}
{{- with $root.Values.kafka }}
{{- if .enabled }}
- name: KAFKA_BROKERS
  value: {{ join "," .brokers }}
{{- with .sasl.secret }}
{{- if .name }}
- name: KAFKA_USERNAME
  valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .usernameKey }}}}
- name: KAFKA_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .passwordKey }}}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- with $values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "otelcol-obs.backendEnv" }}
{{- if eq .Values.backend "datadog" }}
{{- with .Values.datadog }}
- name: DD_SITE
  value: {{ .site }}
- name: DD_API_KEY
  valueFrom: {secretKeyRef: {name: {{ required "datadog.apiKeySecret.name is needed with backend=datadog: kubectl create secret generic datadog --from-literal=api-key=..." .apiKeySecret.name }}, key: {{ .apiKeySecret.key }}}}
{{- if ne .protocol "otlp" }}
- name: DD_HOSTNAME
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
{{- end }}
{{- end }}
{{- else if eq .Values.backend "otlp" }}
{{- with .Values.otlp }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ required "otlp.endpoint is needed with backend=otlp" .endpoint | quote }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  {{- if .headersSecret.name }}
  valueFrom: {secretKeyRef: {name: {{ .headersSecret.name }}, key: {{ .headersSecret.key }}}}
  {{- else }}
  value: none
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "otelcol-obs.probes" -}}
startupProbe: {httpGet: {path: /, port: health}, periodSeconds: 2, failureThreshold: 60}
livenessProbe: {httpGet: {path: /, port: health}, periodSeconds: 15, failureThreshold: 4, timeoutSeconds: 5}
readinessProbe: {httpGet: {path: /, port: {{ . }}}, periodSeconds: 5, failureThreshold: 2, timeoutSeconds: 5}
{{- end }}

{{/* Whether another gateway can take what this one has no memory for. Where none can, its refusals are better than no endpoint. */}}
{{- define "otelcol-obs.gatewayHasPeers" -}}
{{- with .Values.gateway -}}
{{- if ge (int (ternary .autoscaling.min .replicas .autoscaling.enabled)) 2 -}}true{{- end -}}
{{- end -}}
{{- end }}

{{- define "otelcol-obs.containerSecurity" -}}
{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
{{- end }}

{{/* Files of Secrets that hold a CA: list root "agent". */}}
{{- define "otelcol-obs.caMounts" -}}
{{- range $name, $secret := include "otelcol-obs.caSecrets" . | fromYaml }}
- {name: {{ $name }}, mountPath: /etc/otelcol-obs/{{ $name }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "otelcol-obs.caVolumes" -}}
{{- range $name, $secret := include "otelcol-obs.caSecrets" . | fromYaml }}
- name: {{ $name }}
  secret: {secretName: {{ $secret.name }}, items: [{key: {{ $secret.key }}, path: ca.crt}]}
{{- end }}
{{- end }}

{{- define "otelcol-obs.caSecrets" -}}
{{- $root := index . 0 -}}
{{- $secrets := dict -}}
{{- $toBackend := or (eq (index . 1) "gateway") (eq (include "otelcol-obs.agentExport" $root) (include "otelcol-obs.backend" $root)) -}}
{{- if and $toBackend (eq $root.Values.backend "otlp") $root.Values.otlp.caSecret.name -}}
{{- $_ := set $secrets "backend-ca" $root.Values.otlp.caSecret -}}
{{- end -}}
{{- with $root.Values.kafka -}}
{{- if and .enabled .tls.enabled .tls.caSecret.name -}}{{- $_ := set $secrets "kafka-ca" .tls.caSecret -}}{{- end -}}
{{- end -}}
{{- toYaml $secrets -}}
{{- end }}

{{/* Where pods go: values. */}}
{{- define "otelcol-obs.placement" -}}
{{- range $key := list "tolerations" "nodeSelector" "affinity" "priorityClassName" }}
{{- with get $ $key }}
{{ toYaml (dict $key .) }}
{{- end }}
{{- end }}
{{- end }}
