// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/trickle.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "base/text.h"

namespace confab::room {
namespace {

constexpr std::size_t kMaxCandidateJson = 4'096;
// Host candidates: type preference 126 (RFC 8445 §5.1.2.1), TCP ones as the recorded server has
// them.
constexpr std::uint32_t kUdpPriority = 2'130'706'431;
constexpr std::uint32_t kTcpPriority = 1'671'430'143;

// Equal for candidates of one type, base and transport (RFC 8445 §5.1.1.3).
std::uint32_t foundation(std::string_view transport, const IpAddress& ip) {
    std::uint32_t hash = 2'166'136'261U;
    const auto mix = [&](std::uint8_t byte) { hash = (hash ^ byte) * 16'777'619U; };
    for (const char c : transport)
        mix(static_cast<std::uint8_t>(c));
    for (const std::uint8_t byte : ip.bytes())
        mix(byte);
    return hash;
}

void add_lines(std::vector<std::string>& lines, const std::vector<SocketAddress>& addresses,
               bool v4, std::string_view transport, std::uint32_t priority,
               std::string_view suffix) {
    for (const SocketAddress& address : addresses) {
        if (address.ip.is_v4() != v4) continue;
        std::string line = std::to_string(foundation(transport, address.ip)) + " 1 ";
        line.append(transport).append(" ").append(std::to_string(priority)).append(" ");
        line.append(address.ip.to_string()).append(" ").append(std::to_string(address.port));
        line.append(" typ host").append(suffix);
        lines.push_back(std::move(line));
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
    const std::string udp_suffix = " ufrag " + std::string(ufrag);
    const std::string tcp_suffix = " tcptype passive" + udp_suffix;
    std::vector<std::string> lines;
    for (const bool v4 : {true, false})
        if (!tcp_only) add_lines(lines, addresses.udp, v4, "udp", kUdpPriority, udp_suffix);
    for (const bool v4 : {true, false})
        add_lines(lines, addresses.tcp, v4, "tcp", kTcpPriority, tcp_suffix);
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
    if (line.starts_with("candidate:")) line.remove_prefix(10);
    std::string_view rest = line;
    (void)next_token(rest, ' ');
    const std::string_view component = next_token(rest, ' ');
    const std::string_view transport = next_token(rest, ' ');
    const auto priority = parse_decimal<std::uint32_t>(next_token(rest, ' '));
    const std::string_view address = next_token(rest, ' ');
    const auto port = parse_decimal<std::uint16_t>(next_token(rest, ' '));
    if (component != "1" || !equals_ignore_case(transport, "udp") || !priority || !port)
        return std::nullopt;
    const auto ip = IpAddress::parse(address);
    if (!ip || *port == 0) return std::nullopt;
    return sfu::RemoteCandidate{sfu::TransportProtocol::kUdp, {*ip, *port}, *priority};
}

RemoteIce remote_ice_of(std::string_view sdp) {
    return {value_after(sdp, "a=ice-ufrag:"), value_after(sdp, "a=ice-pwd:")};
}

}  // namespace confab::room
