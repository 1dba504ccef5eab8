// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The candidate attribute of SDP and of trickled candidates (RFC 8839 §5.1; tcptype: RFC 6544
// §4.5),
//   candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type>
//             [raddr <address>] [rport <port>] *(<name> <value>)
// with priorities (RFC 8445 §5.1.2, RFC 6544 §4.2) and foundations as in 02 ICE-07.
// Names under .local are told apart, never resolved (02 ICE-12).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/net_address.h"
#include "base/result.h"

namespace confab::wire {

enum class CandidateType : std::uint8_t { kHost, kServerReflexive, kPeerReflexive, kRelay };
enum class CandidateTransport : std::uint8_t { kUdp, kTcp };
enum class TcpType : std::uint8_t { kNone, kActive, kPassive, kSimultaneousOpen };

enum class CandidateError : std::uint8_t {
    kSyntax,            // not the grammar of RFC 8839 §5.1
    kTooLong,           // over kMaxCandidateLine
    kUnknownTransport,  // neither UDP nor TCP (RFC 8839: to be ignored)
    kUnknownType,
    kBadAddress,  // no IP address and no .local name
};

// Longest line seen from a browser: 230 bytes.
inline constexpr std::size_t kMaxCandidateLine = 1024;
inline constexpr std::size_t kMaxCandidateExtensions = 16;

struct Candidate {
    std::string foundation;
    std::uint16_t component = 1;
    CandidateTransport transport = CandidateTransport::kUdp;
    std::uint32_t priority = 0;
    SocketAddress address;  // the IP is none for an mDNS name
    std::string mdns_name;  // "….local", else empty
    CandidateType type = CandidateType::kHost;
    std::optional<SocketAddress> related;  // raddr and rport
    TcpType tcp_type = TcpType::kNone;
    std::string ufrag;  // the extension of the same name, empty if absent
    // All other name and value pairs in order (generation, network-id, network-cost, …).
    std::vector<std::pair<std::string, std::string>> extensions;

    bool is_mdns() const { return !mdns_name.empty(); }
    bool operator==(const Candidate&) const = default;
};

// With or without "a=" and "candidate:" in front; trailing line ends are cut off.
Result<Candidate, CandidateError> parse_candidate(std::string_view line);
// "candidate:…" without "a=". ufrag comes last (02 ICE-07).
std::string to_string(const Candidate& candidate);

std::string_view to_string(CandidateType type);
std::string_view to_string(CandidateTransport transport);

// Type preferences: host 126, prflx 110, srflx 100, relay 0; 27 less for TCP (02 ICE-07).
std::uint8_t type_preference(CandidateType type, CandidateTransport transport);
// 65535, for TCP 2^13 * direction + 8191 with active 6, passive 4, simultaneous-open 2 (RFC 6544
// §4.2): passive 40959.
std::uint16_t local_preference(CandidateTransport transport, TcpType tcp_type);
// (2^24)*type preference + (2^8)*local preference + (256 - component) (RFC 8445 §5.1.2.1).
std::uint32_t candidate_priority(std::uint8_t type_preference, std::uint16_t local_preference,
                                 std::uint16_t component = 1);
// A candidate's type guessed from the top byte of its priority, where only that is known.
CandidateType type_from_priority(std::uint32_t priority);

// Equal for equal type, base address and network type (RFC 8445 §5.1.1.3), in the same digits as
// upstream: CRC-32 of e.g. "host192.0.2.2udp4".
std::string candidate_foundation(CandidateType type, const IpAddress& base,
                                 CandidateTransport transport);

}  // namespace confab::wire
