// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/trickle.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "wire/ice/candidate.h"

namespace confab::room {
namespace {

constexpr std::size_t kMaxCandidateJson = 4'096;
constexpr std::string_view kAttribute = "candidate:";

// Host candidates of one family; the ufrag as browsers' own have it (02 ICE-07).
void add_lines(std::vector<std::string>& lines, const std::vector<SocketAddress>& addresses,
               bool v4, wire::CandidateTransport transport, std::string_view ufrag) {
    const auto type = wire::CandidateType::kHost;
    const bool tcp = transport == wire::CandidateTransport::kTcp;
    wire::Candidate candidate;
    candidate.transport = transport;
    candidate.tcp_type = tcp ? wire::TcpType::kPassive : wire::TcpType::kNone;
    candidate.priority =
        wire::candidate_priority(wire::type_preference(type, transport),
                                 wire::local_preference(transport, candidate.tcp_type));
    candidate.ufrag = ufrag;
    for (const SocketAddress& address : addresses) {
        if (address.ip.is_v4() != v4) continue;
        candidate.address = address;
        candidate.foundation = wire::candidate_foundation(type, address.ip, transport);
        lines.push_back(wire::to_string(candidate).substr(kAttribute.size()));
    }
}

std::string value_after(std::string_view sdp, std::string_view prefix) {
    const std::size_t start = sdp.find(prefix);
    if (start == std::string_view::npos) return {};
    std::string_view rest = sdp.substr(start + prefix.size());
    return std::string(rest.substr(0, rest.find_first_of("\r\n")));
}

}  // namespace

std::vector<std::string> candidate_lines(const WorkerAddresses& addresses, std::string_view ufrag,
                                         bool tcp_only) {
    using enum wire::CandidateTransport;
    std::vector<std::string> lines;
    for (const bool v4 : {true, false})
        if (!tcp_only) add_lines(lines, addresses.udp, v4, kUdp, ufrag);
    for (const bool v4 : {true, false})
        add_lines(lines, addresses.tcp, v4, kTcp, ufrag);
    return lines;
}

std::string candidate_init(std::string_view line) {
    std::string json = R"({"candidate":"candidate:)";
    json.append(line).append(R"(","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":null})");
    return json;
}

Result<std::string, std::string> parse_candidate_init(std::string_view json) {
    if (json.empty()) return tl::unexpected<std::string>("unexpected end of JSON input");
    if (json.size() > kMaxCandidateJson) return tl::unexpected<std::string>("candidate too long");
    google::protobuf::Struct object;
    const auto status = google::protobuf::util::JsonStringToMessage(std::string(json), &object);
    if (!status.ok()) return tl::unexpected<std::string>(std::string(status.message()));
    const auto field = object.fields().find("candidate");
    if (field == object.fields().end()) return std::string{};
    return field->second.string_value();
}

std::optional<sfu::RemoteCandidate> parse_candidate(std::string_view line) {
    const auto candidate = wire::parse_candidate(line);
    if (!candidate || candidate->component != 1 || candidate->is_mdns() ||
        candidate->transport != wire::CandidateTransport::kUdp || candidate->address.port == 0)
        return std::nullopt;
    return sfu::RemoteCandidate{sfu::TransportProtocol::kUdp, candidate->address,
                                candidate->priority,
                                candidate->type == wire::CandidateType::kRelay};
}

RemoteIce remote_ice_of(std::string_view sdp) {
    return {value_after(sdp, "a=ice-ufrag:"), value_after(sdp, "a=ice-pwd:")};
}

}  // namespace confab::room
