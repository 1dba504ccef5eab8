// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Recordings that rooms of this node ask for by themselves (04 EGR-19): a worker is looked for a
// while longer than for somebody who waits, and what fails is told by a webhook, as nobody has the
// answer. The room goes on whatever comes of it.
//
// differs from upstream, where a room whose recording is refused is refused with it, and without a
// worker CreateRoom is answered after ten seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/rng.h"
#include "cluster/services/egress_service.h"
#include "cluster/services/hooks.h"
#include "cluster/store/egress_store.h"
#include "livekit_egress.pb.h"
#include "rpc_egress.pb.h"
#include "token/token.h"

namespace confab::cluster::services {

class AutoEgressService {
  public:
    // On their way at one time; a further one has failed.
    static constexpr std::size_t kMaxStarts = 1'000;
    // From the beginning until nobody is looked for any more, once an attempt has failed.
    static constexpr Duration kPatience = Duration::seconds(20);
    static constexpr Duration kAgain = Duration::seconds(2);
    // How long an egress of the same participant, which the room's earlier node began, may take to
    // end because the participant left there. One that is there longer goes on.
    static constexpr Duration kMayEnd = Duration::seconds(15);

    // Its id is empty; of the request it has whom or what it was for, without storage.
    using Failed = std::function<void(const livekit::EgressInfo&)>;
    // A key of a tenant; none: it has none any more.
    using KeyOf = std::function<std::optional<token::KeyProvider::Key>(const std::string& tenant)>;
    // All outlive it. `failed` is for the log.
    struct Parts {
        EgressService& service;
        store::EgressStore& store;
        Hooks& hooks;
        std::function<UnixTime(Timestamp)> wall;
        Failed failed;
        KeyOf key_of;
    };
    AutoEgressService(Parts parts, std::uint64_t seed) : p_(std::move(parts)), rng_(seed) {}

    // `request` has its kind and the room's sid. `may_run`: an earlier node of the room may have
    // begun one for the same participant. `tenant`: whose the room is; its name is in the request.
    void start(Timestamp now, ::rpc::StartEgressRequest request, bool may_run,
               std::string tenant = {});

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::size_t size() const { return starts_.size(); }  // on their way

  private:
    struct Start {
        ::rpc::StartEgressRequest request;
        Timestamp begun;
        Timestamp due = Timestamp::never();  // never: it is asked for
        bool may_run = false;
        std::string tenant;
    };
    void prepare(Timestamp now, std::uint64_t number);
    void begin(Timestamp now, std::uint64_t number);
    void look(Timestamp now, std::uint64_t number);
    void looked(Timestamp now, std::uint64_t number, bool runs);
    void ask(Timestamp now, std::uint64_t number);
    void ask_worker(Timestamp now, std::uint64_t number);
    void answered(std::uint64_t number, const Result<livekit::EgressInfo, Refusal>& answer);
    bool again(Start& start);
    void fail_now(Timestamp now, std::uint64_t number, const std::string& error);
    void tell(Timestamp now, const ::rpc::StartEgressRequest& request, const std::string& tenant,
              const std::string& error);

    Parts p_;
    Rng rng_;
    std::map<std::uint64_t, Start> starts_;
    std::uint64_t last_ = 0;
    Timestamp now_;  // of the last turn: answers do not say
};

}  // namespace confab::cluster::services
