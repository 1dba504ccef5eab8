// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The codecs of rooms (01 ROOM-08). Rooms that were made under one configuration look at one list,
// which stays as it is while it has rooms: a reload makes another for the rooms to come.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "livekit_models.pb.h"
#include "rtc/sdp/negotiator.h"

namespace confab::room {

using CodecList = std::vector<sdp::EnabledCodec>;

CodecList default_codecs();

class RoomCodecs {
  public:
    using Shown = google::protobuf::RepeatedPtrField<livekit::Codec>;

    RoomCodecs() { use({}); }

    // For rooms from now on; empty is the default list. video/rtx is always there. One list is
    // kept for each that was ever used: that is how often an operator thinks of another.
    void use(CodecList configured);
    const CodecList& current() const { return lists_[current_]; }
    // The same as clients are told of it.
    const Shown& shown() const { return shown_[current_]; }

  private:
    std::deque<CodecList> lists_;
    std::deque<Shown> shown_;  // of each list
    std::size_t current_ = 0;
};

}  // namespace confab::room
