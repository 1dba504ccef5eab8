// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The machine: limits, ports, files, and what the server needs of others.
#include <algorithm>
#include <ctime>

#include "app/doctor/judge.h"
#include "runtime/worker/socket/udp_socket.h"

namespace confab::doctor {
namespace {

constexpr std::uint64_t kFewFiles = 16'384;                   // of which the server warns, too
constexpr std::uint64_t kFullDisk = std::uint64_t{64} << 20;  // bytes
constexpr Duration kSoon = Duration::seconds(14 * 24 * 3600);
constexpr unsigned kOthers = 07;

std::string mebibytes(std::uint64_t bytes) {
    return std::to_string(bytes >> 20) + " MiB";
}

void judge_limits(const HostFacts& facts, Diagnosis& out) {
    const auto small = static_cast<std::uint64_t>(worker::UdpSocket::kBufferWarn);
    const auto is_small = [&](const std::optional<std::uint64_t>& bytes) {
        return bytes && *bytes < small;
    };
    if (is_small(facts.receive_buffer) || is_small(facts.send_buffer))
        out.add(Code::kUdpBuffers,
                "net.core.rmem_max is " + std::to_string(facts.receive_buffer.value_or(0)) +
                    ", net.core.wmem_max " + std::to_string(facts.send_buffer.value_or(0)));
    else
        out.good("UDP buffers", std::to_string(facts.receive_buffer.value_or(0)) + " bytes");
    if (facts.open_files < kFewFiles)
        out.add(Code::kOpenFiles, std::to_string(facts.open_files) + " at most");
    else
        out.good("open files", std::to_string(facts.open_files) + " at most");
    if (!facts.disk.tried) return;
    if (facts.disk.free_bytes < kFullDisk && facts.disk.error.empty())
        out.add(Code::kDiskFull,
                facts.disk.folder + " has " + mebibytes(facts.disk.free_bytes) + " left");
    else if (!facts.disk.error.empty())
        out.add(Code::kDataDir, facts.disk.folder + ": " + facts.disk.error);
    else
        out.good("data folder",
                 facts.disk.folder + ", " + mebibytes(facts.disk.free_bytes) + " free");
}

std::string range_text(const PortFacts& ports) {
    std::string text = (ports.is_udp ? "UDP " : "TCP ") + std::to_string(ports.first);
    if (ports.last != ports.first) text += "-" + std::to_string(ports.last);
    return text + " (" + ports.option + ")";
}

void judge_ports(const PortFacts& ports, Diagnosis& out) {
    if (ports.taken_count > 0) {
        const std::string owner = ports.owner.empty() ? "" : ", by " + ports.owner;
        const bool is_range = ports.last - ports.first >= 8;
        std::string detail = range_text(ports);
        if (is_range)
            detail += ": " + std::to_string(ports.taken_count) + " are taken, such as " +
                      std::to_string(ports.taken.front());
        // A few of a range are a nuisance, all of it is an end.
        const bool all = ports.taken_count > static_cast<std::size_t>(ports.last - ports.first);
        out.add(is_range && !all ? Code::kUdpPortsTaken : Code::kPortInUse, detail + owner);
    } else if (ports.forbidden) {
        out.add(Code::kPortForbidden, range_text(ports));
    } else {
        out.good("port", range_text(ports) + " is free");
    }
}

void judge_certificate(const PemFacts& pem, UnixTime now, Diagnosis& out) {
    if (!pem.error.empty()) return out.add(Code::kCertificateUnreadable, pem.error);
    const std::size_t before = out.findings.size();
    if (!pem.key_fits)
        out.add(Code::kCertificateKeyMismatch, pem.cert_file + " and " + pem.key_file);
    if ((pem.key_mode & kOthers) != 0) out.add(Code::kCertificateKeyMode, pem.key_file);
    if (!pem.has_name)
        out.add(Code::kCertificateName,
                pem.cert_file + " is for " + pem.names + ", not for " + pem.wanted_name);
    if (pem.not_after && *pem.not_after < now)
        out.add(Code::kCertificateExpired,
                pem.cert_file + " ended on " + date_text(*pem.not_after));
    else if (pem.not_before && *pem.not_before > now)
        out.add(Code::kCertificateExpired,
                pem.cert_file + " begins on " + date_text(*pem.not_before));
    else if (pem.not_after && *pem.not_after - now < kSoon)
        out.add(Code::kCertificateExpiresSoon,
                pem.cert_file + " ends on " + date_text(*pem.not_after));
    if (out.findings.size() == before)
        out.good("certificate", pem.cert_file + " for " + pem.names + ", until " +
                                    (pem.not_after ? date_text(*pem.not_after) : "?"));
}

void judge_redis(const RedisFacts& redis, Diagnosis& out) {
    if (!redis.tried) return;
    const std::string detail = redis.place + (redis.error.empty() ? "" : ": " + redis.error);
    if (redis.is_up)
        out.good("Redis", redis.place);
    else if (redis.refused_login)
        out.add(Code::kRedisAuth, detail);
    else if (redis.uses_tls && redis.tcp == Reach::kAnswered)
        out.add(Code::kRedisTls, detail);
    else
        out.add(Code::kRedisUnreachable, detail);
}

void judge_webhook(const WebhookFacts& hook, Diagnosis& out) {
    if (hook.name.addresses.empty())
        out.add(Code::kWebhookUnreachable,
                hook.url + ": " + hook.host + " has no address (" + hook.name.error + ")");
    else if (hook.tcp == Reach::kRefused)
        out.add(Code::kWebhookUnreachable, hook.url + ": nothing listens there");
    else if (hook.tcp != Reach::kAnswered)
        out.add(Code::kWebhookUnreachable, hook.url + ": no connection comes about");
    else if (!hook.tls.faults.empty())
        out.add(Code::kWebhookTls, hook.url + ": " + tls_fault_text(hook.tls));
    else
        out.good("webhooks", hook.url + " can be reached");
}

void judge_turn_name(const HostFacts& facts, Diagnosis& out) {
    if (facts.turn_domain.empty()) return;
    const NameFacts& name = facts.turn_name;
    if (name.addresses.empty())
        return out.add(Code::kTurnDomainDns,
                       facts.turn_domain + " has no address (" + name.error + ")");
    const bool leads_here =
        std::any_of(name.addresses.begin(), name.addresses.end(),
                    [&](const IpAddress& ip) { return is_of_host(ip, facts.addresses); });
    // A public address that nobody could tell us may be a balancer's.
    if (!leads_here && !facts.addresses.external)
        return out.skipped.push_back("whether turn.domain leads here: it is " +
                                     name.addresses.front().to_string());
    if (!leads_here)
        return out.add(Code::kTurnDomainDns,
                       facts.turn_domain + " is " + name.addresses.front().to_string());
    out.good("TURN domain", facts.turn_domain + " is " + name.addresses.front().to_string());
}

}  // namespace

std::string tls_fault_text(const TlsFacts& tls) {
    const auto has = [&](TlsFault fault) {
        return std::find(tls.faults.begin(), tls.faults.end(), fault) != tls.faults.end();
    };
    if (has(TlsFault::kExpired) && tls.not_after)
        return "its certificate ended on " + date_text(*tls.not_after);
    if (has(TlsFault::kNotYetValid) && tls.not_before)
        return "its certificate begins on " + date_text(*tls.not_before);
    if (has(TlsFault::kWrongName)) return "its certificate is for " + tls.names;
    if (has(TlsFault::kSelfSigned)) return "its certificate is signed by itself";
    if (has(TlsFault::kUnknownIssuer))
        return "its certificate's issuer, " + tls.issuer + ", is not known here";
    return tls.detail;
}

std::string date_text(UnixTime time) {
    const std::time_t seconds = time.s();
    std::tm parts{};
    char text[16];
    if (::gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text, sizeof text, "%Y-%m-%d", &parts) == 0)
        return "?";
    return text;
}

void judge_host(const HostFacts& facts, Diagnosis& out) {
    judge_limits(facts, out);
    judge_addresses(facts.addresses, out);
    for (const PortFacts& ports : facts.ports)
        judge_ports(ports, out);
    for (const PemFacts& pem : facts.certificates)
        judge_certificate(pem, facts.now, out);
    judge_redis(facts.redis, out);
    for (const WebhookFacts& hook : facts.webhooks)
        judge_webhook(hook, out);
    judge_turn_name(facts, out);
}

}  // namespace confab::doctor
