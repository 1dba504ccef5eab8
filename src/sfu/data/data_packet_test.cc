// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// On the wire, octet by octet; against generated code: src/room/seam/data_packet_seam_test.cc.
#include "sfu/data/data_packet.h"

#include <doctest/doctest.h>

#include <optional>

#include "sfu/data/data_packet_testing.h"

namespace confab::sfu {
namespace {

using test::ReadMessage;
using test::text_packet;
using test::WireMessage;

// Field numbers of DataPacket.
constexpr unsigned kKind = 1, kUser = 2, kIdentity = 4, kTo = 5, kTranscription = 7, kMetrics = 8,
                   kChat = 9, kRpcAck = 11, kRpcResponse = 12, kHeader = 13, kSequence = 16,
                   kSid = 17;
constexpr unsigned kUnknown = 200;
// Of UserPacket.
constexpr unsigned kUserToSids = 3, kUserIdentity = 5, kUserTo = 6, kUserNonce = 11;

const DataSender kAlice{"alice", "PA_alice", false, false};
const DataSender kAgent{"bot", "PA_bot", false, true};

RoutedPacket routed(const WireMessage& packet, const DataSender& sender = kAlice,
                    bool lossy = false) {
    auto result = rewrite_data_packet(packet.encoded(), sender, lossy);
    REQUIRE(result);
    REQUIRE(ReadMessage(result->payload).is_whole());
    return std::move(*result);
}
std::optional<DataError> refusal(const WireMessage& packet, const DataSender& sender = kAlice) {
    const auto result = rewrite_data_packet(packet.encoded(), sender, false);
    return result ? std::nullopt : std::optional(result.error());
}
WireMessage with_value(unsigned number) {
    return WireMessage().message(number, WireMessage().text(1, "id"));
}

TEST_CASE("DataPacket: each value is known by its number [SIG-120]") {
    for (const unsigned number : {2U, 7U, 8U, 9U, 11U, 12U, 13U})
        CHECK(routed(with_value(number)).kind == static_cast<DataKind>(number));
    // speaker, sip_dtmf, rpc_request, stream_chunk, stream_trailer, encrypted_packet
    for (const unsigned number : {3U, 6U, 10U, 14U, 15U, 18U})
        CHECK(routed(with_value(number)).kind == DataKind::kOther);
    CHECK(routed(WireMessage().varint(kSequence, 5)).kind == DataKind::kNone);
}

TEST_CASE("DataPacket: a field that nobody knows does not hide what a packet is [SIG-120]") {
    for (const unsigned number : {2U, 7U, 8U, 9U, 11U, 12U, 13U}) {
        const auto kind = static_cast<DataKind>(number);
        CHECK(routed(with_value(number).text(kUnknown, "?")).kind == kind);
        CHECK(routed(WireMessage().text(kUnknown, "?").raw(with_value(number).encoded())).kind ==
              kind);
    }
    CHECK(routed(WireMessage().text(kUnknown, "?")).kind == DataKind::kNone);
    // An answer to a call of the API is still found by its call.
    CHECK(routed(with_value(kRpcResponse).text(kUnknown, "?")).request_id == "id");
}

TEST_CASE("DataPacket: of two values the last counts, as it does for who reads it [SIG-120]") {
    const WireMessage user = WireMessage().message(kUser, WireMessage().text(2, "x"));
    const RoutedPacket first =
        routed(WireMessage().raw(user.encoded()).raw(with_value(kTranscription).encoded()));
    CHECK(first.kind == DataKind::kTranscription);
    CHECK_FALSE(ReadMessage(first.payload).has(kUser));
    const RoutedPacket second =
        routed(with_value(kTranscription).raw(user.encoded()).varint(kSequence, 1));
    CHECK(second.kind == DataKind::kUser);
    const std::string bytes(as_text(second.payload));
    const WireMessage transcription = with_value(kTranscription);
    CHECK(bytes.find(as_text(transcription.encoded())) < bytes.find("alice"));
}

TEST_CASE("DataPacket: a value of another wire type is a field nobody knows [SIG-120]") {
    const RoutedPacket packet = routed(WireMessage().varint(kTranscription, 9).fixed32(kMetrics));
    CHECK(packet.kind == DataKind::kNone);
    const ReadMessage out(packet.payload);
    CHECK(out.value(kTranscription) == 9);
    CHECK(out.text(kMetrics) == "2222");
}

TEST_CASE("DataPacket: the channel says which kind a packet is, reliable goes unsaid [SIG-120]") {
    const WireMessage claims = WireMessage().varint(kKind, 1).text(kUnknown, "x");
    CHECK_FALSE(ReadMessage(routed(claims, kAlice, false).payload).has(kKind));
    const ReadMessage lossy(routed(WireMessage().varint(kKind, 0), kAlice, true).payload);
    CHECK(lossy.all(kKind).size() == 1);
    CHECK(lossy.value(kKind) == 1);
}

TEST_CASE("DataPacket: nobody names a sender but the server [SIG-120]") {
    WireMessage forged;
    forged.text(kIdentity, "mallory").text(kSid, "PA_mallory").text(kSid, "PA_again");
    forged.message(kUser, WireMessage().text(1, "PA_mallory").text(kUserIdentity, "mallory"));
    const ReadMessage out(routed(forged).payload);
    CHECK(out.all(kIdentity) == std::vector<std::string>{"alice"});
    CHECK(out.all(kSid) == std::vector<std::string>{"PA_alice"});
    CHECK(out.message(kUser).all(1) == std::vector<std::string>{"PA_alice"});
    CHECK(out.message(kUser).all(kUserIdentity) == std::vector<std::string>{"alice"});
}

TEST_CASE("DataPacket: destinations are the packet's, else the user packet's, in both [SIG-120]") {
    const WireMessage to_user = WireMessage().text(kUserTo, "bob").text(kUserTo, "carol");
    const std::vector<std::string> both{"bob", "carol"};
    const RoutedPacket inner = routed(WireMessage().message(kUser, to_user));
    CHECK(inner.destination_identities == both);
    CHECK(ReadMessage(inner.payload).all(kTo) == both);
    CHECK(ReadMessage(inner.payload).message(kUser).all(kUserTo) == both);

    const std::vector<std::string> dave{"dave"};
    const RoutedPacket outer = routed(WireMessage().text(kTo, "dave").message(kUser, to_user));
    CHECK(outer.destination_identities == dave);
    CHECK(ReadMessage(outer.payload).all(kTo) == dave);
    CHECK(ReadMessage(outer.payload).message(kUser).all(kUserTo) == dave);

    const RoutedPacket other = routed(with_value(kRpcAck).text(kTo, "dave"));
    CHECK(other.destination_identities == dave);
    CHECK(ReadMessage(other.payload).all(kTo) == dave);

    const WireMessage by_sid = WireMessage().text(kUserToSids, "PA_bob");
    const RoutedPacket sids = routed(WireMessage().message(kUser, by_sid));
    CHECK(sids.destination_identities.empty());
    CHECK(sids.destination_sids == std::vector<std::string>{"PA_bob"});
    CHECK(ReadMessage(sids.payload).message(kUser).all(kUserToSids) == sids.destination_sids);
}

TEST_CASE("DataPacket: kMaxDestinations of each kind and no more [SIG-120] [IMM-15]") {
    const auto many = [](unsigned field, std::size_t count) {
        WireMessage out;
        for (std::size_t i = 0; i < count; ++i)
            out.text(field, "x");
        return out;
    };
    const auto user = [&](unsigned field, std::size_t count) {
        return WireMessage().message(kUser, many(field, count));
    };
    CHECK(routed(many(kTo, kMaxDestinations)).destination_identities.size() == kMaxDestinations);
    CHECK(refusal(many(kTo, kMaxDestinations + 1)) == DataError::kTooManyDestinations);
    for (const unsigned field : {kUserTo, kUserToSids}) {
        CHECK_FALSE(refusal(user(field, kMaxDestinations)));
        CHECK(refusal(user(field, kMaxDestinations + 1)) == DataError::kTooManyDestinations);
    }
}

TEST_CASE("DataPacket: names that are no text are refused, contents may be anything [SIG-120]") {
    const Bytes not_text{0xC3, 0x28};
    CHECK(refusal(WireMessage().bytes(kIdentity, not_text)) == DataError::kBadText);
    CHECK(refusal(WireMessage().bytes(kTo, not_text)) == DataError::kBadText);
    for (const unsigned field : {kUserTo, kUserToSids})
        CHECK(refusal(WireMessage().message(kUser, WireMessage().bytes(field, not_text))) ==
              DataError::kBadText);
    const RoutedPacket payload =
        routed(WireMessage().message(kUser, WireMessage().bytes(2, not_text)));
    CHECK(as_bytes(ReadMessage(payload.payload).message(kUser).text(2)).size() == 2);
    // And a destination that is a number.
    CHECK(refusal(WireMessage().varint(kTo, 5)) == DataError::kMalformed);
    CHECK(refusal(WireMessage().message(kUser, WireMessage().varint(kUserTo, 5))) ==
          DataError::kMalformed);
}

TEST_CASE("DataPacket: 64 KiB and not one octet more [DC-05] [SIG-120]") {
    const auto of_size = [](std::size_t size) {
        Bytes packet = WireMessage().bytes(kUnknown, Bytes(size - 5, 7)).encoded();
        REQUIRE(packet.size() == size);
        return packet;
    };
    CHECK(rewrite_data_packet(of_size(kMaxDataPacketBytes), kAlice, false));
    const auto larger = rewrite_data_packet(of_size(kMaxDataPacketBytes + 1), kAlice, false);
    REQUIRE_FALSE(larger);
    CHECK(larger.error() == DataError::kTooLarge);
}

TEST_CASE("DataPacket: fields of every wire type are copied, cut ones refused [SIG-120]") {
    const Bytes whole =
        WireMessage().varint(kUnknown, 300).fixed64(201).fixed32(202).text(203, "abc").encoded();
    const auto out = rewrite_data_packet(whole, kAlice, false);
    REQUIRE(out);
    CHECK(std::equal(whole.begin(), whole.end(), out->payload.begin()));
    // Whole are only these beginnings.
    const std::vector<std::size_t> ends{0, 4, 14, 20, whole.size()};
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const bool ok =
            rewrite_data_packet(BytesView(whole).first(size), kAlice, false).has_value();
        CHECK(ok == (std::find(ends.begin(), ends.end(), size) != ends.end()));
    }
}

TEST_CASE("DataPacket: numbers have ten octets at most, keys 32 bits [SIG-120]") {
    const auto varint_of = [](std::size_t octets) {
        Bytes value(octets, 0x80);
        value.back() = 0x01;
        return WireMessage().number(kUnknown << 3).raw(value);
    };
    CHECK_FALSE(refusal(varint_of(10)));
    CHECK(refusal(varint_of(11)) == DataError::kMalformed);
    CHECK_FALSE(refusal(WireMessage().number(0xFFFF'FFF8).number(1)));
    CHECK(refusal(WireMessage().number(0x1'0000'0000).number(1)) == DataError::kMalformed);
    for (const unsigned type : {3U, 4U, 6U, 7U})
        CHECK(refusal(WireMessage().number(kUnknown << 3 | type)) == DataError::kMalformed);
}

TEST_CASE("DataPacket: a nonce is told and travels on [SIG-123]") {
    const Bytes nonce(16, 9);
    const RoutedPacket packet =
        routed(WireMessage().message(kUser, WireMessage().bytes(kUserNonce, nonce)));
    CHECK(packet.nonce == nonce);
    CHECK(ReadMessage(packet.payload).message(kUser).text(kUserNonce) == as_text(nonce));
}

TEST_CASE("DataPacket: answers are known by their call, malformed ones refused [SIG-128]") {
    for (const unsigned number : {kRpcAck, kRpcResponse})
        CHECK(routed(with_value(number)).request_id == "id");
    CHECK(routed(with_value(kChat)).request_id.empty());
    CHECK(refusal(WireMessage().bytes(kRpcResponse, Bytes{0x0A})) == DataError::kMalformed);
}

TEST_CASE("DataPacket: an agent's own words are not marked as another's [SIG-120]") {
    const auto chat_of = [](const std::string& claimed) {
        WireMessage packet;
        if (!claimed.empty()) packet.text(kIdentity, claimed);
        return packet.message(kChat, WireMessage().text(1, "id"));
    };
    for (const std::string claimed : {"", "bot"}) {
        const ReadMessage own(routed(chat_of(claimed), kAgent).payload);
        CHECK(own.text(kIdentity) == "bot");
        CHECK_FALSE(own.message(kChat).has(6));
    }
    const ReadMessage for_human(routed(chat_of("human"), kAgent).payload);
    CHECK(for_human.text(kIdentity) == "human");
    CHECK(for_human.text(kSid) == "PA_bot");
    CHECK(for_human.message(kChat).value(6) == 1);
    // Hidden or not, it speaks for the one it names; for itself it is not named.
    const DataSender ghost{"bot", "PA_bot", true, true};
    CHECK(ReadMessage(routed(chat_of("human"), ghost).payload).text(kIdentity) == "human");
    CHECK_FALSE(ReadMessage(routed(chat_of("bot"), ghost).payload).has(kIdentity));
}

TEST_CASE("DataPacket: text streams of agents are marked, a header of nonsense refused [SIG-120]") {
    const WireMessage text_header =
        WireMessage().text(1, "stream").message(9, WireMessage().varint(2, 7)).varint(4, 11);
    const WireMessage packet = WireMessage().text(kIdentity, "human").message(kHeader, text_header);
    const ReadMessage header = ReadMessage(routed(packet, kAgent).payload).message(kHeader);
    CHECK(header.text(1) == "stream");
    CHECK(header.value(4) == 11);
    CHECK(header.message(9).value(2) == 7);
    CHECK(header.message(9).value(5) == 1);
    // Others' go on as they are.
    const ReadMessage plain(routed(packet).payload);
    CHECK(plain.text(kHeader) == as_text(text_header.encoded()));
    CHECK(plain.text(kIdentity) == "alice");
    // Neither are those of byte streams, which nobody else's words are in.
    const WireMessage bytes =
        WireMessage().text(1, "stream").message(10, WireMessage().text(1, "f"));
    const ReadMessage file(
        routed(WireMessage().text(kIdentity, "human").message(kHeader, bytes), kAgent).payload);
    CHECK(file.text(kHeader) == as_text(bytes.encoded()));
    CHECK(file.text(kIdentity) == "bot");
    const WireMessage broken =
        WireMessage().text(kIdentity, "human").bytes(kHeader, Bytes{0x4A, 0x05});
    CHECK(refusal(broken, kAgent) == DataError::kMalformed);
}

TEST_CASE("DataPacket: raw bytes become a user packet, none too [DC-12]") {
    const RoutedPacket empty = wrap_raw_data({}, kAlice);
    CHECK(empty.kind == DataKind::kUser);
    CHECK(ReadMessage(empty.payload).message(kUser).has(2));
    CHECK(ReadMessage(empty.payload).text(kIdentity) == "alice");
    CHECK(empty.sequence == 0);
    CHECK(empty.destination_identities.empty());
    // What looks like a packet inside is only bytes.
    const Bytes inner = text_packet("x", 7, "bob");
    const RoutedPacket wrapped = wrap_raw_data(inner, kAlice);
    CHECK(ReadMessage(wrapped.payload).message(kUser).text(2) == as_text(inner));
    CHECK_FALSE(ReadMessage(wrapped.payload).has(kTo));
    CHECK_FALSE(ReadMessage(wrapped.payload).has(kSequence));
}

}  // namespace
}  // namespace confab::sfu
