// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The control plane of a node: its shards, each with the rooms whose names fall to it, and what the
// node has once: webhooks and the bus of the services. The first shard runs on the loop of whoever
// made this, the others on threads of their own. Shards share nothing; they post to each other.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/webhook/webhook_queue.h"
#include "rpc/local_bus.h"
#include "runtime/control/agents/node_agents.h"
#include "runtime/control/control_plane.h"
#include "runtime/control/shards/awaited.h"
#include "runtime/control/shards/control_shard.h"
#include "runtime/control/shards/home_reply.h"
#include "runtime/control/shards/webhook_relay.h"
#include "runtime/control/webhook_sender.h"
#include "runtime/worker/media_node.h"
#include "token/revocations.h"
#include "token/token.h"

namespace confab::control {

struct ControlNodeOptions {
    room::Config room;  // of every shard; control_shard is set here
    net::WebSocketOptions websocket;
    api::WebhookOptions webhooks;
    // As ControlPlaneOptions, for all shards: any of their threads calls it.
    std::function<void(const std::string& sid)> participant_over;
    std::unique_ptr<store::WebhookFile> outbox;  // null: what waits is lost with the process
    AgentOptions agents;
    // Of a node in a cluster: the bus to the others, and who drives it. Null: a bus of its own.
    rpc::Bus* bus = nullptr;
    std::function<void(Timestamp now)> bus_turn;  // in each turn of the first loop
    std::function<Timestamp()> bus_deadline;
    bool notes = false;  // rooms tell set_notes() what an operator may look up later
};

// How long the others wait for what a shard is asked, as for a call on the bus.
inline constexpr Duration kShardPatience = Duration::seconds(3);

class ControlNode {
  public:
    // As many shards as `media` has ports. Everything given must outlive this object; all functions
    // belong to the thread of `loop`.
    ControlNode(net::EventLoop& loop, worker::MediaNode& media, const token::KeyProvider& keys,
                telemetry::Metrics& metrics, ControlNodeOptions options, std::uint64_t seed);
    ~ControlNode();  // stop(), and waits for the threads that hang
    ControlNode(const ControlNode&) = delete;
    ControlNode& operator=(const ControlNode&) = delete;

    const std::string& node_id() const { return node_id_; }
    std::size_t size() const { return 1 + others_.size(); }
    std::size_t shard_of(std::string_view room) const { return control::shard_of(room, size()); }
    ControlPlane& first() { return first_; }
    // Its loop and report(); all else by run_in().
    ControlPlane& shard(std::size_t index) {
        return index == 0 ? first_ : others_[index - 1]->plane();
    }
    // Where the services of this node meet: agents, egress, ingress, SIP.
    rpc::Bus& bus() { return bus_; }
    // What the rooms of all shards tell a store, in the order of each; before anybody joins.
    void set_store(const std::function<void(StoreEffect)>& fn);
    // The same of what they want recorded.
    void set_egress(const std::function<void(room::StartEgress)>& fn);
    // The same of what is kept for an operator.
    void set_notes(const std::function<void(room::RoomNote)>& fn);
    // The same of the WHIP sessions of all shards (WhipSessions::Named).
    void set_whip_named(const WhipSessions::Named& fn);
    void set_whip_ingress(const WhipSessions::Ingress& fn);
    NodeAgents& agents() { return agents_; }
    net::EventLoop& loop() { return loop_; }
    const token::KeyProvider& keys() const { return keys_; }
    WebhookSender& webhooks() { return webhooks_; }
    const WebhookSender& webhooks() const { return webhooks_; }
    // Who joins passes here before a shard sees anything of it, and so does who is removed.
    token::Revocations& revocations() { return revocations_; }
    // The same, added here: who asked for these with set_revoked() is told.
    token::Revocations::Outcome revoke(const token::Revocations::Record& record);
    void set_revoked(std::function<void(const token::Revocations::Record&)> fn) {
        revoked_ = std::move(fn);
    }
    std::uint64_t webhooks_dropped() const { return relay_.dropped(); }

