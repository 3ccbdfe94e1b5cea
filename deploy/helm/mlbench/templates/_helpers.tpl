{{- define "mlbench.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* The claim and the Secrets that a user may name. */ -}}
{{- define "mlbench.claim" -}}
{{ .Values.persistence.existingClaim | default (printf "%s-data" .Release.Name) }}
{{- end }}

{{- define "mlbench.metricsSecret" -}}
{{ .Values.prometheus.secretName | default (printf "%s-metrics-token" .Release.Name) }}
{{- end }}

{{- define "mlbench.kubeletMetrics" -}}
{{ .Values.kubeletMetrics.name | default (printf "%s-kubelet-metrics" .Release.Name) }}
{{- end }}

{{- /* Where the pods of a component are scheduled: its `nodeSelector`, `tolerations` and `priorityClassName`. */ -}}
{{- define "mlbench.scheduling" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "mlbench.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}
