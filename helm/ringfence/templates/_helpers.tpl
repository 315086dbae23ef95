{{- /* The release's name, with the chart's where it does not say it already. */ -}}
{{- define "ringfence.name" -}}
{{- ternary .Release.Name (printf "%s-ringfence" .Release.Name) (contains "ringfence" .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- /* What a selector matches: (list $ "daemon"). */ -}}
{{- define "ringfence.selector" -}}
app.kubernetes.io/name: ringfence
app.kubernetes.io/instance: {{ (index . 0).Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- /* Whose walls stand around a pod: what network policies match. Apart from the component, so that the pods that try to escape
       stand behind the same walls and are no daemon to a DaemonSet, no endpoint to a Service. (list $ "daemon") */ -}}
{{- define "ringfence.walls" -}}
app.kubernetes.io/instance: {{ (index . 0).Release.Name | quote }}
ringfence/walls: {{ index . 1 }}
{{- end }}

{{- /* Every object's labels: (list $ "daemon"). */ -}}
{{- define "ringfence.labels" -}}
{{ include "ringfence.selector" . }}
app.kubernetes.io/part-of: ringfence
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service | quote }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version | quote }}
{{- end }}

{{- /* The same with the walls, for pods: (list $ "daemon" "daemon"), the component and whose walls. */ -}}
{{- define "ringfence.podLabels" -}}
{{ include "ringfence.labels" . }}
ringfence/walls: {{ index . 2 }}
{{- end }}

{{- /* An object's name, namespace and labels: (list $ "ringfence-daemon" "daemon"). */ -}}
{{- define "ringfence.metadata" -}}
name: {{ index . 1 | quote }}
namespace: {{ (index . 0).Release.Namespace | quote }}
labels: {{- include "ringfence.labels" (list (index . 0) (index . 2)) | nindent 2 }}
{{- end }}

{{- /* An image, by digest if there is one: (list $ .Values.images.daemon). */ -}}
{{- define "ringfence.image" -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $image.repository $image.digest | quote }}
{{- else -}}
{{ printf "%s:%s" $image.repository ($image.tag | default (index . 0).Chart.AppVersion) | quote }}
{{- end -}}
{{- end }}

{{- /* What every pod is and may not be, Pod Security Standards "restricted": (list $ 10001), the user's id. */ -}}
{{- define "ringfence.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ index . 1 }}
runAsGroup: {{ index . 1 }}
# Lets the group read the mounted keys. Not on every start: the log's own files keep the modes that the agent gave them.
fsGroup: {{ index . 1 }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {{- (index . 0).Values.seccompProfile | toYaml | nindent 2 }}
{{- end }}

{{- define "ringfence.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* What every pod lives without: a token of the cluster, names of other services, another's processes. */ -}}
{{- define "ringfence.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* No names at all, for the daemon and all behind its walls: the resolver is one that answers nothing. */ -}}
{{- define "ringfence.noNames" -}}
dnsPolicy: None
dnsConfig: { nameservers: [127.0.0.1] }
{{- end }}

{{- /* What a process adds to its section [confine], in JSON: (list $ $config). What the values say there stands over it. */ -}}
{{- define "ringfence.confine" -}}
{{- $addresses := list -}}
{{- range (index . 0).Values.escapeTest.reach -}}
{{- $addresses = append $addresses (printf "%s:%d" (ternary (printf "[%s]" .address) .address (contains ":" .address)) (int .port)) -}}
{{- end -}}
{{- $confine := dict "self_test" "enforce" "unreachable" $addresses -}}
{{- range $key, $value := (index . 1).confine }}{{ $_ := set $confine $key $value }}{{ end -}}
{{- toJson $confine -}}
{{- end }}

{{- /* Where a pod may run: the values of the agent or of a kind of nodes. */ -}}
{{- define "ringfence.placement" -}}
{{- with .nodeSelector -}}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* A pod's PriorityClass, the release's own if it makes them: (list $ "daemon" "" ) with the one that the values name. */ -}}
{{- define "ringfence.priority" -}}
{{- if index . 2 -}}
priorityClassName: {{ index . 2 | quote }}
{{- else if (index . 0).Values.priorityClasses.create -}}
priorityClassName: {{ include "ringfence.name" (index . 0) }}-{{ index . 1 }}
{{- end }}
{{- end }}

{{- /* Probes of a process that answers grpc.health.v1 on its port `health`. */ -}}
{{- define "ringfence.probes" -}}
startupProbe:
  grpc: { port: {{ include "ringfence.port.health" . }} }
  periodSeconds: 2
  failureThreshold: 30
readinessProbe:
  grpc: { port: {{ include "ringfence.port.health" . }} }
  periodSeconds: 5
livenessProbe:
  grpc: { port: {{ include "ringfence.port.health" . }} }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{- /* How long a pod may take to end, by its process's file: ten seconds more than what is running has, and never under 30, as the
       units have it. */ -}}
{{- define "ringfence.stopSeconds" -}}
{{ max 30 (add 10 (int (ceil (get . "drain_seconds_max" | default 0)))) }}
{{- end }}
