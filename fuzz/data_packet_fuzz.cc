// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataPacket rewriting on arbitrary bytes: never fails badly, and what it lets through is stamped.
// fuzz: modules room
#include "base/check.h"
#include "livekit_rtc.pb.h"
#include "sfu/data/data_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace confab;
    if (size == 0) return 0;
    const BytesView input(data + 1, size - 1);
    const sfu::DataSender sender{"alice", "PA_alice", (data[0] & 1) != 0, (data[0] & 2) != 0};
    const auto routed = sfu::rewrite_data_packet(input, sender, (data[0] & 4) != 0);
    if (!routed) return 0;
    CONFAB_CHECK(routed->destination_identities.size() <= sfu::kMaxDestinations);
    livekit::DataPacket packet;
    const Bytes& out = routed->payload;
    if (!packet.ParseFromArray(out.data(), static_cast<int>(out.size()))) return 0;
    CONFAB_CHECK(packet.participant_sid() == "PA_alice");
    const bool speaks_for_another =
        sender.agent && (packet.has_chat_message() || packet.has_stream_header());
    if (!speaks_for_another)
        CONFAB_CHECK(packet.participant_identity() == (sender.hidden ? "" : "alice"));
    if (packet.has_user() && !sender.hidden)
        CONFAB_CHECK(packet.user().participant_identity() == "alice");
    return 0;
}
