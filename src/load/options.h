// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a load test is asked for (05 LKC-30, LKC-34): all counts are per room.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace confab::load {

// How many videos a subscriber shows, and how large (05 C.4).
enum class Layout : std::uint8_t { kSpeaker, k3x3, k4x4, k5x5 };
enum class Resolution : std::uint8_t { kHigh, kMedium, kLow };

struct Options {
    std::string room = "load-test";  // several rooms: room-0, room-1 …
    std::string identity_prefix = "load";
    std::size_t rooms = 1;
    // A participant whose index is below several counts publishes all of these.
    std::size_t video_publishers = 0;
    std::size_t audio_publishers = 0;
    std::size_t screen_publishers = 0;
    std::size_t subscribers = 0;
    bool publishers_subscribe = false;  // a meeting instead of a stage

    double join_rate = 5;                       // a second, of all rooms together; 0: all at once
    Duration duration = Duration::seconds(10);  // after the last join; zero: until stopped
    Duration join_patience = Duration::seconds(15);

    Layout layout = Layout::kSpeaker;
    Resolution resolution = Resolution::kHigh;
    bool simulcast = true;
    bool simulate_speakers = false;  // one audio publisher after the other speaks
    std::uint32_t screen_fps = 10;
    double data_rate = 0;  // messages a second of each publisher
    std::size_t data_size = 256;
    bool data_reliable = false;

    bool single = true;         // /rtc/v1 first; false: /rtc alone
    std::uint32_t sample = 17;  // one packet in so many is decrypted, for its stamp

    std::size_t publishers() const;
    std::size_t participants() const { return rooms * (publishers() + subscribers); }
};

}  // namespace confab::load
