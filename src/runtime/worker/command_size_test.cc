// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/command_size.h"

#include <doctest/doctest.h>

namespace confab::worker {
namespace {

constexpr std::size_t kSelf = sizeof(sfu::Command);

TEST_CASE("command_size: a command takes itself and what it holds elsewhere [IMM-15]") {
    CHECK(command_size(sfu::ClosePeer{}) == kSelf);

    sfu::CreatePeer create;
    create.local = {"ufrag", "password"};
    create.srtp_profiles.resize(3);
    CHECK(command_size(create) == kSelf + 5 + 8 + 3 * sizeof(sfu::SrtpProfile));

    sfu::SetRemote remote;
    remote.remote = {"ufrag", "password"};
    remote.fingerprints = {{"sha-256", Bytes(32)}, {"sha-1", Bytes(20)}};
    CHECK(command_size(remote) == kSelf + 5 + 8 + 2 * sizeof(sfu::Fingerprint) + 7 + 32 + 5 + 20);
    CHECK(command_size(sfu::RestartIce{{}, {"a", "bc"}, false}) == kSelf + 3);

    sfu::AddReceiver receiver;
    receiver.mid = "12";
    receiver.codecs.resize(4);
    receiver.layers.resize(2);
    receiver.layers[0].rid = "half";
    CHECK(command_size(receiver) ==
          kSelf + 2 + 4 * sizeof(sfu::ReceiveCodec) + 2 * sizeof(sfu::ReceiveLayer) + 4);

    sfu::AddDownTrack track;
    track.codecs.resize(5);
    track.cname = "PA_x";
    track.mid = "7";
    track.sif_trailer = Bytes(9);
    CHECK(command_size(track) == kSelf + 5 * sizeof(sfu::SendCodec) + 4 + 1 + 9);

    CHECK(command_size(sfu::ExportPeer{}) == kSelf);
    sfu::ImportPeer import;
    import.create = create;
    import.receivers = {receiver};
    import.down_tracks = {track, {}};
    import.state = sfu::PeerBytes(Bytes(700));
    CHECK(command_size(import) == command_size(create) + (command_size(receiver) - kSelf) +
                                      sizeof receiver + (command_size(track) - kSelf) +
                                      2 * sizeof track + 700);

    sfu::DataMember member;
    member.identity = "alice";
    member.sid = "PA_y";
    CHECK(command_size(member) == kSelf + 9);
    CHECK(command_size(sfu::DataWorkers{{}, {0, 1, 2}}) == kSelf + 3 * sizeof(sfu::WorkerIndex));

    sfu::SendData data;
    data.payload = Bytes(1000);
    data.identities = {"bob"};
    data.sids = {"PA_z", "PA_w"};
    data.nonce = Bytes(16);
    CHECK(command_size(data) == kSelf + 1000 + 3 * sizeof(std::string) + 3 + 8 + 16);
    CHECK(command_size(sfu::CallMethod{{}, {}, "id", Bytes(70)}) == kSelf + 72);
    CHECK(command_size(sfu::EndCall{{}, {}, "id"}) == kSelf + 2);
    CHECK(command_size(sfu::StrangerLimits{{}, {{}, {}}}) == kSelf + 2 * sizeof(Cidr));
}

}  // namespace
}  // namespace confab::worker
