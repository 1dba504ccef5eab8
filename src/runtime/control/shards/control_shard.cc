// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/shards/control_shard.h"

#include <pthread.h>

#include <string>
#include <utility>

#include "runtime/telemetry/log.h"

namespace confab::control {

ControlShard::ControlShard(worker::ControlPort& media, const ControlPlaneOptions& options,
                           std::uint64_t seed, ControlPlane::SendWebhook send_webhook)
    : index_(options.room.control_shard),
      metrics_(options.room.node_id),
      plane_(loop_, media, metrics_, options, seed, std::move(send_webhook)) {
    log_failures(loop_, index_);
}

ControlShard::~ControlShard() {
    end();
    thread_.join();
}

void ControlShard::start() {
    thread_.start([this] {
        pthread_setname_np(pthread_self(), ("control-" + std::to_string(index_)).c_str());
        loop_.run();
    });
}

bool ControlShard::ended_by(std::chrono::steady_clock::time_point deadline) {
    return thread_.join_until(deadline);
}

std::size_t shard_of(std::string_view room, std::size_t shards) {
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    for (const char c : room)
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
    // Its low bits alone say little more than how many odd letters there are (MurmurHash3's end).
    hash = (hash ^ (hash >> 33U)) * 0xFF51AFD7ED558CCDULL;
    hash = (hash ^ (hash >> 33U)) * 0xC4CEB9FE1A85EC53ULL;
    hash ^= hash >> 33U;
    return static_cast<std::size_t>(hash % shards);
}

void log_failures(net::EventLoop& loop, std::size_t shard) {
    loop.set_failure_handler([shard](const std::string& what) {
        telemetry::log_error("exception in a control thread", {{"shard", shard}, {"what", what}});
    });
}

}  // namespace confab::control
