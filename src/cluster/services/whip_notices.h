// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tells the ingress service of the WHIP sessions that it passed on to this node (03 RPC-19, 04
// ING-35): the media of these does not come by it, and what hears nothing for three minutes it
// takes for dead. At once, then now and then with what is sent, and at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/time.h"
#include "livekit_models.pb.h"
#include "rpc/bus.h"
#include "rpc_ingress.pb.h"

namespace confab::cluster::services {

// A session that is there.
struct IngressSession {
    std::string room;  // its key
    std::string identity;
    std::string sid;  // of the participant, as the service was told it
};

// What it publishes.
struct IngressTrack {
    livekit::TrackInfo info;
    double bits_per_second = 0;  // of all its layers; 0: nothing came, or it is not known yet
};

class WhipNotices {
  public:
    static constexpr Duration kEvery = Duration::seconds(10);
    static constexpr Duration kTimeout = Duration::seconds(3);
    // Nothing is told of a further one.
    static constexpr std::size_t kMaxSessions = 10'000;

    // What the participant of a session publishes by now; asked at most once in kEvery.
    using Look = std::function<void(const IngressSession&, Callback<std::vector<IngressTrack>>)>;
    // The bus outlives it.
    WhipNotices(rpc::Bus& bus, Look look) : bus_(bus), look_(std::move(look)) {}

    void opened(Timestamp now, IngressSession session);
    // Of one that was not opened nothing is told.
    void closed(Timestamp now, const std::string& sid);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const {
        return due_.empty() ? Timestamp::never() : due_.begin()->first;
    }

    struct Snapshot {
        std::size_t sessions = 0;
        std::uint64_t told = 0;
        std::uint64_t unheard = 0;  // of these: nobody took it
    };
    Snapshot snapshot() const { return {sessions_.size(), told_, unheard_}; }

  private:
    struct Entry {
        IngressSession session;
        Timestamp due;
    };
    void tell(Timestamp now, const ::rpc::WHIPRTCConnectionNotifyRequest& notice);

    rpc::Bus& bus_;
    Look look_;
    std::map<std::string, Entry> sessions_;  // by sid
    std::set<std::pair<Timestamp, std::string>> due_;
    std::uint64_t told_ = 0;
    std::uint64_t unheard_ = 0;
};

// What the service shows of an ingress while it publishes; of several tracks of a kind the first.
::rpc::WHIPRTCConnectionNotifyRequest notice_of(const std::string& sid,
                                                const std::vector<IngressTrack>& tracks);

}  // namespace confab::cluster::services