    // Calls `fn` in the loop of a shard: at once in the first. What waits is bounded by the
    // connections, as a request of each waits for one answer.
    void run_in(std::size_t shard, Callback<ControlPlane&> fn);
    // Asks every shard in its loop. `reply` comes here with the answers by shard when all are there
    // or `patience` is over; nothing from a shard that did not answer by then. At once if there is
    // only one.
    template <typename T>
    void gather(const std::function<T(ControlPlane&)>& ask, Duration patience,
                Callback<std::vector<std::optional<T>>> reply);

    // Has a shard answer in its loop, now or later; `reply` comes here. A shard that has not begun
    // by kShardPatience is not asked any more, and the reply is nothing.
    template <typename T>
    void ask(std::size_t shard, Callback<ControlPlane&, Callback<T>> question,
             Callback<std::optional<T>> reply);

    // When the shard that has been silent longest told about itself.
    Timestamp oldest_report();
    // Of all shards: the first as it is, the others by their newest reports.
    ControlReport totals();

    // RoomManager::reconfigure in every shard, each in its own time.
    void reconfigure(const room::Config& config);

    // Ends every room; flush() then waits for what the shards still have to tell.
    void shut_down();
    // Calls `done` once all webhooks are delivered or have waited long enough.
    void flush(std::function<void()> done);
    // Ends the threads of the other shards and of the outbox; gives the number of those that did
    // not end within kShardPatience: what they use must live on. What the others posted before
    // still comes while the loop runs: whoever goes on with it keeps this, and whom its answers are
    // for, until that is done.
    std::size_t stop();

  private:
    void shards_ended(std::size_t silent);
    template <typename T>
    void set_in_all(void (ControlPlane::*set)(std::function<void(T)>),
                    const std::function<void(T)>& fn);
    NodeAgents::Shards agent_shards();
    void connect_agents();

    net::EventLoop& loop_;
    const token::KeyProvider& keys_;
    std::string node_id_;
    rpc::LocalHub hub_;
    rpc::LocalBus local_bus_;
    rpc::Bus& bus_;
    std::function<void(Timestamp)> bus_turn_;
    std::function<Timestamp()> bus_deadline_;
    WebhookSender webhooks_;
    WebhookRelay relay_;
    token::Revocations revocations_;
    std::function<void(const token::Revocations::Record&)> revoked_;
    NodeAgents agents_;
    ControlPlane first_;
    std::vector<std::unique_ptr<ControlShard>> others_;
    bool shards_ended_ = false;
    std::function<void()> flushed_;
};

// ------------------------------------------------------------ gather, ask

template <typename T>
void ControlNode::gather(const std::function<T(ControlPlane&)>& ask, Duration patience,
                         Callback<std::vector<std::optional<T>>> reply) {
    const auto gathering = std::make_shared<Gathering<T>>(loop_, size(), std::move(reply));
    for (std::size_t i = 1; i < size(); ++i) {
        HomeReply<std::optional<T>> answer(
            loop_, [gathering, i](std::optional<T> value) { gathering->add(i, std::move(value)); });
        run_in(i, [ask, answer = std::move(answer)](ControlPlane& plane) mutable {
            try {
                answer(ask(plane));
            } catch (...) {
                answer(std::nullopt);
                throw;  // for the loop to count and tell
            }
        });
    }
    gathering->add(0, ask(first_));
    gathering->finish_at(net::EventLoop::now() + patience);
}

template <typename T>
void ControlNode::ask(std::size_t shard, Callback<ControlPlane&, Callback<T>> question,
                      Callback<std::optional<T>> reply) {
    if (shard == 0)
        return question(first_, [reply = std::move(reply)](T value) mutable {
            reply(std::optional<T>(std::move(value)));
        });
    const auto asked = std::make_shared<Asked<T>>(loop_, std::move(reply));
    const auto taken = std::make_shared<std::atomic<bool>>(false);
    asked->give_up_at(net::EventLoop::now() + kShardPatience, taken);
    HomeReply<T> answer(loop_, [asked](T value) { asked->answer(std::move(value)); });
    run_in(shard, [taken, question = std::move(question),
                   answer = std::move(answer)](ControlPlane& plane) mutable {
        if (!taken->exchange(true)) question(plane, Callback<T>(std::move(answer)));
    });
}

}  // namespace confab::control
