// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Everything that `confab doctor` may find, declared once: its code, how bad it is, what it says,
// what mends it. docs/guide/troubleshoot.md has a section of each code's name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace confab::doctor {

enum class Level : std::uint8_t { kWarning, kProblem };

enum class Code : std::uint8_t {
    // the configuration
    kConfigUnreadable,
    kConfigInvalid,
    kConfigUnknownKey,
    kConfigWarning,
    kConfigFileMode,
    kKeysMissing,
    kKeyFileMode,
    kSecretWeak,
    kTurnDomainMissing,
    kTurnCertificateMissing,
    // files of certificates
    kCertificateUnreadable,
    kCertificateKeyMismatch,
    kCertificateKeyMode,
    kCertificateExpired,
    kCertificateExpiresSoon,
    kCertificateName,
    // the machine
    kUdpBuffers,
    kOpenFiles,
    kDataDir,
    kDiskFull,
    kPortInUse,
    kPortForbidden,
    kUdpPortsTaken,
    // addresses
    kCandidatesNone,
    kCandidatesLoopback,
    kCandidatesPrivate,
    kCandidatesDocker,
    kCandidatesIpv6Only,
    kNodeIpForeign,
    kExternalIpUnknown,
    kInterfaceMtu,
    // what the server needs of others
    kRedisUnreachable,
    kRedisAuth,
    kRedisTls,
    kWebhookUnreachable,
    kWebhookTls,
    kTurnDomainDns,
    // the server from outside
    kUrlInvalid,
    kDnsMissing,
    kDnsElsewhere,
    kTcpRefused,
    kTcpTimeout,
    kNoHttps,
    kTlsHandshake,
    kTlsExpired,
    kTlsNotYetValid,
    kTlsName,
    kTlsSelfSigned,
    kTlsUntrusted,
    kTlsExpiresSoon,
    kHttpUnexpected,
    kServerNotReady,
    kClockOff,
    kKeySecretSwapped,
    kKeyUnknown,
    kSecretWrong,
    kTokenRefused,
    kWsUpgrade,
    kWsBuffered,
    kWsSilent,
    kJoinRefused,
    // media from outside
    kMediaUnreachable,
    kUdpBlocked,
    kUdpCandidateDead,
    kTcpMediaBlocked,
    kMtuLow,
    kTurnUnreachable,
    kTurnTls,
    kTurnCredentials,
    kTurnRelay,
};

struct FindingRow {
    Code code;
    std::string_view name;  // "udp-blocked": for scripts, and the section of the guide
    Level level;
    std::string_view what;  // one sentence
    std::string_view fix;
};

// In the order of Code.
std::span<const FindingRow> finding_rows();
const FindingRow& row_of(Code code);

// One that was made; `detail` says which address, file or value.
struct Finding {
    Code code;
    std::string detail;
};

// What was looked at and is as it should be.
struct Seen {
    std::string what;  // "DNS"
    std::string text;  // "live.example.org is 203.0.113.10"
};

struct Diagnosis {
    std::vector<Finding> findings;
    std::vector<Seen> seen;
    std::vector<std::string> skipped;  // what could not be looked at, and why

    void add(Code code, std::string detail) { findings.push_back({code, std::move(detail)}); }
    void good(std::string what, std::string text) {
        seen.push_back({std::move(what), std::move(text)});
    }
    bool has(Code code) const;
    std::size_t count(Level level) const;
};

}  // namespace confab::doctor
