{{- define "otelcol-obs.agentConfig" -}}
{{- $agent := .Values.agent -}}
{{- $cfg := .Files.Get "files/agent.yaml" | fromYaml -}}
{{- $export := include "otelcol-obs.agentExport" . -}}
{{- include "otelcol-obs.merge" (list $cfg (.Files.Get (printf "files/export/%s.yaml" $export) | fromYaml)) -}}
{{- range $id, $values := dict "otlp" $agent.otlp "datadog" $agent.datadog "fluent" $agent.fluent -}}
{{- if not $values.enabled -}}{{- include "otelcol-obs.remove" (list $cfg "receivers" $id) -}}{{- end -}}
{{- end -}}
{{- if .Values.kafka.enabled -}}
{{- /* The id decides the partition, so a log's 64-bit id is completed here. */ -}}
{{- $_ := set $cfg.processors "dd_propagation" (dict "trace_id_cache" (dict "share_with_logs" true)) -}}
{{- end -}}
{{- if and $agent.datadog.enabled $agent.datadog.socket -}}
{{- $_ := set $cfg.receivers.datadog "unix_socket" (dict "path" (printf "%s/apm.socket" $agent.datadog.socketDir)) -}}
{{- end -}}
{{- if $agent.containerLogs -}}
{{- include "otelcol-obs.addReceiver" (list $cfg "file_log" (include "otelcol-obs.containerLogs" . | fromYaml) (list "logs")) -}}
{{- end -}}
{{- if and $agent.hostMetrics $agent.datadog.enabled -}}
{{- /* A tracer may know only the inode of its control group, which is the host's. */ -}}
{{- $_ := set $cfg.receivers.datadog "cgroup_root" "/hostfs/sys/fs/cgroup" -}}
{{- end -}}
{{- if $agent.hostMetrics -}}
{{- include "otelcol-obs.addReceiver" (list $cfg "host_metrics" (include "otelcol-obs.hostMetrics" . | fromYaml) (list "metrics")) -}}
{{- end -}}
{{- include "otelcol-obs.overlayClusterName" (list . $cfg) -}}
{{- if $agent.kubernetesAttributes -}}
{{- include "otelcol-obs.addProcessor" (list $cfg "k8s_attributes" (include "otelcol-obs.kubernetesAttributes" . | fromYaml)) -}}
{{- end -}}
{{- include "otelcol-obs.overlayExporters" (list . $cfg $agent.queue.maxBytes) -}}
{{- include "otelcol-obs.overlayIntake" (list . $cfg "") -}}
{{- include "otelcol-obs.mergeUser" (list $cfg "agent.config" $agent.config) -}}
{{- include "otelcol-obs.prune" (list $cfg "agent") -}}
{{- toYaml $cfg -}}
{{- end }}

{{- define "otelcol-obs.containerLogs" -}}
include: [/var/log/pods/*/*/*.log]
# Reading our own output would feed every error back into the pipeline.
exclude: [/var/log/pods/{{ .Release.Namespace }}_{{ include "otelcol-obs.fullname" . }}-*_*/*/*.log]
start_at: end
include_file_path: true
include_file_name: false
storage: durable_storage
retry_on_failure: {enabled: true, max_elapsed_time: 0s}
operators: [{type: container}]
{{- end }}

{{/* Without network: in a pod it would be the pod's, not the node's. */}}
{{- define "otelcol-obs.hostMetrics" -}}
collection_interval: 30s
root_path: /hostfs
scrapers:
  cpu: {}
  disk: {}
  filesystem:
    exclude_fs_types:
      match_type: strict
      fs_types: [autofs, binfmt_misc, bpf, cgroup2, configfs, debugfs, devpts, fusectl, hugetlbfs, mqueue, nsfs, overlay, proc, pstore, rpc_pipefs, securityfs, squashfs, sysfs, tmpfs, tracefs]
    exclude_mount_points:
      match_type: regexp
      mount_points: [/var/lib/kubelet/.*, /var/lib/containerd/.*, /run/.*]
  load: {}
  memory: {}
  paging: {}
{{- end }}

{{- define "otelcol-obs.kubernetesAttributes" -}}
filter: {node_from_env_var: K8S_NODE_NAME}
extract:
  metadata:
    - k8s.namespace.name
    - k8s.pod.name
    - k8s.pod.uid
    - k8s.pod.start_time
    - k8s.node.name
    - k8s.deployment.name
    - k8s.statefulset.name
    - k8s.daemonset.name
    - k8s.cronjob.name
    - k8s.job.name
  # Datadog's service, environment and version, where a pod's labels say them.
  labels:
    - {from: pod, key_regex: "tags\\.datadoghq\\.com/(service|env|version)", tag_name: "k8s.pod.label.tags.datadoghq.com/$$1"}
pod_association:
  # Datadog tracers name their container or their pod, others are known by their address.
  - sources: [{from: resource_attribute, name: container.id}]
  - sources: [{from: resource_attribute, name: k8s.pod.uid}]
  - sources: [{from: resource_attribute, name: k8s.pod.ip}]
  - sources: [{from: connection}]
{{- end }}
