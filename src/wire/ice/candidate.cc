// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/ice/candidate.h"

#include <algorithm>

#include "base/text.h"
#include "wire/ice/stun_crc32.h"

namespace confab::wire {
namespace {

// Words of a line, separated by one or more blanks.
class Words {
  public:
    explicit Words(std::string_view line) : rest_(line) { skip_blanks(); }
    std::string_view next() {
        const std::size_t end = std::min(rest_.find(' '), rest_.size());
        const std::string_view word = rest_.substr(0, end);
        rest_.remove_prefix(end);
        skip_blanks();
        return word;
    }
    bool empty() const { return rest_.empty(); }

  private:
    void skip_blanks() {
        while (!rest_.empty() && rest_.front() == ' ')
            rest_.remove_prefix(1);
    }
    std::string_view rest_;
};

void remove_prefix(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) == prefix) text.remove_prefix(prefix.size());
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// RFC 8839 §5.1: 1 to 32 ice-chars (letters, digits, "+", "/"). Chromium and Firefox write digits
// only; other characters are let through, they carry no meaning.
bool is_foundation(std::string_view text) {
    return !text.empty() && text.size() <= 32;
}

bool is_mdns_name(std::string_view host) {
    constexpr std::string_view kSuffix = ".local";
    return host.size() > kSuffix.size() && host.size() <= 255 &&
           equals_ignore_case(host.substr(host.size() - kSuffix.size()), kSuffix);
}

// An IPv6 zone id ("fe80::1%eth0") means something to its sender only.
std::optional<IpAddress> parse_ip(std::string_view text) {
    return IpAddress::parse(text.substr(0, text.find('%')));
}

Result<CandidateTransport, CandidateError> parse_transport(std::string_view word) {
    if (equals_ignore_case(word, "udp")) return CandidateTransport::kUdp;
    if (equals_ignore_case(word, "tcp")) return CandidateTransport::kTcp;
    return fail(word.empty() ? CandidateError::kSyntax : CandidateError::kUnknownTransport);
}

Result<CandidateType, CandidateError> parse_type(std::string_view word) {
    for (const auto type : {CandidateType::kHost, CandidateType::kServerReflexive,
                            CandidateType::kPeerReflexive, CandidateType::kRelay})
        if (word == to_string(type)) return type;
    return fail(word.empty() ? CandidateError::kSyntax : CandidateError::kUnknownType);
}

Result<TcpType, CandidateError> parse_tcp_type(std::string_view word) {
    if (word == "active") return TcpType::kActive;
    if (word == "passive") return TcpType::kPassive;
    if (word == "so") return TcpType::kSimultaneousOpen;
    return fail(CandidateError::kSyntax);
}

std::string_view to_string(TcpType type) {
    switch (type) {
        case TcpType::kActive:
            return "active";
        case TcpType::kPassive:
            return "passive";
        case TcpType::kSimultaneousOpen:
            return "so";
        case TcpType::kNone:
            break;
    }
    return "";
}

Result<void, CandidateError> parse_fixed_part(Words& words, Candidate& candidate) {
    const std::string_view foundation = words.next();
    const auto component = parse_decimal<std::uint16_t>(words.next());
    if (!is_foundation(foundation) || !component || *component < 1 || *component > 256)
        return fail(CandidateError::kSyntax);
    candidate.foundation = foundation;
    candidate.component = *component;
    CONFAB_TRY(candidate.transport, parse_transport(words.next()));
    const auto priority = parse_decimal<std::uint32_t>(words.next());
    const std::string_view host = words.next();
    const auto port = parse_decimal<std::uint16_t>(words.next());
    if (!priority || host.empty() || !port || words.next() != "typ")
        return fail(CandidateError::kSyntax);
    candidate.priority = *priority;
    candidate.address.port = *port;
    CONFAB_TRY(candidate.type, parse_type(words.next()));
    if (const auto ip = parse_ip(host))
        candidate.address.ip = *ip;
    else if (is_mdns_name(host))
        candidate.mdns_name = host;
    else
        return fail(CandidateError::kBadAddress);
    return {};
}

Result<void, CandidateError> add_pair(Candidate& candidate, std::string_view name,
                                      std::string_view value) {
    if (name == "raddr") {
        // Firefox and mDNS senders write 0.0.0.0 or a name here; it is of no use to us, so a name
        // counts as "no address" instead of spoiling the candidate.
        candidate.related.emplace().ip = parse_ip(value).value_or(IpAddress{});
    } else if (name == "rport") {
        const auto port = parse_decimal<std::uint16_t>(value);
        if (!port || !candidate.related) return fail(CandidateError::kSyntax);
        candidate.related->port = *port;
    } else if (name == "tcptype") {
        CONFAB_TRY(candidate.tcp_type, parse_tcp_type(value));
    } else if (name == "ufrag") {
        candidate.ufrag = value;
    } else if (!value.empty() && candidate.extensions.size() < kMaxCandidateExtensions) {
        candidate.extensions.emplace_back(name, value);
    }
    return {};
}

}  // namespace

