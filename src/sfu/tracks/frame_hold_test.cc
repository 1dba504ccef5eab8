// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/frame_hold.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr FrameHoldLimits kLimits{Duration::micros(100), Duration::micros(250)};

Timestamp at(std::int64_t us) {
    return Timestamp::micros(1'000'000 + us);
}
MediaPacket part(bool last) {
    MediaPacket packet;
    packet.marker = last;
    return packet;
}

TEST_CASE("FrameHold: a frame waits for its next packet, to its end or the limit [DES-10]") {
    FrameHold hold;
    hold.begin(at(0));
    hold.add(at(0), 0, part(false));
    CHECK(hold.until(kLimits) == at(100));
    hold.add(at(90), 0, part(false));
    CHECK(hold.until(kLimits) == at(190));
    hold.add(at(180), 0, part(false));
    CHECK(hold.until(kLimits) == at(250));  // of its first packet
    hold.add(at(200), 0, part(true));
    CHECK(hold.until(kLimits) <= at(200));
}

TEST_CASE("FrameHold: what is whole waits for nothing, of any layer [DES-10]") {
    FrameHold hold;
    hold.begin(at(0));
    hold.add(at(0), 2, part(true));
    CHECK(hold.until(kLimits) <= at(0));
    hold.add(at(10), 1, part(false));
    hold.add(at(20), 0, part(false));
    hold.add(at(30), 0, part(true));
    CHECK(hold.until(kLimits) == at(130));  // layer 1
    hold.add(at(40), 1, part(true));
    CHECK(hold.until(kLimits) <= at(40));
}

TEST_CASE("FrameHold: repaired packets and padding open no frame [DES-10]") {
    FrameHold hold;
    hold.begin(at(0));
    MediaPacket late = part(false);
    late.late = true;
    hold.add(at(0), 0, late);
    MediaPacket padding = part(false);
    padding.padding_only = true;
    hold.add(at(0), 0, padding);
    CHECK(hold.until(kLimits) <= at(0));
    hold.add(at(5), 0, part(false));
    hold.add(at(6), 0, late);  // nor do they end one
    CHECK(hold.until(kLimits) == at(106));
}

TEST_CASE("FrameHold: a frame whose end was lost holds nothing of the next packets") {
    FrameHold hold;
    hold.begin(at(0));
    hold.add(at(0), 0, part(false));
    hold.begin(at(5000));
    hold.add(at(5000), 1, part(true));
    CHECK(hold.until(kLimits) <= at(5000));
}

TEST_CASE("FrameHold: without a limit nothing waits") {
    FrameHold hold;
    hold.begin(at(0));
    hold.add(at(0), 0, part(false));
    CHECK(hold.until({}) <= at(0));
}

}  // namespace
}  // namespace confab::sfu
