{{/*
SPDX-FileCopyrightText: confab contributors
SPDX-License-Identifier: Apache-2.0
*/}}

{{- define "confab.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of all objects: the release's, which is not said twice. */}}
{{- define "confab.fullname" -}}
{{- $name := include "confab.name" . -}}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ .Values.fullnameOverride | default $both | trunc 58 | trimSuffix "-" }}
{{- end }}

{{- define "confab.selector" -}}
app.kubernetes.io/name: {{ include "confab.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of an object: (list . "suffix of its name") */}}
{{- define "confab.meta" -}}
{{- $suffix := last . -}}
{{- with first . -}}
name: {{ include "confab.fullname" . }}{{ $suffix }}
labels:
  helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
  {{- include "confab.selector" . | nindent 2 }}
  app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- end }}

{{- define "confab.serviceAccount" -}}
{{- $own := ternary (include "confab.fullname" .) "default" .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default $own }}
{{- end }}

{{- define "confab.metricsPort" -}}
{{ .Values.livekit.prometheus.port | default .Values.livekit.prometheus_port | int }}
{{- end }}

{{/* TURN over TLS that the pod ends itself: it needs a certificate. */}}
{{- define "confab.ownTls" -}}
{{- with .Values.livekit.turn }}{{ if and .enabled .tls_port (not .external_tls) }}yes{{ end }}{{ end -}}
{{- end }}

{{/* What the container listens on: a list of {name, port, protocol}. */}}
{{- define "confab.ports" -}}
{{- $livekit := .Values.livekit -}}
- {name: http, port: {{ int $livekit.port }}, protocol: TCP}
{{- with $livekit.rtc.tcp_port }}
- {name: rtc-tcp, port: {{ int . }}, protocol: TCP}
{{- end }}
{{- with $livekit.rtc.udp_port }}
{{- $ends := splitList "-" (toString (kindIs "string" . | ternary . (int .))) }}
{{- $first := first $ends | int }}
{{- $last := last $ends | int }}
{{- if gt (sub $last $first) 99 }}{{ fail "livekit.rtc.udp_port: at most 100 ports; for more leave it out and set port_range_start and port_range_end" }}{{ end }}
{{- range $port := untilStep $first (int (add1 $last)) 1 }}
- {name: {{ eq $port $first | ternary "rtc-udp" (printf "rtc-udp-%d" $port) }}, port: {{ $port }}, protocol: UDP}
{{- end }}
{{- end }}
{{- with include "confab.metricsPort" . | int }}
- {name: metrics, port: {{ . }}, protocol: TCP}
{{- end }}
{{- if $livekit.turn.enabled }}
{{- with $livekit.turn.tls_port }}
- {name: turn-tls, port: {{ int . }}, protocol: TCP}
{{- end }}
{{- with $livekit.turn.udp_port }}
- {name: turn-udp, port: {{ int . }}, protocol: UDP}
{{- end }}
{{- end }}
{{- end }}

{{/* API keys that the chart itself has to keep. */}}
{{- define "confab.keys" -}}
{{- $keys := dict -}}
{{- if not (and .Values.storeKeysInSecret.enabled .Values.storeKeysInSecret.existingSecret) -}}
{{- $keys = merge $keys (deepCopy .Values.storeKeysInSecret.keys) (deepCopy (.Values.livekit.keys | default dict)) -}}
{{- end -}}
{{- if $keys }}{{ toYaml $keys }}{{ end -}}
{{- end }}

{{/* The Secret that keys are mounted from; empty: none. */}}
{{- define "confab.keySecret" -}}
{{- if and .Values.storeKeysInSecret.enabled .Values.storeKeysInSecret.existingSecret -}}
{{ tpl .Values.storeKeysInSecret.existingSecret . }}
{{- else if include "confab.keys" . -}}
{{ include "confab.fullname" . }}-keys
{{- end -}}
{{- end }}

{{- define "confab.keyFile" -}}
{{ .Values.livekit.key_file | default "keys.yaml" | base }}
{{- end }}

{{/* The configuration without API keys and without what is meant for this chart. */}}
{{- define "confab.config" -}}
{{- $config := omit (deepCopy .Values.livekit) "keys" "prometheus_port" "log_level" -}}
{{- $_ := set $config "turn" (omit $config.turn "secretName" "serviceType" "loadBalancerType" "loadBalancerAnnotations") -}}
{{- $_ := set $config.prometheus "port" (include "confab.metricsPort" . | int) -}}
{{- $_ := set $config "logging" (merge (dict "level" (.Values.livekit.logging.level | default .Values.livekit.log_level)) $config.logging) -}}
{{- if not $config.rtc.udp_port }}{{ $_ := unset $config.rtc "udp_port" }}{{ end -}}
{{- if not $config.confab.drain_timeout }}{{ $_ := unset $config.confab "drain_timeout" }}{{ end -}}
{{- if include "confab.keySecret" . }}{{ $_ := set $config "key_file" (printf "/etc/confab/keys/%s" (include "confab.keyFile" .)) }}{{ end -}}
{{- toYaml $config -}}
{{- end }}

{{/* Whether that still holds a secret: then no ConfigMap may. */}}
{{- define "confab.configIsSecret" -}}
{{- $livekit := .Values.livekit -}}
{{- $found := list (dig "password" "" ($livekit.redis | default dict)) (dig "sentinel_password" "" ($livekit.redis | default dict)) $livekit.prometheus.password -}}
{{- range dig "turn_servers" list $livekit.rtc }}{{ $found = append $found (or .credential .secret) }}{{ end -}}
{{- if compact $found }}yes{{ end -}}
{{- end }}

{{/* Seconds that participants may stay: what is left of the grace period for the end itself is 30 s. */}}
{{- define "confab.drainSeconds" -}}
{{ max 1 (sub (int .Values.terminationGracePeriodSeconds) (add (int .Values.preStopSleepSeconds) 30)) }}
{{- end }}

{{/* The container's rights; a port below 1024 needs root's, and of these one. */}}
{{- define "confab.securityContext" -}}
{{- $low := false -}}
{{- range include "confab.ports" . | fromYamlArray }}{{ if lt (int .port) 1024 }}{{ $low = true }}{{ end }}{{ end -}}
{{- $context := deepCopy .Values.securityContext -}}
{{- if $low -}}
{{- $bind := dict "drop" (list "ALL") "add" (list "NET_BIND_SERVICE") -}}
{{- range $key, $value := dict "runAsUser" 0 "runAsGroup" 0 "runAsNonRoot" false "capabilities" $bind -}}
{{- $_ := set $context $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}

{{- define "confab.isGoogle" -}}
{{- if has .Values.loadBalancer.type (list "gke" "gke-managed-cert" "gke-vpc-native" "gclb") }}yes{{ end -}}
{{- end }}
