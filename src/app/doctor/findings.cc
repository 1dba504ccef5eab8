// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/doctor/findings.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace confab::doctor {
namespace {

constexpr auto kProblem = Level::kProblem;
constexpr auto kWarning = Level::kWarning;

constexpr auto kRows = std::to_array<FindingRow>({
    {Code::kConfigUnreadable, "config-unreadable", kProblem,
     "the configuration, or a file that it names, cannot be read",
     "correct the path, or make a file with `confab setup`"},
    {Code::kConfigInvalid, "config-invalid", kProblem,
     "the configuration has a mistake: the server does not start with it",
     "correct the line that is named; `confab config reference` describes every key"},
    {Code::kConfigUnknownKey, "config-unknown-key", kProblem,
     "the configuration has a key that confab does not know",
     "write the key that is meant, or remove the line"},
    {Code::kConfigWarning, "config-warning", kWarning,
     "a value of the configuration has not the effect that it seems to have",
     "do what the message says"},
    {Code::kConfigFileMode, "config-file-mode", kWarning,
     "every user of this machine can read the secrets in the configuration",
     "chmod o= FILE, with the server's group as its group"},
    {Code::kKeysMissing, "keys-missing", kProblem, "the configuration has no API key",
     "make a pair with `confab generate-keys` and add it to keys"},
    {Code::kKeyFileMode, "key-file-mode", kProblem,
     "a file with secrets can be read by every user of this machine; the server refuses it",
     "chmod o= FILE"},
    {Code::kSecretWeak, "secret-weak", kWarning,
     "the secret of an API key is shorter than 32 characters and may be guessed",
     "make another pair with `confab generate-keys`"},
    {Code::kTurnDomainMissing, "turn-domain-missing", kProblem,
     "turn.tls_port is set, but no turn.domain", "set turn.domain to the name in the certificate"},
    {Code::kTurnCertificateMissing, "turn-certificate-missing", kProblem,
     "turn.tls_port is set, but no certificate",
     "set turn.cert_file and turn.key_file, or turn.external_tls where a proxy ends TLS"},
    {Code::kCertificateUnreadable, "certificate-unreadable", kProblem,
     "the certificate or its key cannot be read",
     "correct the path; both files have to be PEM, readable by the server's user"},
    {Code::kCertificateKeyMismatch, "certificate-key-mismatch", kProblem,
     "certificate and key do not belong together",
     "name the key that the certificate was made with; the certificate of the server itself comes "
     "first in its file"},
    {Code::kCertificateKeyMode, "certificate-key-mode", kWarning,
     "every user of this machine can read the certificate's key", "chmod o= FILE"},
    {Code::kCertificateExpired, "certificate-expired", kProblem,
     "the certificate in the file is not valid today", "renew it"},
    {Code::kCertificateExpiresSoon, "certificate-expires-soon", kWarning,
     "the certificate in the file ends within two weeks",
     "renew it; see why that did not happen by itself"},
    {Code::kCertificateName, "certificate-name", kProblem,
     "the certificate in the file is for other names than the domain",
     "get one for the domain, or correct the domain"},
    {Code::kUdpBuffers, "udp-buffers", kWarning,
     "the kernel gives UDP sockets small buffers: packets get lost under load",
     "sysctl -w net.core.rmem_max=16777216 net.core.wmem_max=16777216, and the same into "
     "/etc/sysctl.d/"},
    {Code::kOpenFiles, "open-files", kWarning, "few files may be open: each connection needs one",
     "LimitNOFILE=524288 in the systemd unit, or ulimit -Hn 524288 before the start"},
    {Code::kDataDir, "data-dir", kProblem,
     "nothing can be written to confab.data_dir: webhooks are lost in a restart",
     "make the folder, and give it to the user that the server runs as"},
    {Code::kDiskFull, "disk-full", kProblem,
     "the disk of confab.data_dir is full: webhooks cannot be kept",
     "make room, or move confab.data_dir"},
    {Code::kPortInUse, "port-in-use", kProblem, "another program has a port of this server",
     "end that program, or set another port"},
    {Code::kPortForbidden, "port-forbidden", kWarning,
     "a port below 1024 needs a right that this user does not have",
     "AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, as in deploy/systemd"},
    {Code::kUdpPortsTaken, "udp-ports-taken", kWarning,
     "other programs have ports of the range for media",
     "end them, choose another range, or use one port: rtc.udp_port"},
    {Code::kCandidatesNone, "candidates-none", kProblem,
     "no address of this machine is offered for media",
     "widen rtc.interfaces and rtc.ips, or set rtc.node_ip"},
    {Code::kCandidatesLoopback, "candidates-loopback", kProblem,
     "media is offered at loopback addresses only: nobody on another machine gets through",
     "set rtc.node_ip to the public address; drop rtc.enable_loopback_candidate"},
    {Code::kCandidatesPrivate, "candidates-private", kWarning,
     "media is offered at private addresses only: only clients of the same network get through",
     "set rtc.node_ip to the public address, or rtc.use_external_ip: true"},
    {Code::kCandidatesDocker, "candidates-docker", kWarning,
     "media is offered at an address of a container bridge, which clients try in vain",
     "rtc.interfaces.excludes: [\"docker0\"], or --network host for a server in a container"},
    {Code::kCandidatesIpv6Only, "candidates-ipv6-only", kWarning,
     "media is offered by IPv6 only: clients without it get nothing",
     "give the machine an IPv4 address, or set rtc.node_ip: \"v4,v6\""},
    {Code::kNodeIpForeign, "node-ip-foreign", kProblem,
     "rtc.node_ip is not an address of this machine, nor the one that others see it at",
     "correct rtc.node_ip, or set rtc.use_external_ip: true in its place"},
    {Code::kExternalIpUnknown, "external-ip-unknown", kProblem,
     "rtc.use_external_ip is set, but no STUN server answers: the server does not start",
     "let UDP out, name a STUN server in rtc.stun_servers, or set rtc.node_ip"},
    {Code::kInterfaceMtu, "interface-mtu", kProblem,
     "an interface takes smaller packets than media has",
     "raise its MTU to at least 1280, better 1500"},
    {Code::kRedisUnreachable, "redis-unreachable", kProblem, "Redis does not answer",
     "start it, or correct the address in redis"},
    {Code::kRedisAuth, "redis-auth", kProblem, "Redis refuses the login",
     "correct redis.username and redis.password"},
    {Code::kRedisTls, "redis-tls", kProblem, "TLS with Redis fails",
     "correct redis.tls: ca_cert_file, server_name, or whether the port speaks TLS at all"},
    {Code::kWebhookUnreachable, "webhook-unreachable", kProblem,
     "a receiver of webhooks cannot be reached from here",
     "start it, correct webhook.urls, or let the server out to it"},
    {Code::kWebhookTls, "webhook-tls", kProblem,
     "the certificate of a receiver of webhooks is not accepted: nothing is delivered",
     "give the receiver a certificate of a public authority for its name, or add its authority to "
     "this machine (update-ca-certificates)"},
    {Code::kTurnDomainDns, "turn-domain-dns", kProblem,
     "the name turn.domain does not lead to this server",
     "set its A record to the public address of this server"},
    {Code::kUrlInvalid, "url-invalid", kProblem, "this is no address of a server",
     "write https://live.example.org, or http://localhost:7880"},
    {Code::kDnsMissing, "dns-missing", kProblem, "the name of the server has no address",
     "add an A record for it; a fresh one may take minutes to be seen everywhere"},
    {Code::kDnsElsewhere, "dns-elsewhere", kProblem,
     "the name of the server leads to another machine",
     "set its A record to the public address of this server, and remove old ones"},
    {Code::kTcpRefused, "tcp-refused", kProblem, "nothing listens at the server's address",
     "start the server, or what ends TLS before it; compare the port"},
    {Code::kTcpTimeout, "tcp-timeout", kProblem, "the server's address does not answer",
     "open the port in the firewall and in the provider's security group"},
    {Code::kNoHttps, "no-https", kWarning,
     "without https browsers give pages neither camera nor microphone",
     "put TLS before the server: docs/guide/proxy.md"},
    {Code::kTlsHandshake, "tls-handshake", kProblem, "no TLS comes about",
     "see whether the port speaks TLS, and the log of what ends it"},
    {Code::kTlsExpired, "tls-expired", kProblem, "the certificate has expired",
     "renew it, and reload what serves it"},
    {Code::kTlsNotYetValid, "tls-not-yet-valid", kProblem, "the certificate is not valid yet",
     "set the clocks of both machines; else wait, or get another"},
    {Code::kTlsName, "tls-name", kProblem, "the certificate is for another name",
     "get one that has the name clients use"},
    {Code::kTlsSelfSigned, "tls-self-signed", kProblem,
     "the certificate is signed by itself: browsers and SDKs refuse it",
     "get one of a public authority; it costs nothing"},
    {Code::kTlsUntrusted, "tls-untrusted", kProblem,
     "the certificate's issuer is not known, or its chain is not whole",
     "serve the whole chain (fullchain.pem), of a public authority"},
    {Code::kTlsExpiresSoon, "tls-expires-soon", kWarning, "the certificate ends within two weeks",
     "renew it; see why that did not happen by itself"},
    {Code::kHttpUnexpected, "http-unexpected", kProblem,
     "what answers there is no server of this protocol",
     "lead the name to the server's port (7880), and / with all below it"},
    {Code::kServerNotReady, "server-not-ready", kProblem,
     "the server is there, but says that it does not work",
     "see its log; a thread that hangs needs a restart"},
    {Code::kClockOff, "clock-off", kProblem,
     "the clocks of this machine and the server differ: tokens are refused after a minute",
     "set both clocks by NTP (timedatectl set-ntp true)"},
    {Code::kKeySecretSwapped, "key-secret-swapped", kProblem,
     "API key and secret stand in each other's place", "swap them"},
    {Code::kKeyUnknown, "key-unknown", kProblem, "the server does not know this API key",
     "use one of the server's keys, or add it there"},
    {Code::kSecretWrong, "secret-wrong", kProblem, "the secret is not the one of this API key",
     "compare it with keys in the server's configuration; mind blanks and quotes"},
    {Code::kTokenRefused, "token-refused", kProblem, "the server refuses a token",
     "its message says why"},
    {Code::kWsUpgrade, "ws-upgrade", kProblem,
     "something between here and the server does not let WebSockets through",
     "let the proxy pass Upgrade and Connection on: docs/guide/proxy.md"},
    {Code::kWsBuffered, "ws-buffered", kProblem,
     "something between here and the server holds messages of the WebSocket back",
     "switch buffering off in the proxy (nginx: proxy_buffering off)"},
    {Code::kWsSilent, "ws-silent", kProblem,
     "the WebSocket opens, but then the connection ends or stays without a word",
     "see the server's log, and that of the proxy before it"},
    {Code::kJoinRefused, "join-refused", kProblem, "the server lets nobody join",
     "its message says why; a full node, a drain, or room.auto_create: false"},
    {Code::kMediaUnreachable, "media-unreachable", kProblem,
     "no address that the server offers for media answers: calls stay without sound and picture",
     "open the UDP ports for media and TCP rtc.tcp_port; set rtc.node_ip behind NAT: "
     "docs/guide/firewall.md"},
    {Code::kUdpBlocked, "udp-blocked", kProblem,
     "media gets through by TCP only: it comes late and jerky",
     "open the UDP ports for media in the firewall and in the provider's security group"},
    {Code::kUdpCandidateDead, "udp-candidate-dead", kWarning,
     "of the addresses offered for media by UDP some do not answer",
     "leave them out with rtc.interfaces or rtc.ips, or set rtc.node_ip"},
    {Code::kTcpMediaBlocked, "tcp-media-blocked", kWarning,
     "the way for clients without UDP is closed",
     "open TCP rtc.tcp_port (7881), with no proxy before it"},
    {Code::kMtuLow, "mtu-low", kProblem,
     "packets as large as those of media do not get through: sound comes, pictures do not",
     "raise the MTU of the tunnel or network between, and let ICMP through"},
    {Code::kTurnUnreachable, "turn-unreachable", kProblem,
     "a TURN server that clients are told of does not answer",
     "open its port; start it; or take it out of the configuration"},
    {Code::kTurnTls, "turn-tls", kProblem, "TLS with a TURN server that clients are told of fails",
     "give it a certificate for its name, and lead port 443 of that name to turn.tls_port"},
    {Code::kTurnCredentials, "turn-credentials", kProblem,
     "a TURN server refuses the credentials that clients get",
     "the secret in rtc.turn_servers has to be the TURN server's; compare the clocks"},
    {Code::kTurnRelay, "turn-relay", kProblem,
     "a TURN server takes clients in, but does not reach the media ports",
     "let it send to the media ports; see denied peers in its configuration"},
});

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < kRows.size(); ++i)
        if (static_cast<std::size_t>(kRows[i].code) != i) return false;
    return true;
}
static_assert(is_in_order(), "each Code has its row, at its place");
static_assert(kRows.back().code == Code::kTurnRelay, "the last Code has a row");

}  // namespace

std::span<const FindingRow> finding_rows() {
    return kRows;
}

const FindingRow& row_of(Code code) {
    const auto index = static_cast<std::size_t>(code);
    CONFAB_CHECK(index < kRows.size());
    return kRows[index];
}

bool Diagnosis::has(Code code) const {
    return std::any_of(findings.begin(), findings.end(),
                       [code](const Finding& finding) { return finding.code == code; });
}

std::size_t Diagnosis::count(Level level) const {
    return static_cast<std::size_t>(std::count_if(
        findings.begin(), findings.end(),
        [level](const Finding& finding) { return row_of(finding.code).level == level; }));
}

}  // namespace confab::doctor
