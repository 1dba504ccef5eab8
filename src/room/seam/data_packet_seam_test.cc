// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <algorithm>

#include "base/rng.h"
#include "livekit_rtc.pb.h"
#include "sfu/data/data_packet.h"

namespace confab::room {
namespace {

using sfu::DataError;
using sfu::DataKind;
using sfu::DataSender;
using sfu::kMaxDataPacketBytes;
using sfu::kMaxDestinations;
using sfu::rewrite_data_packet;
using sfu::wrap_raw_data;

Bytes bytes_of(const livekit::DataPacket& packet) {
    return to_vector(as_bytes(packet.SerializeAsString()));
}
livekit::DataPacket packet_of(const Bytes& bytes) {
    livekit::DataPacket packet;
    REQUIRE(packet.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    return packet;
}
const DataSender kAlice{"alice", "PA_alice", false, false};

}  // namespace

TEST_CASE("DataPacket: sender and kind are the server's, the rest stays [SIG-120]") {
    livekit::DataPacket packet;
    packet.set_kind(livekit::DataPacket::LOSSY);
    packet.set_participant_identity("mallory");
    packet.set_participant_sid("PA_mallory");
    packet.set_sequence(77);
    packet.mutable_user()->set_payload("hello");
    packet.mutable_user()->set_topic("t");
    packet.mutable_user()->set_participant_identity("mallory");
    packet.mutable_user()->set_participant_sid("PA_mallory");
    packet.mutable_user()->add_destination_identities("bob");
    packet.mutable_user()->add_destination_sids("PA_bob");
    packet.mutable_user()->set_nonce("0123456789abcdef");
    const auto routed = rewrite_data_packet(bytes_of(packet), kAlice, false);
    REQUIRE(routed);
    const livekit::DataPacket out = packet_of(routed->payload);
    CHECK(out.kind() == livekit::DataPacket::RELIABLE);
    CHECK(out.participant_identity() == "alice");
    CHECK(out.participant_sid() == "PA_alice");
    CHECK(out.sequence() == 77);
    CHECK(out.user().participant_identity() == "alice");
    CHECK(out.user().participant_sid() == "PA_alice");
    CHECK(out.user().payload() == "hello");
    CHECK(out.user().topic() == "t");
    CHECK(out.destination_identities(0) == "bob");
    CHECK(out.user().destination_identities_size() == 1);
    CHECK(routed->destination_identities == std::vector<std::string>{"bob"});
    CHECK(routed->destination_sids == std::vector<std::string>{"PA_bob"});
    CHECK(routed->nonce.size() == 16);
    CHECK(packet_of(rewrite_data_packet(bytes_of(packet), kAlice, true)->payload).kind() ==
          livekit::DataPacket::LOSSY);
}

TEST_CASE("DataPacket: hidden senders and unlabelled channels [SIG-120] [SIG-78] [DC-12]") {
    livekit::DataPacket packet;
    packet.mutable_user()->set_payload("x");
    const DataSender hidden{"ghost", "PA_ghost", true, false};
    const auto out = packet_of(rewrite_data_packet(bytes_of(packet), hidden, false)->payload);
    CHECK(out.participant_identity().empty());
    CHECK(out.participant_sid() == "PA_ghost");
    CHECK(out.user().participant_identity().empty());
    const auto raw = packet_of(wrap_raw_data(as_bytes("raw"), kAlice).payload);
    CHECK(raw.user().payload() == "raw");
    CHECK(raw.participant_identity() == "alice");
    CHECK(raw.participant_sid().empty());
    const auto ghostly = packet_of(wrap_raw_data(as_bytes("raw"), hidden).payload);
    CHECK(ghostly.user().payload() == "raw");
    CHECK(ghostly.participant_identity().empty());
    CHECK(ghostly.participant_sid().empty());
}

TEST_CASE("DataPacket: an agent may speak for another [SIG-120]") {
    livekit::DataPacket chat;
    chat.set_participant_identity("human");
    chat.mutable_chat_message()->set_message("hi");
    const DataSender agent{"bot", "PA_bot", false, true};
    const auto spoken = packet_of(rewrite_data_packet(bytes_of(chat), agent, false)->payload);
    CHECK(spoken.participant_identity() == "human");
    CHECK(spoken.chat_message().generated());
    CHECK(packet_of(rewrite_data_packet(bytes_of(chat), kAlice, false)->payload)
              .participant_identity() == "alice");
    livekit::DataPacket header;
    header.set_participant_identity("human");
    header.mutable_stream_header()->set_stream_id("s");
    header.mutable_stream_header()->mutable_text_header()->set_version(2);
    const auto text = packet_of(rewrite_data_packet(bytes_of(header), agent, false)->payload);
    CHECK(text.participant_identity() == "human");
    CHECK(text.stream_header().text_header().generated());
    CHECK(text.stream_header().text_header().version() == 2);
    header.mutable_stream_header()->mutable_byte_header()->set_name("f");
    CHECK(packet_of(rewrite_data_packet(bytes_of(header), agent, false)->payload)
              .participant_identity() == "bot");
}

TEST_CASE("DataPacket: unknown fields survive, groups and nonsense do not [SIG-120] [DC-13]") {
    Bytes unknown{0xFA, 0x07, 0x03, 'a', 'b', 'c'};  // field 127, length 3
    const auto routed = rewrite_data_packet(unknown, kAlice, false);
    REQUIRE(routed);
    CHECK(std::search(routed->payload.begin(), routed->payload.end(), unknown.begin(),
                      unknown.end()) != routed->payload.end());
    CHECK(rewrite_data_packet({}, kAlice, false));
    CHECK_FALSE(rewrite_data_packet(Bytes{0x0B}, kAlice, false));        // group
    CHECK_FALSE(rewrite_data_packet(Bytes{0x00, 0x00}, kAlice, false));  // field 0
    CHECK_FALSE(rewrite_data_packet(Bytes(12, 0xFF), kAlice, false));    // endless varint
    CHECK_FALSE(rewrite_data_packet(Bytes(kMaxDataPacketBytes + 1), kAlice, false));
    livekit::DataPacket many;
    for (std::size_t i = 0; i <= kMaxDestinations; ++i)
        many.add_destination_identities("x");
    CHECK(rewrite_data_packet(bytes_of(many), kAlice, false).error() ==
          DataError::kTooManyDestinations);
}

TEST_CASE("DataPacket: every truncation is refused or still a packet; random bytes too [SIG-120]") {
    livekit::DataPacket packet;
    packet.set_sequence(5);
    packet.mutable_user()->set_payload(std::string(40, 'p'));
    packet.mutable_user()->add_destination_identities("bob");
    const Bytes whole = bytes_of(packet);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const auto routed = rewrite_data_packet(BytesView(whole).first(size), kAlice, false);
        if (routed) CHECK(packet_of(routed->payload).participant_identity() == "alice");
    }
    Rng rng(11);
    for (int i = 0; i < 20'000; ++i) {
        Bytes noise = whole;
        for (int k = 0; k < 3; ++k)
            noise[rng.below(noise.size())] = static_cast<std::uint8_t>(rng.u32());
        const auto routed = rewrite_data_packet(noise, kAlice, false);
        if (routed) CHECK(routed->payload.size() < 2 * noise.size() + 200);
    }
}

}  // namespace confab::room