Result<Candidate, CandidateError> parse_candidate(std::string_view line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.remove_suffix(1);
    if (line.size() > kMaxCandidateLine) return fail(CandidateError::kTooLong);
    remove_prefix(line, "a=");
    remove_prefix(line, "candidate:");
    if (!is_printable(line)) return fail(CandidateError::kSyntax);
    Words words(line);
    Candidate candidate;
    CONFAB_TRY_VOID(parse_fixed_part(words, candidate));
    while (!words.empty()) {
        const std::string_view name = words.next();
        // A last name without a value is written by some senders for an empty ufrag.
        CONFAB_TRY_VOID(add_pair(candidate, name, words.next()));
    }
    return candidate;
}

std::string to_string(const Candidate& candidate) {
    const auto& address = candidate.address;
    std::string line = "candidate:" + candidate.foundation;
    const auto add = [&line](std::string_view word) { line.append(" ").append(word); };
    add(std::to_string(candidate.component));
    add(to_string(candidate.transport));
    add(std::to_string(candidate.priority));
    add(candidate.is_mdns() ? candidate.mdns_name : address.ip.to_string());
    add(std::to_string(address.port));
    add("typ");
    add(to_string(candidate.type));
    if (candidate.related) {
        const auto& ip = candidate.related->ip;
        add("raddr");
        add(ip.is_none() ? std::string("0.0.0.0") : ip.to_string());
        add("rport");
        add(std::to_string(candidate.related->port));
    }
    if (candidate.tcp_type != TcpType::kNone) {
        add("tcptype");
        add(to_string(candidate.tcp_type));
    }
    for (const auto& [name, value] : candidate.extensions) {
        add(name);
        add(value);
    }
    if (!candidate.ufrag.empty()) {
        add("ufrag");
        add(candidate.ufrag);
    }
    return line;
}

std::string_view to_string(CandidateType type) {
    switch (type) {
        case CandidateType::kHost:
            return "host";
        case CandidateType::kServerReflexive:
            return "srflx";
        case CandidateType::kPeerReflexive:
            return "prflx";
        case CandidateType::kRelay:
            return "relay";
    }
    return "";
}

std::string_view to_string(CandidateTransport transport) {
    return transport == CandidateTransport::kUdp ? "udp" : "tcp";
}

std::uint8_t type_preference(CandidateType type, CandidateTransport transport) {
    int preference = 0;
    switch (type) {
        case CandidateType::kHost:
            preference = 126;
            break;
        case CandidateType::kPeerReflexive:
            preference = 110;
            break;
        case CandidateType::kServerReflexive:
            preference = 100;
            break;
        case CandidateType::kRelay:
            break;
    }
    if (transport == CandidateTransport::kTcp) preference = std::max(0, preference - 27);
    return static_cast<std::uint8_t>(preference);
}

std::uint16_t local_preference(CandidateTransport transport, TcpType tcp_type) {
    constexpr unsigned kOther = 8191;  // all 13 low bits: one address per family is the usual case
    if (transport == CandidateTransport::kUdp) return 65535;
    const unsigned direction = tcp_type == TcpType::kActive    ? 6
                               : tcp_type == TcpType::kPassive ? 4
                                                               : 2;
    return static_cast<std::uint16_t>((direction << 13) + kOther);
}

std::uint32_t candidate_priority(std::uint8_t type_preference, std::uint16_t local_preference,
                                 std::uint16_t component) {
    const auto low = static_cast<std::uint32_t>(256 - std::min<int>(component, 256));
    return (std::uint32_t{type_preference} << 24) + (std::uint32_t{local_preference} << 8) + low;
}

CandidateType type_from_priority(std::uint32_t priority) {
    const std::uint32_t preference = priority >> 24;
    if (preference >= 120 || (preference >= 86 && preference < 100)) return CandidateType::kHost;
    if (preference >= 110 || (preference >= 80 && preference < 86))
        return CandidateType::kPeerReflexive;
    return preference >= 60 ? CandidateType::kServerReflexive : CandidateType::kRelay;
}

std::string candidate_foundation(CandidateType type, const IpAddress& base,
                                 CandidateTransport transport) {
    std::string key(to_string(type));
    key += base.to_string();
    key += to_string(transport);
    key += base.is_v4() ? '4' : '6';
    return std::to_string(crc32(as_bytes(key)));
}

}  // namespace confab::wire
