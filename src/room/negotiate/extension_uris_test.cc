// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/extension_uris.h"

#include <doctest/doctest.h>

namespace confab::room {
namespace {

// As browsers write them (their registrations, not our constants), each with an id of its own.
const ExtensionIds kAll = {
    {"urn:ietf:params:rtp-hdrext:sdes:mid", 1},
    {"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", 2},
    {"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", 3},
    {"urn:ietf:params:rtp-hdrext:ssrc-audio-level", 4},
    {"http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time", 5},
    {"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", 6},
    {"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", 7},
    {"https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension", 8},
    {"http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", 9},
    {"urn:3gpp:video-orientation", 10}};

}  // namespace

TEST_CASE("Extensions: what was negotiated reaches the worker under its id [SDP-05]") {
    const sfu::ReceiveExtensions receive = receive_extensions(kAll);
    CHECK(receive.mid == 1);
    CHECK(receive.rid == 2);
    CHECK(receive.repaired_rid == 3);
    CHECK(receive.audio_level == 4);
    CHECK(receive.abs_capture_time == 5);
    CHECK(receive.transport_cc == 6);
    CHECK(receive.abs_send_time == 7);
    CHECK(receive.dependency_descriptor == 8);
    const sfu::SendExtensions send = send_extensions(kAll, true);
    CHECK(send.mid == 1);
    CHECK(send.abs_capture_time == 5);
    CHECK(send.transport_cc == 6);
    CHECK(send.abs_send_time == 0);
    CHECK(send.dependency_descriptor == 8);
    CHECK(send.playout_delay == 9);
}

TEST_CASE("Extensions: who is to send REMBs gets no transport-wide numbers [BWE-20]") {
    const sfu::SendExtensions send = send_extensions(kAll, false);
    CHECK(send.transport_cc == 0);
    CHECK(send.abs_send_time == 7);
}

TEST_CASE("Extensions: what was not negotiated is 0, which is none [SDP-05]") {
    const sfu::ReceiveExtensions receive = receive_extensions({});
    CHECK(receive.mid == 0);
    CHECK(receive.dependency_descriptor == 0);
    const sfu::SendExtensions send = send_extensions({{"urn:3gpp:video-orientation", 10}}, true);
    CHECK(send.transport_cc == 0);
    CHECK(send.playout_delay == 0);
}

}  // namespace confab::room
