// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/heartbeat.h"

#include <algorithm>

#include "rpc_keepalive.pb.h"

namespace confab::cluster::nodes {
namespace {

constexpr rpc::Method kPing{"Keepalive", "Ping", rpc::Flow::kPublish, false, "rpc.KeepalivePing"};

}  // namespace

std::optional<std::string> Heartbeat::channel(std::string_view node) {
    const auto is_plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '_';
    };
    if (!std::all_of(node.begin(), node.end(), is_plain)) return std::nullopt;
    return std::string(kPing.service) + "|" + std::string(kPing.name) + "|" + std::string(node) +
           "|REQ";
}

void Heartbeat::begin(Timestamp now) {
    subscription_ =
        bus_.subscribe(kPing, {node_}, [this](const std::string& payload) { hear(payload); });
    due_ = now + interval_;
}

void Heartbeat::end() {
    subscription_ = {};
    due_ = Timestamp::never();
    heard_ = false;
}

void Heartbeat::handle_timeout(const Clock& clock) {
    if (clock.now < due_) return;
    due_ = clock.now + interval_;
    sent_ = clock.now;
    said_ = clock.wall.s();
    ::rpc::KeepalivePing ping;
    ping.set_timestamp(said_);
    bus_.publish(kPing, {node_}, ping.SerializeAsString());
}

void Heartbeat::hear(const std::string& payload) {
    ::rpc::KeepalivePing ping;
    if (!ping.ParseFromString(payload) || ping.timestamp() != said_) {
        ++late_;
        return;
    }
    heard_ = true;
}

bool Heartbeat::take_receipt(Timestamp now) {
    if (!heard_) return false;
    heard_ = false;
    if (now - sent_ <= interval_) return true;
    ++late_;
    return false;
}

}  // namespace confab::cluster::nodes
