// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/shards/control_node.h"

#include <algorithm>
#include <chrono>

#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

ControlPlaneOptions options_of(const ControlNodeOptions& options, const WebhookSender& webhooks,
                               std::size_t shard) {
    ControlPlaneOptions result{options.room, options.websocket, options.participant_over};
    result.room.control_shard = static_cast<sfu::ControlShard>(shard);
    result.room.agents_listen = true;
    result.room.store_listens = options.bus != nullptr;
    result.room.egress_listens = options.bus != nullptr;
    result.room.history_listens = options.notes;
    result.room.webhooks_sent = webhooks.has_receivers();
    return result;
}

// Of one seed, another for each shard (the increment of SplitMix64).
std::uint64_t seed_of(std::uint64_t seed, std::size_t shard) {
    return seed + shard * 0x9E3779B97F4A7C15ULL;
}

}  // namespace

ControlNode::ControlNode(net::EventLoop& loop, worker::MediaNode& media,
                         const token::KeyProvider& keys, telemetry::Metrics& metrics,
                         ControlNodeOptions options, std::uint64_t seed)
    : loop_(loop),
      keys_(keys),
      node_id_(options.room.node_id),
      local_bus_(hub_, options.room.node_id),
      bus_(options.bus != nullptr ? *options.bus : local_bus_),
      bus_turn_(std::move(options.bus_turn)),
      bus_deadline_(std::move(options.bus_deadline)),
      webhooks_(loop, std::move(options.webhooks), keys, metrics, std::move(options.outbox)),
      relay_(loop,
             [this](const room::WebhookEvent& hook) { webhooks_.send(hook.event, hook.tenant); }),
      agents_(loop, bus_, keys, options.agents, seed_of(seed, media.control_shards()),
              agent_shards()),
      first_(loop, media.port(0), metrics, options_of(options, webhooks_, 0), seed,
             [this](const room::WebhookEvent& hook) { webhooks_.send(hook.event, hook.tenant); }) {
    log_failures(loop, 0);
    first_.set_each_turn([this](Timestamp now) {
        if (hub_.next_deadline() <= now) hub_.handle_timeout(now);
        if (bus_turn_) bus_turn_(now);
        const Timestamp agents = agents_.turn(now);
        return earlier(agents, bus_deadline_ ? bus_deadline_() : hub_.next_deadline());
    });
    const auto relay = [this](room::WebhookEvent hook) { relay_.send(std::move(hook)); };
    for (std::size_t i = 1; i < media.control_shards(); ++i)
        others_.push_back(std::make_unique<ControlShard>(
            media.port(i), options_of(options, webhooks_, i), seed_of(seed, i), relay));
    connect_agents();
    for (const auto& shard : others_)
        shard->start();
}

// Never within the call: what rooms do next has a turn of its own.
NodeAgents::Shards ControlNode::agent_shards() {
    const auto post = [](ControlPlane& plane, Callback<ControlPlane&> fn) {
        plane.loop().post([&plane, fn = std::move(fn)]() mutable { fn(plane); });
    };
    return {[this, post](const std::function<void(ControlPlane&)>& fn) {
                for (std::size_t i = 0; i < size(); ++i)
                    post(shard(i), fn);
            },
            [this, post](const std::string& room, Callback<ControlPlane&> fn) {
                post(shard(shard_of(room)), std::move(fn));
            }};
}

void ControlNode::connect_agents() {
    first_.set_agents([this](AgentEffect effect) { agents_.handle(std::move(effect)); });
    for (const auto& shard : others_)
        shard->plane().set_agents([this](AgentEffect effect) {
            loop_.post([this, effect = std::move(effect)]() mutable {
                agents_.handle(std::move(effect));
            });
        });
}

// What others than the first tell comes here.
template <typename T>
void ControlNode::set_in_all(void (ControlPlane::*set)(std::function<void(T)>),
                             const std::function<void(T)>& fn) {
    (first_.*set)(fn);
    for (const auto& shard : others_) {
        ControlPlane& plane = shard->plane();
        plane.loop().post([this, set, fn, &plane] {
            (plane.*set)([this, fn](T effect) {
                loop_.post([fn, effect = std::move(effect)]() mutable { fn(std::move(effect)); });
            });
        });
    }
}

