{{- /* Who a process is: (list $ "daemon"). */ -}}
{{- define "ringfence.spiffe" -}}
{{ printf "spiffe://%s/%s" (index . 0).Values.tls.trustDomain (index . 1) }}
{{- end }}

{{- /* The names by which callers reach the daemon. */ -}}
{{- define "ringfence.names.daemon" -}}
{{- $service := printf "%s-daemon" (include "ringfence.name" .) -}}
- {{ $service | quote }}
- {{ $service }}.{{ .Release.Namespace }}
- {{ $service }}.{{ .Release.Namespace }}.svc
{{- range .Values.tls.daemonNames }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{- /* The name by which the daemon knows the agent. */ -}}
{{- define "ringfence.names.agent" -}}
- {{ .Values.agent.serverName | quote }}
{{- end }}

{{- /* What files/authority is asked for, in JSON. */ -}}
{{- define "ringfence.wanted" -}}
{{- $leaves := list (dict
  "secret" .Values.daemon.secrets.tls
  "uri" (include "ringfence.spiffe" (list . "daemon"))
  "names" (include "ringfence.names.daemon" . | fromYamlArray)) -}}
{{- if .Values.agent.enabled -}}
{{- $leaves = append $leaves (dict
  "secret" .Values.agent.secrets.tls
  "uri" (include "ringfence.spiffe" (list . "agent"))
  "names" (include "ringfence.names.agent" . | fromYamlArray)) -}}
{{- end -}}
{{- range .Values.tls.callers -}}
{{- $leaves = append $leaves (dict "secret" .secret "uri" .identity "names" (list)) -}}
{{- end -}}
{{- toJson (dict
  "authority" (printf "%s-authority" (include "ringfence.name" .))
  "authority_hours" (int (trimSuffix "h" .Values.tls.authorityDuration))
  "authority_since" .Values.tls.chart.authoritySince
  "overlap_hours" (int (trimSuffix "h" .Values.tls.chart.overlap))
  "hours" (int (trimSuffix "h" .Values.tls.duration))
  "renew_hours" (int (trimSuffix "h" .Values.tls.renewBefore))
  "leaves" $leaves
  "daemon_keys" (ternary .Values.daemon.secrets.keys "" .Values.agent.enabled)
  "agent_keys" (ternary .Values.agent.secrets.keys "" .Values.agent.enabled)
  "labels" (include "ringfence.labels" (list . "authority") | fromYaml)) -}}
{{- end }}

{{- /* The job that makes and renews. */ -}}
{{- define "ringfence.authorityJob" -}}
{{- $name := printf "%s-authority" (include "ringfence.name" .) -}}
backoffLimit: 6
activeDeadlineSeconds: 600
ttlSecondsAfterFinished: 86400
template:
  metadata:
    labels: {{- include "ringfence.podLabels" (list . "authority" "authority") | nindent 6 }}
    annotations: { checksum/wanted: {{ include "ringfence.wanted" . | sha256sum }} }
  spec:
    restartPolicy: OnFailure
    serviceAccountName: {{ $name }}
    {{- include "ringfence.podBasics" . | nindent 4 }}
    # The API is known by its address.
    {{- include "ringfence.noNames" . | nindent 4 }}
    securityContext: {{- include "ringfence.podSecurity" (list . 10003) | nindent 6 }}
    containers:
      - name: authority
        image: {{ include "ringfence.image" (list . .Values.images.daemon) }}
        imagePullPolicy: {{ .Values.images.pullPolicy }}
        command: [python, -I, /etc/authority, /etc/authority/wanted.json]
        securityContext: {{- include "ringfence.containerSecurity" . | nindent 10 }}
        resources:
          requests: { cpu: 100m, memory: 64Mi }
          limits: { cpu: "1", memory: 256Mi }
        volumeMounts:
          - { name: script, mountPath: /etc/authority, readOnly: true }
          - { name: account, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true }
    volumes:
      - name: script
        configMap: { name: {{ $name }} }
      # The token by hand: no other pod of the release has one.
      - name: account
        projected:
          defaultMode: 0440
          sources:
            - serviceAccountToken: { path: token, expirationSeconds: 600 }
            - configMap: { name: kube-root-ca.crt, items: [{ key: ca.crt, path: ca.crt }] }
            - downwardAPI: { items: [{ path: namespace, fieldRef: { apiVersion: v1, fieldPath: metadata.namespace } }] }
{{- end }}
