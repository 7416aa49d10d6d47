{{- define "otelcol-obs.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 42 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 42 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* The selector of one component: list root "agent". */}}
{{- define "otelcol-obs.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "otelcol-obs.labels" -}}
{{- $root := index . 0 -}}
{{ include "otelcol-obs.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "otelcol-obs.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{- define "otelcol-obs.serviceAccount" -}}
{{- with .Values.serviceAccount -}}
{{ if .create }}{{ .name | default (include "otelcol-obs.fullname" $) }}{{ else }}{{ .name | default "default" }}{{ end }}
{{- end -}}
{{- end }}

{{- define "otelcol-obs.headless" -}}
{{ include "otelcol-obs.fullname" . }}-gateway-headless
{{- end }}

{{/* A Kubernetes quantity of bytes in MiB, rounded down. */}}
{{- define "otelcol-obs.mebibytes" -}}
{{- $q := toString . -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 -}}
{{- $unit := regexFind "[A-Za-z]+$" $q -}}
{{- $number := trimSuffix $unit $q -}}
{{- if or (and $unit (not (hasKey $units $unit))) (not (regexMatch "^[0-9]+(\\.[0-9]+)?$" $number)) -}}
{{- fail (printf "%s is no size: write a number and Ki, Mi, Gi, Ti, k, M, G or T" $q) -}}
{{- end -}}
{{- divf (mulf (float64 $number) (get $units $unit | default 1)) 1048576 | floor | int64 -}}
{{- end }}

{{/* Whether a pod of this component needs the API: list root "agent". */}}
{{- define "otelcol-obs.needsAPI" -}}
{{- $root := index . 0 -}}
{{- $balances := ternary (and $root.Values.gateway.enabled (not $root.Values.kafka.enabled)) $root.Values.gateway.rum.enabled (eq (index . 1) "agent") -}}
{{- if or $balances (and (eq (index . 1) "agent") $root.Values.agent.kubernetesAttributes) -}}true{{- end -}}
{{- end }}

{{/* The switches that need the host and with it uid 0 (without capabilities). */}}
{{- define "otelcol-obs.agentIsRoot" -}}
{{- with .Values.agent -}}
{{- if or (and .datadog.enabled .datadog.socket) .queue.hostPath .containerLogs -}}true{{- end -}}
{{- end -}}
{{- end }}

{{/* The Pod Security level the agent needs. */}}
{{- define "otelcol-obs.podSecurityLevel" -}}
{{- with .Values.agent -}}
{{- if or (include "otelcol-obs.agentIsRoot" $) .hostMetrics (and .otlp.enabled .otlp.hostPort) (and .datadog.enabled .datadog.hostPort) (and .fluent.enabled .fluent.hostPort) -}}
privileged
{{- else -}}
restricted
{{- end -}}
{{- end -}}
{{- end }}

{{/* Where RUM SDKs send to: the paths datadog_rum serves by default. */}}
{{- define "otelcol-obs.rumPaths" -}}
[/api/v2/rum, /api/v2/replay, /api/v2/logs, /rum]
{{- end }}
