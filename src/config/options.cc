// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The table of all settings, in the order of the sample file and the reference, from the groups in
// rows/; and the fields of what stands in lists.
#include "config/options.h"

#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

std::vector<Option> joined() {
    std::vector<Option> all;
    for (const std::span<const Option> group :
         {node_rows(), rtc_rows(), congestion_rows(), send_side_rows(), media_rows(), room_rows(),
          cluster_rows(), service_rows(), tls_rows(), own_rows(), flood_rows()})
        all.insert(all.end(), group.begin(), group.end());
    return all;
}

constexpr auto kTurnServerFields = std::to_array<Field<TurnServer>>({
    {"host", "Name or address", [](TurnServer& s) -> Slot { return &s.host; }},
    {"port", "Port", [](TurnServer& s) -> Slot { return &s.port; }},
    {"protocol", "tls, tcp or udp", [](TurnServer& s) -> Slot { return &s.protocol; }},
    {"username", "Fixed user name", [](TurnServer& s) -> Slot { return &s.username; }},
    {"credential", "Password of that user", [](TurnServer& s) -> Slot { return &s.credential; }},
    {"secret", "Shared secret that makes passwords",
     [](TurnServer& s) -> Slot { return &s.secret; }},
    {"secret_file", "File with that secret, not readable by others",
     [](TurnServer& s) -> Slot { return &s.secret_file; }},
    {"ttl", "Seconds a made password lives, 0 for 14400",
     [](TurnServer& s) -> Slot { return &s.ttl; }},
});

constexpr auto kCodecFields = std::to_array<Field<Codec>>({
    {"mime", "For example video/VP8", [](Codec& c) -> Slot { return &c.mime; }},
    {"fmtp_line", "Parameters as in SDP", [](Codec& c) -> Slot { return &c.fmtp_line; }},
});

}  // namespace

std::span<const Option> options() {
    static const std::vector<Option> all = joined();
    return all;
}
std::span<const Field<TurnServer>> turn_server_fields() {
    return kTurnServerFields;
}
std::span<const Field<Codec>> codec_fields() {
    return kCodecFields;
}

}  // namespace confab::config
