{{- /* The kinds of nodes that get a daemon, as a list: gpu and cpu, as far as they are asked for. */ -}}
{{- define "ringfence.pools" -}}
{{- $pools := list -}}
{{- range list "gpu" "cpu" -}}
{{- if (index $.Values.daemon .).enabled }}{{ $pools = append $pools . }}{{ end -}}
{{- end -}}
{{- toJson $pools -}}
{{- end }}

{{- /* How many processes serve requests on a kind of nodes: (list $ "gpu"). */ -}}
{{- define "ringfence.workers" -}}
{{- $daemon := (index . 0).Values.daemon -}}
{{- int ((index $daemon (index . 1)).config.workers | default ($daemon.config.workers | default 1)) -}}
{{- end }}

{{- /* The image of a kind of nodes: (list $ "gpu"). */ -}}
{{- define "ringfence.daemonImage" -}}
{{- $images := (index . 0).Values.images -}}
{{- include "ringfence.image" (list (index . 0) (ternary $images.daemonCuda $images.daemon (eq (index . 1) "gpu"))) -}}
{{- end }}

{{- /* ringfenced.toml of a kind of nodes, as a dictionary in JSON: (list $ "gpu"). What the chart must know itself stands over
       what the values say; paths are relative to the file's folder. */ -}}
{{- define "ringfence.daemonConfig" -}}
{{- $root := index . 0 -}}
{{- $pool := index $root.Values.daemon (index . 1) -}}
{{- $config := deepCopy $root.Values.daemon.config -}}
{{- range $key, $value := $pool.config }}{{ $_ := set $config $key $value }}{{ end -}}
{{- $tls := dict "ca" "tls/ca.crt" "cert" "tls/tls.crt" "key" "tls/tls.key" -}}
{{- $_ := set $config "state" "/var/lib/ringfenced" -}}
{{- $_ = set $config "runtime" "/run/ringfenced" -}}
{{- $_ = set $config "confine" (include "ringfence.confine" (list $root $config) | fromJson) -}}
{{- $_ = set $config "listen" (dict
  "tcp" (printf "[::]:%s" (include "ringfence.port.daemon" $root))
  "health" (printf "[::]:%s" (include "ringfence.port.health" $root))
  "key_exchange_groups" $root.Values.daemon.keyExchangeGroups
  "tls" $tls) -}}
{{- if $root.Values.metrics.enabled -}}
{{- $listen := printf "[::]:%s" (include "ringfence.port.metrics" $root) -}}
{{- $_ = set $config "telemetry" (set ($config.telemetry | default dict) "metrics_listen" $listen) -}}
{{- end -}}
{{- if $root.Values.agent.enabled -}}
{{- $ip := $root.Values.agent.clusterIP -}}
{{- $_ = set $config "agent" (dict
  "target" (printf "%s:%s" (ternary (printf "[%s]" $ip) $ip (contains ":" $ip)) (include "ringfence.port.agent" $root))
  "server_name" $root.Values.agent.serverName
  "tls" $tls
  "permit_key" "keys/permit.key"
  "permit_key_id" "daemon"
  "log_public_key" "keys/log.pub"
  "log_origin" $root.Values.agent.config.log.origin) -}}
{{- end -}}
{{- toJson $config -}}
{{- end }}

{{- /* The volume of the models, and how it is mounted. */ -}}
{{- define "ringfence.modelsVolume" -}}
{{- $models := .Values.daemon.models -}}
{{- if eq $models.source "claim" -}}
- name: models
  persistentVolumeClaim: { claimName: {{ $models.existingClaim | quote }}, readOnly: true }
{{- else if eq $models.source "hostPath" -}}
- name: models
  hostPath: { path: {{ $models.hostPath | quote }}, type: Directory }
{{- else if eq $models.source "image" -}}
- name: models
  emptyDir: { sizeLimit: {{ $models.sizeLimit | quote }} }
{{- end }}
{{- end }}

{{- /* The most workers of any kind of nodes. */ -}}
{{- define "ringfence.workersMost" -}}
{{- $most := 1 -}}
{{- range include "ringfence.pools" . | fromJsonArray -}}
{{- $most = max $most (int (include "ringfence.workers" (list $ .))) -}}
{{- end -}}
{{- $most -}}
{{- end }}
