// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_link.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/rng.h"

namespace confab::sfu {
namespace {

DataMessage message_of(std::size_t size, std::uint32_t sequence = 7) {
    DataMessage message;
    message.sender = MemberId(0x1122334455667788);
    message.sender_sid = "PA_alice";
    message.sender_identity = "alice";
    message.lossy = false;
    message.kind = DataKind::kChat;
    message.sequence = sequence;
    message.identities = {"bob", "", "carol"};
    message.sids = {"PA_dave"};
    message.nonce = Bytes(16, 3);
    Bytes payload(size);
    for (std::size_t i = 0; i < size; ++i)
        payload[i] = static_cast<std::uint8_t>(i * 31 + sequence);
    message.payload = sctp::SharedBytes(std::move(payload));
    return message;
}

// The two ends of one stream with a ring of some room between them.
struct Wire {
    bool flush(std::size_t room = 1'000'000) {
        return out.flush([&](BytesView piece) {
            if (room == 0) return false;
            --room;
            pieces.push_back(to_vector(piece));
            return true;
        });
    }
    void deliver() {
        for (const Bytes& piece : pieces)
            in.receive(piece);
        pieces.clear();
    }
    std::vector<Bytes> records() {
        std::vector<Bytes> found;
        while (const auto record = in.next_record())
            found.push_back(to_vector(*record));
        return found;
    }
    LinkStream out, in;
    std::vector<Bytes> pieces;
};

TEST_CASE("LinkStream: a message arrives with all that its receivers' worker needs [DES-41]") {
    Wire wire;
    const DataMessage sent = message_of(100);
    wire.out.add(RoomId(42), sent);
    CHECK_FALSE(wire.flush());
    wire.deliver();
    const auto records = wire.records();
    REQUIRE(records.size() == 1);
    const auto record = parse_link_record(records[0]);
    REQUIRE(record);
    const auto* linked = std::get_if<LinkedMessage>(&*record);
    REQUIRE(linked != nullptr);
    const DataMessage& got = linked->message;
    CHECK(linked->room == RoomId(42));
    CHECK(got.sender == sent.sender);
    CHECK(got.sender_sid == sent.sender_sid);
    CHECK(got.sender_identity == sent.sender_identity);
    CHECK(got.lossy == sent.lossy);
    CHECK(got.kind == sent.kind);
    CHECK(got.sequence == sent.sequence);
    CHECK(got.identities == sent.identities);
    CHECK(got.sids == sent.sids);
    CHECK(got.nonce == sent.nonce);
    CHECK(got.cost() == sent.cost());
    CHECK(as_text(got.payload.view()) == as_text(sent.payload.view()));
}

TEST_CASE("LinkStream: lossy messages, frames and what was taken are told apart [DES-41]") {
    Wire wire;
    DataMessage lossy = message_of(3);
    lossy.lossy = true;
    wire.out.add(RoomId(1), lossy);
    wire.out.add_frame(RoomId(2), DataTrackId(99), Bytes(20, 5));
    wire.out.add_taken(RoomId(3), MemberId(12), 70'000);
    wire.out.add({RoomId(4), MemberId(13), 1, 300, 2, 99'000, LinkedFence::Stage::kPassing});
    CHECK_FALSE(wire.flush());
    wire.deliver();
    const auto records = wire.records();
    REQUIRE(records.size() == 4);
    CHECK(std::get<LinkedMessage>(parse_link_record(records[0]).value()).message.lossy);
    const auto frame = std::get<LinkedFrame>(parse_link_record(records[1]).value());
    CHECK(frame.room == RoomId(2));
    CHECK(frame.track == DataTrackId(99));
    CHECK(to_vector(frame.frame) == Bytes(20, 5));
    const auto taken = std::get<LinkedTaken>(parse_link_record(records[2]).value());
    CHECK(taken.room == RoomId(3));
    CHECK(taken.sender == MemberId(12));
    CHECK(taken.bytes == 70'000);
    const auto fence = std::get<LinkedFence>(parse_link_record(records[3]).value());
    CHECK(fence.room == RoomId(4));
    CHECK(fence.member == MemberId(13));
    CHECK(fence.home == 1);
    CHECK(fence.to == 300);
    CHECK(fence.by == 2);
    CHECK(fence.round == 99'000);
    CHECK(fence.stage == LinkedFence::Stage::kPassing);
}

TEST_CASE("LinkStream: pieces fit a slot, so many at once and no more [DES-41]") {
    Wire wire;
    constexpr std::size_t kTurn = LinkStream::kMaxPiece * LinkStream::kMaxPiecesPerFlush;
    for (std::uint32_t i = 0; i < 3; ++i)
        wire.out.add(RoomId(1), message_of(60'000, i));
    const std::size_t all = wire.out.waiting();
    REQUIRE(all > 2 * kTurn);
    CHECK(wire.flush());
    CHECK(wire.pieces.size() == LinkStream::kMaxPiecesPerFlush);
    CHECK(wire.out.waiting() == all - kTurn);
    for (const Bytes& piece : wire.pieces)
        CHECK(piece.size() == LinkStream::kMaxPiece);
    CHECK(wire.flush());
    CHECK_FALSE(wire.flush());
    CHECK(wire.out.waiting() == 0);
    wire.deliver();
    CHECK(wire.records().size() == 3);
}

TEST_CASE("LinkStream: a ring without room takes nothing, and nothing is lost [DES-41]") {
    Wire wire;
    wire.out.add(RoomId(1), message_of(5'000));
    const std::size_t all = wire.out.waiting();
    CHECK(wire.flush(0));
    CHECK(wire.out.waiting() == all);
    CHECK(wire.flush(2));
    CHECK(wire.out.waiting() == all - 2 * LinkStream::kMaxPiece);
    wire.deliver();
    CHECK(wire.records().empty());  // not whole yet
    wire.out.add(RoomId(1), message_of(10, 8));
    CHECK_FALSE(wire.flush());
    wire.deliver();
    CHECK(wire.records().size() == 2);
}

TEST_CASE("LinkStream: what was sent is let go of, though something always waits [IMM-15]") {
    Wire wire;
    for (std::uint32_t i = 0; i < 500; ++i) {
        wire.out.add(RoomId(1), message_of(2'000, i));
        (void)wire.flush(wire.out.waiting() > 10'000 ? 2 : 1);
        wire.pieces.clear();
        REQUIRE(wire.out.held() <= 2 * wire.out.waiting() + LinkStream::kMaxPiece);
        if (i > 5) REQUIRE(wire.out.waiting() > 0);
    }
}

TEST_CASE("LinkStream: any pieces and any order of calls give the same records [DES-41] [DES-56]") {
    Rng rng(17);
    Wire wire;
    std::vector<std::uint32_t> sent, got;
    for (std::uint32_t i = 0; i < 2'000; ++i) {
        if (rng.below(3) != 0) {
            wire.out.add(RoomId(1), message_of(rng.below(4'000), i));
            sent.push_back(i);
        }
        (void)wire.flush(rng.below(4));
        if (rng.below(2) == 0) wire.deliver();
        for (const Bytes& record : wire.records()) {
            const auto parsed = parse_link_record(record);
            REQUIRE(parsed);
            const DataMessage& message = std::get<LinkedMessage>(*parsed).message;
            const DataMessage model = message_of(message.payload.size(), message.sequence);
            REQUIRE(as_text(message.payload.view()) == as_text(model.payload.view()));
            got.push_back(message.sequence);
        }
    }
    while (wire.flush()) {
    }
    wire.deliver();
    for (const Bytes& record : wire.records())
        got.push_back(std::get<LinkedMessage>(parse_link_record(record).value()).message.sequence);
    CHECK(got == sent);
}

TEST_CASE("LinkStream: what is no stream is dropped, and the next one begins anew [IMM-15]") {
    Wire wire;
    Bytes nonsense(100, 0xFF);  // a record of 4 GiB
    wire.in.receive(nonsense);
    CHECK_FALSE(wire.in.next_record());
    wire.out.add_taken(RoomId(3), MemberId(12), 5);
    CHECK_FALSE(wire.flush());
    wire.deliver();
    CHECK(wire.records().size() == 1);
    // The largest there may be is waited for, one octet more is not.
    for (const std::size_t more : {std::size_t{0}, std::size_t{1}}) {
        LinkStream in;
        Bytes head(4);
        store_be32(head.data(), static_cast<std::uint32_t>(LinkStream::kMaxRecord + more));
        in.receive(head);
        CHECK_FALSE(in.next_record());
        in.receive(Bytes(LinkStream::kMaxRecord, 1));
        CHECK(in.next_record().has_value() == (more == 0));
    }
}

TEST_CASE("LinkStream: the largest message with all its destinations fits a record [DES-41]") {
    DataMessage message = message_of(kMaxDataPacketBytes);
    message.identities.assign(kMaxDestinations, std::string(60, 'i'));
    message.sids.assign(kMaxDestinations, std::string(60, 's'));
    Wire wire;
    wire.out.add(RoomId(1), message);
    CHECK(wire.out.waiting() < LinkStream::kMaxRecord);
    while (wire.flush()) {
    }
    wire.deliver();
    const auto records = wire.records();
    REQUIRE(records.size() == 1);
    const auto linked = std::get<LinkedMessage>(parse_link_record(records[0]).value());
    CHECK(linked.message.identities == message.identities);
    CHECK(linked.message.payload.size() == kMaxDataPacketBytes);
}

TEST_CASE("LinkStream: records that are cut anywhere before their payload are none [DES-41]") {
    Wire wire;
    wire.out.add(RoomId(1), message_of(0));
    wire.out.add_taken(RoomId(1), MemberId(1), 1);
    wire.out.add_frame(RoomId(1), DataTrackId(1), {});
    CHECK_FALSE(wire.flush());
    wire.deliver();
    for (const Bytes& record : wire.records()) {
        CHECK(parse_link_record(record));
        for (std::size_t size = 0; size < record.size(); ++size)
            CHECK_FALSE(parse_link_record(BytesView(record).first(size)));
    }
    Bytes unknown(9, 0);
    unknown[0] = 4;
    CHECK_FALSE(parse_link_record(unknown));
    // A list that says it has more than there is does not run on.
    Bytes endless(80, 0xFF);
    endless[0] = 1;
    CHECK_FALSE(parse_link_record(endless));
}

}  // namespace
}  // namespace confab::sfu
