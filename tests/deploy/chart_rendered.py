# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""deploy/helm/confab as helm renders it, held against what upstream's chart does (03 DEP-03)."""

import os
import re
import shutil
from pathlib import Path

import yaml
from chart import CHART, KINDS, merged, values
from chart_values import KEY, UPSTREAM
from support import BINARY, KEYS, ROOT, Server, run, run_any, same, seconds

KUBERNETES = "1.31.0"


def find_helm():
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "confab/helm"
    return shutil.which("helm") or (str(cache) if os.access(cache, os.X_OK) else None)


class Rendered:
    """The objects of one set of values, by kind and the name behind that of the release."""

    def __init__(self, work, over, kubernetes=KUBERNETES):
        file = work / "values.yaml"
        file.write_text(yaml.safe_dump(over))
        self.text = run(find_helm(), "template", "confab", CHART, "-f", file, "--kube-version", kubernetes)
        listed = [one for one in yaml.safe_load_all(self.text) if one]
        self.objects = {(one["kind"], one["metadata"]["name"].removeprefix("confab").removeprefix("-")): one for one in listed}
        same(len(listed), len(self.objects), "objects that are there twice")

    def get(self, kind, name=""):
        return self.objects[kind, name]

    def pod(self):
        (workload,) = [self.objects[kind] for kind in self.objects if kind[0] in ("Deployment", "DaemonSet")]
        return workload["spec"]["template"]

    def spec(self):
        return self.pod()["spec"]

    def container(self):
        (container,) = self.spec()["containers"]
        return container

    def environment(self):
        return {one["name"]: one.get("value", one.get("valueFrom")) for one in self.container()["env"]}

    def config(self):
        source = self.environment()["LIVEKIT_CONFIG"]
        if "secretKeyRef" in source:
            return self.get("Secret")["stringData"]["config.yaml"]
        return self.get("ConfigMap")["data"]["config.yaml"]

    def host_ports(self):
        return {port["name"]: (port["containerPort"], port.get("hostPort"), port["protocol"]) for port in self.container()["ports"]}


