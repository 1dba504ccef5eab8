# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""Values as they are written for upstream's chart, by the situations that its users are in."""

import yaml

KEY = "upstream-secret-of-more-than-thirty-two-characters"

UPSTREAM = {name: yaml.safe_load(text) for name, text in {
    "one node, TURN and Redis": f"""
replicaCount: 1
terminationGracePeriodSeconds: 18000
livekit:
  prometheus_port: 6789
  log_level: info
  rtc: {{use_external_ip: true, port_range_start: 50000, port_range_end: 60000, tcp_port: 7801}}
  redis: {{address: "redis:6379"}}
  keys: {{upstreamkey: {KEY}}}
  turn: {{enabled: true, domain: turn.example.org, tls_port: 3478, udp_port: 443, secretName: turn-tls}}
loadBalancer: {{type: disable, tls: }}
autoscaling: {{enabled: false, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 60}}
nodeSelector: {{node.kubernetes.io/instance-type: c5.2xlarge}}
resources: {{limits: {{cpu: 6000m, memory: 2048Mi}}, requests: {{cpu: 4000m, memory: 1024Mi}}}}
podSecurityContext: {{}}
securityContext: {{}}
""",
    "AWS, certificates of the load balancer": f"""
replicaCount: 2
livekit:
  rtc: {{use_external_ip: true}}
  redis: {{address: "redis:6379", username: livekit, password: redis-password, use_tls: true}}
  keys: {{upstreamkey: {KEY}}}
  turn:
    enabled: true
    domain: turn.example.org
    tls_port: 3478
    external_tls: true
    serviceType: NodePort
    loadBalancerAnnotations: {{service.beta.kubernetes.io/aws-load-balancer-type: nlb}}
loadBalancer: {{type: alb, annotations: {{example.org/group: calls}}, tls: [{{hosts: [live.example.org]}}]}}
autoscaling: {{enabled: true, minReplicas: 1, maxReplicas: 7, targetCPUUtilizationPercentage: 60, targetMemoryUtilizationPercentage: 80}}
resources: {{limits: {{cpu: 7500m}}, requests: {{cpu: 7000m}}}}
""",
    "Google, keys in a Secret that is there": """
livekit:
  key_file: keys.yaml
  prometheus: {port: 6789, username: scraper, password: metrics-password}
  rtc: {use_external_ip: true, udp_port: 7882}
storeKeysInSecret: {enabled: true, existingSecret: our-keys}
loadBalancer:
  type: gke-managed-cert
  staticIpName: calls
  certificateName: calls-cert
  tls: [{hosts: [live.example.org], secretName: live-tls}]
serviceMonitor: {create: true, interval: 15s}
serviceAccount: {create: true, annotations: {example.org/role: media}}
""",
    "DigitalOcean, keys for a Secret": f"""
livekit:
  key_file: keys.yaml
  rtc:
    use_external_ip: true
    turn_servers: [{{host: turn.example.org, port: 443, protocol: tls, username: relay, credential: turn-password}}]
storeKeysInSecret: {{enabled: true, keys: {{upstreamkey: {KEY}}}}}
turnLoadbalancer: {{enable: false}}
loadBalancer: {{type: do, clusterIssuer: letsencrypt, tls: [{{hosts: [live.example.org], secretName: live-tls}}]}}
podHostNetwork: false
""",
}.items()}