void ControlNode::set_store(const std::function<void(StoreEffect)>& fn) {
    set_in_all(&ControlPlane::set_store, fn);
}

void ControlNode::set_egress(const std::function<void(room::StartEgress)>& fn) {
    set_in_all(&ControlPlane::set_egress, fn);
}

void ControlNode::set_notes(const std::function<void(room::RoomNote)>& fn) {
    set_in_all(&ControlPlane::set_notes, fn);
}

void ControlNode::set_whip_named(const WhipSessions::Named& fn) {
    first_.whip().set_named(fn);
    for (const auto& shard : others_) {
        ControlPlane& plane = shard->plane();
        plane.loop().post([this, fn, &plane] {
            plane.whip().set_named(
                [this, fn](const std::string& room, const std::string& identity, bool there) {
                    loop_.post([fn, room, identity, there] { fn(room, identity, there); });
                });
        });
    }
}

void ControlNode::set_whip_ingress(const WhipSessions::Ingress& fn) {
    first_.whip().set_ingress(fn);
    for (const auto& shard : others_) {
        ControlPlane& plane = shard->plane();
        plane.loop().post([this, fn, &plane] {
            plane.whip().set_ingress([this, fn](WhipSessions::IngressNews news) {
                loop_.post([fn, news = std::move(news)]() mutable { fn(std::move(news)); });
            });
        });
    }
}

ControlNode::~ControlNode() {
    (void)stop();
}

void ControlNode::run_in(std::size_t shard, Callback<ControlPlane&> fn) {
    if (shard == 0) return fn(first_);
    ControlPlane& plane = others_[shard - 1]->plane();
    plane.loop().post([&plane, fn = std::move(fn)]() mutable { fn(plane); });
}

token::Revocations::Outcome ControlNode::revoke(const token::Revocations::Record& record) {
    const auto outcome = revocations_.add(record, net::EventLoop::wall());
    if (revoked_) revoked_(record);
    return outcome;
}

Timestamp ControlNode::oldest_report() {
    Timestamp oldest = net::EventLoop::now();  // of the one that asks
    for (const auto& shard : others_)
        oldest = earlier(oldest, shard->plane().report().at);
    return oldest;
}

ControlReport ControlNode::totals() {
    first_.tell();
    ControlReport all;
    all.at = oldest_report();
    for (std::size_t i = 0; i < size(); ++i) {
        const ControlReport& one = shard(i).report();
        all.rooms.rooms += one.rooms.rooms;
        all.rooms.participants += one.rooms.participants;
        all.rooms.sessions += one.rooms.sessions;
        all.loop_failures += one.loop_failures;
        all.commands_dropped += one.commands_dropped;
        all.joins.merge(one.joins);
        all.steps.merge(one.steps);
    }
    return all;
}

void ControlNode::reconfigure(const room::Config& config) {
    for (std::size_t i = 0; i < size(); ++i)
        run_in(i, [limits = config.limits, defaults = config.room,
                   ice_servers = config.ice_servers](ControlPlane& plane) {
            plane.rooms().reconfigure(limits, defaults, ice_servers);
        });
}

void ControlNode::shut_down() {
    const auto end = [](ControlPlane& plane) {
        plane.shut_down();
        return true;
    };
    gather<bool>(end, kShardPatience, [this](const std::vector<std::optional<bool>>& ended) {
        shards_ended(
            static_cast<std::size_t>(std::count(ended.begin(), ended.end(), std::nullopt)));
    });
}

void ControlNode::shards_ended(std::size_t silent) {
    if (silent > 0)
        telemetry::log_error("control threads do not end their calls", {{"threads", silent}});
    shards_ended_ = true;
    if (flushed_) webhooks_.flush(std::exchange(flushed_, nullptr));
}

void ControlNode::flush(std::function<void()> done) {
    if (shards_ended_) return webhooks_.flush(std::move(done));
    flushed_ = std::move(done);
}

std::size_t ControlNode::stop() {
    for (const auto& shard : others_)
        shard->end();
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::microseconds(kShardPatience.us());
    const auto hung = std::count_if(others_.begin(), others_.end(), [deadline](const auto& shard) {
        return !shard->ended_by(deadline);
    });
    return static_cast<std::size_t>(hung) + (webhooks_.end_outbox(deadline) ? 0 : 1);
}

}  // namespace confab::control
