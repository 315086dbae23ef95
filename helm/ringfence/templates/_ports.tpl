{{- /* The ports of the containers; nothing outside of the chart knows them but callers, the first. */ -}}
{{- define "ringfence.port.daemon" }}7443{{ end }}
{{- define "ringfence.port.agent" }}7444{{ end }}
{{- define "ringfence.port.health" }}7445{{ end }}
{{- /* The first worker's metrics; the others' follow it. */ -}}
{{- define "ringfence.port.metrics" }}7450{{ end }}
