// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data between the shards of a room: a stream of records for each pair of workers, cut into pieces
// that fit a slot of their ring and put together again on the other side. Nothing in it is lost
// or overtaken.
//    record:   size u32 (of what follows) · type u8 · room u64 · …
//    message:  … sender u64 · lossy u8 · kind u8 · sequence u32 · sid · identity · nonce ·
//              identities · sids · payload (rest);  texts are u32 + bytes, lists u32 + texts
//    frame:    … track u64 · frame (rest)
//    taken:    … sender u64 · bytes u32     receiver's worker → sender's
//    left:     … sender u64                 after its last message
//    fence:    … member u64 · home u16 · to u16 · by u16 · round u32 · stage u8
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "sfu/data/data_message.h"

namespace confab::sfu {

struct LinkedMessage {
    RoomId room;
    DataMessage message;
};
struct LinkedFrame {
    RoomId room;
    DataTrackId track;
    BytesView frame;
};
struct LinkedTaken {
    RoomId room;
    MemberId sender;
    std::size_t bytes = 0;
};
struct LinkedLeft {
    RoomId room;
    MemberId sender;
};
// A member is about to go from worker `home` to `to` (data_moves.cc).
struct LinkedFence {
    enum class Stage : std::uint8_t {
        kAsked,     // home → by: behind all that the member said
        kAnswered,  // by → home: behind all that was said here before `to` was known
        kPassing,   // by → to: likewise
        kPassed,    // to → home: that one came
    };
    RoomId room;
    MemberId member;
    WorkerIndex home = 0;
    WorkerIndex to = 0;
    WorkerIndex by = 0;  // whom it asks
    std::uint32_t round = 0;
    Stage stage = Stage::kAsked;
};
using LinkRecord = std::variant<LinkedMessage, LinkedFrame, LinkedTaken, LinkedLeft, LinkedFence>;

// One record without its size; nothing when it does not scan.
std::optional<LinkRecord> parse_link_record(BytesView record);

// Both directions between this worker and one other.
class LinkStream {
  public:
    static constexpr std::size_t kMaxPiece = 1'400;
    // In one turn, so that media packets find room in the ring.
    static constexpr std::size_t kMaxPiecesPerFlush = 64;
    // A message of 64 KiB with its destinations, written twice by their sender.
    static constexpr std::size_t kMaxRecord = 512 * 1024;

    void add(RoomId room, const DataMessage& message);
    void add_frame(RoomId room, DataTrackId track, BytesView frame);
    void add_taken(RoomId room, MemberId sender, std::size_t bytes);
    void add_left(RoomId room, MemberId sender);
    void add(const LinkedFence& fence);
    // Bytes that wait to be sent.
    std::size_t waiting() const { return out_.size() - sent_; }
    // With those that were sent and are not let go of yet: twice as many at most.
    std::size_t held() const { return out_.size(); }
    // push(piece) is false when there is no room. True while some is left.
    template <typename Push>
    bool flush(Push&& push);

    void receive(BytesView piece) { in_.insert(in_.end(), piece.begin(), piece.end()); }
    // The next whole record, valid until receive(); a stream that is no stream is begun anew.
    std::optional<BytesView> next_record();

  private:
    Bytes out_;
    std::size_t sent_ = 0;
    Bytes in_;
    std::size_t read_ = 0;
};

template <typename Push>
bool LinkStream::flush(Push&& push) {
    for (std::size_t i = 0; waiting() > 0 && i < kMaxPiecesPerFlush; ++i) {
        const std::size_t size = std::min(waiting(), kMaxPiece);
        if (!push(BytesView(out_).subspan(sent_, size))) break;
        sent_ += size;
    }
    if (waiting() > 0 && sent_ < out_.size() / 2) return true;
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(std::exchange(sent_, 0)));
    return !out_.empty();
}

}  // namespace confab::sfu
