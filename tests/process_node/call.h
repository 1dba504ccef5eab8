// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two participants of one room who each see, hear and read the other: the control half of a node,
// as small as it can be. Connections are negotiated by room::PeerLink, as in a room; everybody
// publishes what its offers send and is sent what the other publishes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/state/state.h"
#include "room/negotiate/peer_link.h"
#include "room/scope/scope.h"

namespace confab::process_node {

// What a control thread gives its rooms.
struct Control {
    Control(const room::WorkerAddresses& addresses, std::string fingerprint, std::uint64_t seed);

    room::Config config;
    room::Clock clock;
    room::Outbox out;
    room::IdSource ids;
    room::MediaRegistry media;
    room::Counters counters;
    room::Placement placement{1};
    room::AgentKinds agents;
    room::RoomScope scope{config, clock, out, ids, media, counters, placement, agents};
};

struct Answered {
    std::string sdp;
    std::vector<std::string> candidates;  // RTCIceCandidateInit as JSON
};

class Call {
  public:
    static constexpr std::size_t kPeople = 2;

    explicit Call(Control& control) : control_(&control) {}

    // The client offers; what is new in its offer is published. Commands are in the outbox.
    Result<Answered, std::string> answer(std::size_t person, std::string_view offer);
    bool is_whole() const { return people_[0].link && people_[1].link; }
    sfu::PeerId peer(std::size_t person) const { return people_[person].link->id(); }

    void save(StateWriter& out) const;
    // As it was negotiated elsewhere; no command is made of it.
    void load(StateReader& in);
    // Everybody as a member of the room, for data.
    sfu::DataMember member(std::size_t person) const;
    sfu::DataWorkers workers() const;
    // The connection as it is to be made anew; the bytes are for the caller.
    sfu::ImportPeer import(std::size_t person) const;

  private:
    struct Person {
        std::unique_ptr<room::PeerLink> link;
        std::vector<sdp::PublishSection> published;
        std::vector<sdp::BoundSender> bound;
    };
    room::PeerLinkConfig link_config() const;
    void connect(std::size_t person);
    void publish(std::size_t person, const std::vector<sdp::PublishSection>& sections);
    void subscribe(std::size_t person, const std::vector<sdp::BoundSender>& bound);
    sfu::AddReceiver receiver(std::size_t person, const sdp::PublishSection& section) const;
    sfu::AddDownTrack down_track(std::size_t person, const sdp::BoundSender& bound) const;

    Control* control_;
    std::array<Person, kPeople> people_;
};

}  // namespace confab::process_node
