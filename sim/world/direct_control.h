// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A control plane without rooms: everyone subscribes to everything, commands follow at once. It
// keeps the table of what should flow.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "sim/world/control.h"

namespace confab::sim {

class DirectControl final : public Control {
  public:
    DirectControl(ControlHost& host, Rng rng) : host_(host), rng_(rng) {}

    void join(ClientId id, bool ice_lite) override;
    void leave(ClientId id) override;
    void publish(ClientId id, sfu::MediaKind kind, std::size_t layers, bool obstinate) override;
    void unpublish(ClientId id) override;
    void set_muted(ClientId id, std::size_t track, bool muted) override;
    void update_settings(ClientId id, std::size_t track, sfu::DownTrackSettings settings) override;
    void restart_ice(ClientId id) override;
    void handle_event(std::size_t shard, const sfu::Event& event) override;
    bool connected(ClientId id) const override;
    std::vector<Expectation> expectations() const override;

  private:
    struct Subscription {
        ClientId subscriber = 0;
        sfu::DownTrackId down_track;
        sfu::DownTrackSettings settings;
        Timestamp changed;
    };
    struct Track {
        ClientId owner = 0;
        TrackPlan plan;
        sfu::ReceiverId receiver;
        bool muted = false;
        Timestamp changed;
        std::vector<Subscription> subscriptions;
    };
    struct Member {
        sfu::PeerId peer;
        std::size_t shard = 0;
        sfu::IceCredentials server;
        bool server_connected = false;
        Timestamp changed;
    };

    sfu::IceCredentials new_credentials(std::size_t shard);
    std::string random_text(std::size_t size);
    std::uint32_t new_ssrc();
    TrackPlan make_plan(sfu::MediaKind kind, std::size_t layers, bool obstinate);
    sfu::AddReceiver receiver_of(const Track& track) const;
    peer::RemoteParameters remote_of(const Member& member) const;
    void subscribe(Track& track, ClientId subscriber);
    void unsubscribe(Track& track, const Subscription& subscription);
    void end_track(Track& track);
    // Tells the subscriber's check whether content may come.
    void apply_permission(const Track& track, const Subscription& subscription);
    std::vector<Track*> tracks_of(ClientId owner);
    void relay(const sfu::DataReceived& data);

    ControlHost& host_;
    Rng rng_;
    std::map<ClientId, Member> members_;
    std::vector<std::unique_ptr<Track>> tracks_;
    std::set<std::uint32_t> ssrcs_;
    std::uint64_t next_id_ = 1;
};

}  // namespace confab::sim
