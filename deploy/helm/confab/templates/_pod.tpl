{{/*
SPDX-FileCopyrightText: confab contributors
SPDX-License-Identifier: Apache-2.0

The pod of Deployment and DaemonSet.
*/}}

{{- define "confab.environment" -}}
- name: LIVEKIT_CONFIG
  valueFrom:
    {{ include "confab.configIsSecret" . | empty | ternary "configMapKeyRef" "secretKeyRef" }}:
      name: {{ include "confab.fullname" . }}
      key: config.yaml
{{- if include "confab.ownTls" . }}
- name: LIVEKIT_TURN_CERT
  value: /etc/lkcert/tls.crt
- name: LIVEKIT_TURN_KEY
  value: /etc/lkcert/tls.key
{{- end }}
{{- if .Values.nodeIpFromHost }}
- name: NODE_IP
  valueFrom:
    fieldRef:
      fieldPath: status.hostIP
{{- end }}
{{- if not .Values.livekit.confab.drain_timeout }}
- name: CONFAB_DRAIN_TIMEOUT
  value: {{ include "confab.drainSeconds" . }}s
{{- end }}
{{- if .Values.dataVolume }}
- name: CONFAB_DATA_DIR
  value: /var/lib/confab
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* One list for volumes and mounts: {name, path, readOnly, source}. */}}
{{- define "confab.volumes" -}}
{{- with include "confab.keySecret" . }}
- name: keys
  path: /etc/confab/keys
  readOnly: true
  source: {secret: {secretName: {{ . }}, defaultMode: 0440}}
{{- end }}
{{- if include "confab.ownTls" . }}
- name: turn-certificate
  path: /etc/lkcert
  readOnly: true
  source: {secret: {secretName: {{ required "livekit.turn.secretName: TURN over TLS needs a certificate, or external_tls" .Values.livekit.turn.secretName }}, defaultMode: 0440}}
{{- end }}
{{- with .Values.dataVolume }}
- name: data
  path: /var/lib/confab
  readOnly: false
  source: {{ toJson . }}
{{- end }}
{{- end }}

{{- define "confab.container" -}}
name: {{ .Chart.Name }}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion | toString) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: {{ ternary (list "serve") (list "--disable-strict-config") .Values.strictConfig | toJson }}
securityContext:
  {{- include "confab.securityContext" . | nindent 2 }}
env:
  {{- include "confab.environment" . | nindent 2 }}
ports:
  {{- range include "confab.ports" . | fromYamlArray }}
  - name: {{ .name }}
    containerPort: {{ .port }}
    {{- if or $.Values.podHostNetwork (ne .name "http") }}
    hostPort: {{ .port }}
    {{- end }}
    protocol: {{ .protocol }}
  {{- end }}
{{- with .Values.livenessProbe }}
livenessProbe:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.readinessProbe }}
readinessProbe:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if and .Values.preStopSleepSeconds (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ int .Values.preStopSleepSeconds }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- with include "confab.volumes" . | fromYamlArray }}
volumeMounts:
  {{- range . }}
  - name: {{ .name }}
    mountPath: {{ .path }}
    readOnly: {{ .readOnly }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "confab.pod" -}}
metadata:
  annotations:
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    # A changed configuration starts pods anew. Changed API keys do not: the server reads them again.
    checksum/config: {{ include "confab.config" . | sha256sum }}
  labels:
    {{- include "confab.selector" . | nindent 4 }}
spec:
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "confab.serviceAccount" . }}
  automountServiceAccountToken: false
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- if .Values.podHostNetwork }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
  {{- if .Values.setSocketBuffers }}
  initContainers:
    - name: socket-buffers
      image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion | toString) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [bash, -c, 'for name in rmem_max wmem_max; do echo 16777216 >/proc/sys/net/core/$name; done']
      securityContext: {privileged: true, runAsUser: 0}
  {{- end }}
  containers:
    - {{- include "confab.container" . | nindent 6 }}
  {{- with include "confab.volumes" . | fromYamlArray }}
  volumes:
    {{- range . }}
    - {{ merge (dict "name" .name) .source | toJson }}
    {{- end }}
  {{- end }}
  {{- range $name := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" }}
  {{- with index $.Values $name }}
  {{ $name }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end }}
