{{- /* A dictionary as a TOML file: plain settings, then tables, then arrays of tables; inside of those all is inline. */ -}}
{{- define "ringfence.toml" -}}
{{- range $key, $value := . }}
{{- if not (or (kindIs "map" $value) (eq "true" (include "ringfence.toml.isTables" $value))) }}
{{ include "ringfence.toml.key" $key }} = {{ include "ringfence.toml.value" $value }}
{{- end }}
{{- end }}
{{- range $key, $value := . }}
{{- if kindIs "map" $value }}

[{{ include "ringfence.toml.key" $key }}]
{{- include "ringfence.toml.pairs" $value }}
{{- else if eq "true" (include "ringfence.toml.isTables" $value) }}
{{- range $value }}

[[{{ include "ringfence.toml.key" $key }}]]
{{- include "ringfence.toml.pairs" . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "ringfence.toml.isTables" -}}
{{- and (kindIs "slice" .) (not (empty .)) (kindIs "map" (first (. | default (list "")))) -}}
{{- end }}

{{- define "ringfence.toml.pairs" -}}
{{- range $key, $value := . }}
{{ include "ringfence.toml.key" $key }} = {{ include "ringfence.toml.value" $value }}
{{- end }}
{{- end }}

{{- define "ringfence.toml.key" -}}
{{- ternary . (toJson .) (regexMatch "^[A-Za-z0-9_-]+$" .) -}}
{{- end }}

{{- /* A value on one line: JSON but for tables, and for whole numbers, which Helm holds as floats. */ -}}
{{- define "ringfence.toml.value" -}}
{{- if kindIs "map" . -}}
  {{- $pairs := list -}}
  {{- range $key, $value := . -}}
    {{- $pairs = append $pairs (printf "%s = %s" (include "ringfence.toml.key" $key) (include "ringfence.toml.value" $value)) -}}
  {{- end -}}
  {{- printf "{ %s }" (join ", " $pairs) -}}
{{- else if kindIs "slice" . -}}
  {{- $items := list -}}
  {{- range . }}{{ $items = append $items (include "ringfence.toml.value" .) }}{{ end -}}
  {{- printf "[%s]" (join ", " $items) -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
  {{- int64 . -}}
{{- else -}}
  {{- toJson . -}}
{{- end -}}
{{- end }}
