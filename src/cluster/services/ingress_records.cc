// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/ingress_records.h"

#include <utility>

namespace confab::cluster::services {

using livekit::IngressInfo;
using livekit::IngressState;
using store::Failure;

namespace {

// Garbage is an ingress that never did anything.
IngressState parse_state(const std::string& state) {
    IngressState parsed;
    if (!parsed.ParseFromString(state)) parsed.Clear();
    return parsed;
}

bool has_ended(IngressState::Status status) {
    return status == IngressState::ENDPOINT_INACTIVE || status == IngressState::ENDPOINT_ERROR ||
           status == IngressState::ENDPOINT_COMPLETE;
}

// What is older than the session that is live is that session's predecessor, and late.
bool is_refused_attempt(const IngressState& fresh, const IngressState& there) {
    return fresh.status() == IngressState::ENDPOINT_ERROR && is_live(there.status()) &&
           fresh.resource_id() != there.resource_id() && fresh.started_at() >= there.started_at();
}

bool publishes(const IngressState& state) {
    return state.status() == IngressState::ENDPOINT_PUBLISHING;
}

}  // namespace

bool is_live(IngressState::Status status) {
    return status == IngressState::ENDPOINT_BUFFERING ||
           status == IngressState::ENDPOINT_PUBLISHING;
}

void IngressRecords::create(Timestamp now, const std::string& info, Kept done) {
    store_.store(now, info,
                 [done = std::move(done)](Timestamp at, const Result<bool, Failure>& kept) mutable {
                     if (!kept) return done(at, fail(kept.error()));
                     done(at, {});
                 });
}

void IngressRecords::set_state(Timestamp now, const std::string& id, const std::string& state,
                               Kept done) {
    store_.load(
        now, id,
        [this, state, done = std::move(done)](
            Timestamp at, const Result<store::IngressStore::Ingress, Failure>& there) mutable {
            if (!there) return done(at, fail(there.error()));
            IngressInfo info;
            if (!info.ParseFromString(there->whole())) info.Clear();
            replace(at, info, state, std::move(done));
        });
}

void IngressRecords::replace(Timestamp now, const IngressInfo& info, const std::string& state,
                             Kept done) {
    const IngressState fresh = parse_state(state);
    if (is_refused_attempt(fresh, info.state())) {
        ++refused_;
        IngressInfo attempt = info;
        *attempt.mutable_state() = fresh;
        tell(now, "ingress_ended", attempt);
        return done(now, {});
    }
    store_.replace_state(
        now, info.ingress_id(), state,
        [this, info = info, state, done = std::move(done)](
            Timestamp at, const Result<std::optional<std::string>, Failure>& was) mutable {
            if (!was) return done(at, fail(was.error()));
            if (*was) replaced(at, std::move(info), **was, state);
            done(at, {});
        });
}

void IngressRecords::replaced(Timestamp now, IngressInfo info, const std::string& was,
                              const std::string& state) {
    const IngressState before = parse_state(was);
    const IngressState fresh = parse_state(state);
    const bool is_same = before.resource_id() == fresh.resource_id();
    if (!is_same && publishes(before)) {
        *info.mutable_state() = before;
        tell(now, "ingress_ended", info);
    }
    *info.mutable_state() = fresh;
    if (publishes(fresh) && !(is_same && publishes(before))) tell(now, "ingress_started", info);
    if (has_ended(fresh.status()) && !(is_same && has_ended(before.status())))
        tell(now, "ingress_ended", info);
}

void IngressRecords::removed(Timestamp now, const IngressInfo& was) {
    if (!publishes(was.state())) return;
    IngressInfo info = was;
    info.mutable_state()->set_status(IngressState::ENDPOINT_INACTIVE);
    tell(now, "ingress_ended", info);
}

void IngressRecords::tell(Timestamp now, const char* event, const IngressInfo& info) {
    livekit::WebhookEvent hook = hooks_.event(now, event);
    *hook.mutable_ingress_info() = info;
    hooks_.send(hook);
}

}  // namespace confab::cluster::services