class Checks:
    def __init__(self, work):
        self.work = work

    def render(self, over=None, **more):
        return Rendered(self.work, over or {}, **more)

    def upstream(self, word):
        (over,) = [one for name, one in UPSTREAM.items() if word in name]
        return self.render(over)

    def lint(self):
        for name, over in {"its own values": {}, **UPSTREAM}.items():
            file = self.work / "values.yaml"
            file.write_text(yaml.safe_dump(over))
            run(find_helm(), "lint", "--strict", "--kube-version", KUBERNETES, CHART, "-f", file)
            assert self.render(over).objects, name

    def defaults(self):
        made = self.render()
        same({kind for kind, _ in made.objects}, {"ConfigMap", "Deployment", "PodDisruptionBudget", "Service"}, "objects")
        spec = made.spec()
        same(made.get("Deployment")["spec"]["replicas"], 1, "replicas")
        same((spec["hostNetwork"], spec["dnsPolicy"]), (True, "ClusterFirstWithHostNet"), "the network")
        same(spec["terminationGracePeriodSeconds"], 18000, "terminationGracePeriodSeconds")
        same(made.container()["args"], ["--disable-strict-config"], "args")
        same(made.get("Service")["spec"]["ports"][0]["port"], 80, "servicePort")
        annotations = made.pod()["metadata"]["annotations"]
        same((annotations["sidecar.istio.io/inject"], annotations["linkerd.io/inject"]), ("false", "disabled"), "meshes")
        without = self.render({"podHostNetwork": False})
        assert "hostNetwork" not in without.spec() and without.host_ports()["http"][1] is None

    def every_template(self):
        texts = [self.render(over).text for over in UPSTREAM.values()]
        seen = {name for text in texts for name in re.findall(r"^# Source: confab/templates/(.+)$", text, re.M)}
        same(seen, KINDS, "templates that made an object")

    def ports(self):
        made = self.upstream("one node").host_ports()
        same(made, {"http": (7880, 7880, "TCP"), "rtc-tcp": (7801, 7801, "TCP"), "metrics": (6789, 6789, "TCP"),
                    "turn-tls": (3478, 3478, "TCP"), "turn-udp": (443, 443, "UDP")}, "ports")
        made = self.render({"livekit": {"rtc": {"udp_port": "7882-7883"}}}).host_ports()
        same([made["rtc-udp"], made["rtc-udp-7883"]], [(7882, 7882, "UDP"), (7883, 7883, "UDP")], "a range")
        file = self.work / "values.yaml"
        file.write_text("livekit: {rtc: {udp_port: 7000-7100}}\n")
        done = run_any(find_helm(), "template", CHART, "-f", file, "--kube-version", KUBERNETES)
        assert done.returncode != 0 and "at most 100 ports" in done.stderr, done.stderr

    def rights(self):
        context = self.render().container()["securityContext"]
        same((context["runAsNonRoot"], context["runAsUser"], context["capabilities"]), (True, 10001, {"drop": ["ALL"]}), "rights")
        context = self.upstream("one node").container()["securityContext"]
        same((context["runAsNonRoot"], context["runAsUser"], context["runAsGroup"], context["capabilities"]),
             (False, 0, 0, {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}), "rights with a port below 1024")

    def secrets(self):
        """Each option that docs/reference/config.md calls a secret, in values: it reaches no ConfigMap."""
        text = (ROOT / "docs/reference/config.md").read_text()
        paths = re.findall(r"^\| `([\w.]+)` \| (?:map of )?secrets? \|", text, re.M)
        assert {"keys", "redis.password", "prometheus.password"} <= set(paths), paths
        for path in [*paths, "rtc.turn_servers.credential", "rtc.turn_servers.secret"]:
            *folders, last = path.split(".")
            value = {"keys": {"APIa": KEY}}.get(path, KEY)
            over = {last: value}
            if "turn_servers" in path:
                over = [{"host": "turn.example.org", "port": 3478, "protocol": "udp", **over}]
            for folder in reversed(folders):
                over = {folder: over}
            made = self.render({"livekit": over})
            holders = {kind for (kind, _), one in made.objects.items() if KEY in yaml.safe_dump(one, width=10**6)}
            same(holders, {"Secret"}, f"what holds livekit.{path}")

    def keys(self):
        made = self.upstream("one node")
        same(yaml.safe_load(made.get("Secret", "keys")["stringData"]["keys.yaml"]), {"upstreamkey": KEY}, "the keys")
        same(made.spec()["volumes"][0], {"name": "keys", "secret": {"secretName": "confab-keys", "defaultMode": 0o440}}, "their volume")
        context = self.render().container()["securityContext"]
        same(made.spec()["securityContext"]["fsGroup"], context["runAsGroup"], "the group that may read it")
        theirs = self.upstream("that is there")
        same(theirs.spec()["volumes"][0]["secret"]["secretName"], "our-keys", "the Secret that is there")
        assert ("Secret", "keys") not in theirs.objects
        for one in (made, theirs, self.upstream("keys for a Secret")):
            same(yaml.safe_load(one.config())["key_file"], "/etc/confab/keys/keys.yaml", "key_file")
            assert one.container()["volumeMounts"][0] == {"name": "keys", "mountPath": "/etc/confab/keys", "readOnly": True}

    def checksum(self):
        def of(over):
            return self.render(over).pod()["metadata"]["annotations"]["checksum/config"]
        first = of({"livekit": {"keys": {"APIa": KEY}}})
        same(of({"livekit": {"keys": {"APIb": KEY}}}), first, "with another key, which the server reads by itself,")
        assert of({"livekit": {"keys": {"APIa": KEY}, "room": {"max_participants": 3}}}) != first, "the configuration changed"

    def turn(self):
        made = self.upstream("one node")
        service = made.get("Service", "turn")["spec"]
        same(service["type"], "LoadBalancer", "TURN")
        same([(port["port"], port["targetPort"]) for port in service["ports"]], [(443, "turn-tls")], "ports of TURN")
        assert {"name": "turn-certificate", "mountPath": "/etc/lkcert", "readOnly": True} in made.container()["volumeMounts"]
        files = [made.environment()[f"LIVEKIT_TURN_{name}"] for name in ("CERT", "KEY")]
        same(files, ["/etc/lkcert/tls.crt", "/etc/lkcert/tls.key"], "files")
        outside = self.upstream("AWS")
        assert "LIVEKIT_TURN_CERT" not in outside.environment() and "turn-certificate" not in outside.text
        same(outside.get("Service", "turn")["spec"]["type"], "NodePort", "serviceType")
        same(outside.get("Service", "turn")["metadata"]["annotations"],
             {"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"}, "annotations")
        off = merged(UPSTREAM["one node, TURN and Redis"], {"turnLoadbalancer": {"enable": False}})
        assert ("Service", "turn") not in self.render(off).objects

    def balancers(self):
        types = {"disable": "ClusterIP", "alb": "NodePort", "aws": "LoadBalancer", "gke": "NodePort", "gke-managed-cert": "NodePort",
                 "gke-vpc-native": "ClusterIP", "gclb": "ClusterIP", "do": "NodePort"}
        for name, service_type in types.items():
            made = self.balanced_by(name)
            same(made.get("Service")["spec"]["type"], service_type, name)
            same(("Ingress", "") in made.objects, name not in ("disable", "gclb"), f"an Ingress with {name}")
            same(("BackendConfig", "") in made.objects, name.startswith("g"), f"a BackendConfig with {name}")
            if ("Ingress", "") in made.objects:
                same(made.get("Ingress")["spec"]["rules"][0]["host"], "live.example.org", f"{name}: the host")
        same(self.annotations("aws", "Service")["service.beta.kubernetes.io/aws-load-balancer-type"], "nlb", "aws")
        same(self.annotations("gclb", "Service")["cloud.google.com/neg"], '{"exposed_ports":{"80":{}}}', "gclb")
        same(self.annotations("gke-managed-cert", "Ingress")["networking.gke.io/managed-certificates"], "cert", "gke-managed-cert")
        same(self.annotations("do", "Ingress")["cert-manager.io/cluster-issuer"], "letsencrypt", "do")
        same(self.annotations("alb", "Ingress")["alb.ingress.kubernetes.io/listen-ports"], '[{"HTTPS":443}]', "alb")
        backend = self.render({"loadBalancer": {"type": "gke"}}).get("BackendConfig")["spec"]
        same((backend["timeoutSec"], backend["connectionDraining"]["drainingTimeoutSec"]), (36000, 60), "BackendConfig")
        assert "defaultBackend" in self.render({"loadBalancer": {"type": "gke"}}).get("Ingress")["spec"], "no hosts, no backend"

    def balanced_by(self, name):
        issuer = "letsencrypt" if name == "do" else ""
        return self.render({"loadBalancer": {"type": name, "clusterIssuer": issuer, "certificateName": "cert",
                                             "tls": [{"hosts": ["live.example.org"], "secretName": "s"}]}})

    def annotations(self, balancer, kind):
        return self.balanced_by(balancer).get(kind)["metadata"]["annotations"]

    def scaling(self):
        made = self.upstream("AWS")
        spec = made.get("HorizontalPodAutoscaler")["spec"]
        assert "replicas" not in made.get("Deployment")["spec"], "replicas beside an autoscaler"
        same((spec["minReplicas"], spec["maxReplicas"]), (1, 7), "replicas")
        metrics = {one["resource"]["name"]: one["resource"]["target"]["averageUtilization"] for one in spec["metrics"]}
        same(metrics, {"cpu": 60, "memory": 80}, "metrics")
        same(made.get("HorizontalPodAutoscaler")["apiVersion"], "autoscaling/v2", "apiVersion")
        by_metric = self.render({"autoscaling": {"enabled": True, "externalMetric": "confab_cluster_desired_nodes"}})
        same(by_metric.get("HorizontalPodAutoscaler")["spec"]["metrics"],
             [{"type": "External", "external": {"metric": {"name": "confab_cluster_desired_nodes"},
                                                "target": {"type": "AverageValue", "averageValue": "1"}}}], "by the metric")
        same(made.get("PodDisruptionBudget")["spec"]["maxUnavailable"], 1, "PodDisruptionBudget")
        same({kind for kind, _ in self.render({"kind": "DaemonSet", "autoscaling": {"enabled": True}}).objects},
             {"ConfigMap", "DaemonSet", "PodDisruptionBudget", "Service"}, "objects with a DaemonSet")

    def monitoring(self):
        made = self.upstream("Google")
        (endpoint,) = made.get("ServiceMonitor")["spec"]["endpoints"]
        same((endpoint["port"], endpoint["interval"], endpoint["path"]), ("metrics", "15s", "/"), "the endpoint")
        secret = made.get("Secret")["stringData"]
        login = [secret[endpoint["basicAuth"][name]["key"]] for name in ("username", "password")]
        same(login, ["scraper", "metrics-password"], "its login")
        same([port["name"] for port in made.get("Service")["spec"]["ports"]], ["http", "metrics"], "ports of the Service")
        same(("ServiceMonitor", "") in self.render({"serviceMonitor": {"create": True}}).objects, False, "a ServiceMonitor without metrics")

    def stopping(self):
        for over in ({}, {"terminationGracePeriodSeconds": 600, "preStopSleepSeconds": 0}):
            made = self.render(over)
            drain, grace = seconds(made.environment()["CONFAB_DRAIN_TIMEOUT"]), made.spec()["terminationGracePeriodSeconds"]
            sleep = made.container().get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            same(drain + sleep + 30, grace, "drain, sleep and the end itself")
        assert "lifecycle" not in self.render(kubernetes="1.29.0").container(), "Kubernetes 1.29 has no such action"
        own = self.render({"livekit": {"confab": {"drain_timeout": "5m"}}})
        assert "CONFAB_DRAIN_TIMEOUT" not in own.environment() and yaml.safe_load(own.config())["confab"] == {"drain_timeout": "5m"}

    def serves(self):
        """The server under the environment, arguments and probes of the pod, without the Redis that is not here."""
        for name, over in UPSTREAM.items():
            made = self.render(merged(over, {"livekit": {"redis": None}}))
            config = yaml.safe_load(made.config())
            keys, config["key_file"] = self.work / "keys.yaml", str(self.work / "keys.yaml")
            keys.write_text(made.get("Secret", "keys")["stringData"]["keys.yaml"] if ("Secret", "keys") in made.objects else KEYS)
            keys.chmod(0o440)
            same("turn" in config, True, name)
            config["turn"]["enabled"] = False  # its ports and certificate are not this machine's
            config["rtc"]["use_external_ip"] = False
            environment = {k: v for k, v in made.environment().items() if isinstance(v, str)}
            environment.pop("LIVEKIT_TURN_CERT", None), environment.pop("LIVEKIT_TURN_KEY", None)
            with Server([BINARY, *made.container()["args"]], {**environment, "LIVEKIT_CONFIG": yaml.safe_dump(config)},
                        self.work / "pod.log") as server:
                for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
                    same(made.container()[probe]["httpGet"]["path"], path, probe)
                    same(server.status(made.container()[probe]["httpGet"]["path"]), 200, f"{name}: {probe}")
                assert "not found in" not in server.log.read_text(), server.log.read_text()

    def passes_on(self):
        made = yaml.safe_load(self.upstream("AWS").config())
        same(made["redis"]["address"], "redis:6379", "redis.address")
        known = set(values()["livekit"]["turn"]) - {"secretName", "serviceType", "loadBalancerType", "loadBalancerAnnotations"}
        same(set(made["turn"]), known, "the keys of turn")
        large = self.render({"livekit": {"limit": {"bytes_per_sec": 1500000000, "max_data_blobs_size": 16777216}}}).config()
        assert "bytes_per_sec: 1500000000\n" in large and "max_data_blobs_size: 16777216\n" in large, large


def checks(work):
    helm = find_helm()
    if helm is None:
        print("no helm on PATH or in ~/.cache/confab: the chart is checked as text only, not as rendered")
        return []
    version = run(helm, "version", "--template", "{{.Version}}").strip()
    one = Checks(work)
    named = [
        ("lint and template take its values and upstream's [DEP-03]", one.lint),
        ("what it makes of no values at all [DEP-03]", one.defaults),
        ("every template makes an object with upstream's values [DEP-03]", one.every_template),
        ("ports of the host [DEP-01] [DEP-03]", one.ports),
        ("nobody's rights, or root's single one for ports below 1024", one.rights),
        ("no secret is in a ConfigMap", one.secrets),
        ("API keys in a Secret, its own or one that is there [DEP-03]", one.keys),
        ("pods start anew for a changed configuration, not for keys [DEP-03]", one.checksum),
        ("TURN: certificate, Service on 443 [DEP-03]", one.turn),
        ("every type of load balancer [DEP-03]", one.balancers),
        ("autoscaler and disruption budget [DEP-03] [DEP-09] [OPS-04]", one.scaling),
        ("ServiceMonitor with metrics only, with their password [DEP-03]", one.monitoring),
        ("the drain ends before the grace period does [DEP-03] [OPS-01]", one.stopping),
        ("the server serves and answers the probes under what it is given [DEP-02] [DEP-03]", one.serves),
        ("Redis, numbers and TURN settings reach the server as they are", one.passes_on),
    ]
    return [(f"chart by helm {version}: {name}", check) for name, check in named]
