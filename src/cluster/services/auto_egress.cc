// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/auto_egress.h"

#include <utility>
#include <vector>

#include "cluster/services/egress_request.h"
#include "cluster/services/tenants/tenant_egress.h"
#include "token/ids.h"

namespace confab::cluster::services {
namespace {

using livekit::EgressInfo;
using Request = ::rpc::StartEgressRequest;

// The room's sid goes with it; another tenant may have one of the same name.
bool is_of(const std::string& record, const Request& wanted) {
    EgressInfo info;
    return info.ParseFromString(record) && !has_ended(info.status()) && info.has_participant() &&
           info.participant().identity() == wanted.participant().identity() &&
           (info.room_id().empty() || info.room_id() == wanted.room_id());
}

// Whom or what it was for, and who is told: what says where it goes to has secrets (EGR-22).
void describe(const Request& request, EgressInfo& info) {
    if (request.has_participant()) {
        info.mutable_participant()->set_room_name(request.participant().room_name());
        info.mutable_participant()->set_identity(request.participant().identity());
    } else if (request.has_track()) {
        info.mutable_track()->set_room_name(request.track().room_name());
        info.mutable_track()->set_track_id(request.track().track_id());
    } else {
        info.mutable_room_composite()->set_room_name(request.room_composite().room_name());
        info.mutable_room_composite()->set_layout(request.room_composite().layout());
        *info.mutable_room_composite()->mutable_webhooks() = request.room_composite().webhooks();
    }
}

}  // namespace

void AutoEgressService::start(Timestamp now, Request request, bool may_run, std::string tenant) {
    now_ = now;
    if (starts_.size() >= kMaxStarts)
        return tell(now, request, tenant, "too many recordings of this node wait for a worker");
    const std::uint64_t number = ++last_;
    const bool looks = may_run && request.has_participant();
    starts_[number] = {std::move(request), now, Timestamp::never(), looks, std::move(tenant)};
    if (starts_[number].tenant.empty()) return begin(now, number);
    prepare(now, number);
}

// Its id first: by that it is noted as the tenant's before anybody hears of it.
void AutoEgressService::prepare(Timestamp now, std::uint64_t number) {
    Start& start = starts_.at(number);
    start.request.set_egress_id(token::make_id(token::kEgressPrefix, rng_));
    if (const std::string why = keep_apart(start.tenant, start.request); !why.empty())
        return fail_now(now, number, why);
    begin(now, number);
}

void AutoEgressService::begin(Timestamp now, std::uint64_t number) {
    if (starts_.at(number).may_run) return look(now, number);
    ask(now, number);
}

void AutoEgressService::look(Timestamp now, std::uint64_t number) {
    const Request& wanted = starts_.at(number).request;
    p_.store.list(
        now, room_name_of(wanted),
        [this, number, wanted](Timestamp at, const Result<store::StoredList, store::Failure>& all) {
            bool runs = false;
            if (all)
                for (const store::Stored& one : *all)
                    runs |= is_of(one.bytes, wanted);
            looked(at, number, runs);
        });
}

void AutoEgressService::looked(Timestamp now, std::uint64_t number, bool runs) {
    Start& start = starts_.at(number);
    if (!runs) {
        start.may_run = false;
        start.begun = now;
        return ask(now, number);
    }
    if (now - start.begun >= kMayEnd) {
        starts_.erase(number);
        return;
    }
    start.due = now + kAgain;
}

void AutoEgressService::ask(Timestamp now, std::uint64_t number) {
    Start& start = starts_.at(number);
    if (start.tenant.empty()) return ask_worker(now, number);
    const auto key = p_.key_of(start.tenant);
    if (!key) return fail_now(now, number, "the tenant of the room has no API key any more");
    start.request.set_token(egress_token(start.request, *key, p_.wall(now)));
    p_.store.set_tenant(now, start.request.egress_id(), start.tenant,
                        [this, number](Timestamp at, const Result<bool, store::Failure>& noted) {
                            if (noted) return ask_worker(at, number);
                            now_ = at;
                            if (!again(starts_.at(number)))
                                fail_now(at, number, noted.error().text);
                        });
}

void AutoEgressService::ask_worker(Timestamp now, std::uint64_t number) {
    Request request = starts_.at(number).request;
    p_.service.start(
        {now, {}}, std::move(request),
        [this, number](const Result<EgressInfo, Refusal>& answer) { answered(number, answer); });
}

// Where nobody was there somebody may come; what a worker said is its last word.
void AutoEgressService::answered(std::uint64_t number, const Result<EgressInfo, Refusal>& answer) {
    Start& start = starts_.at(number);
    if (answer) {
        starts_.erase(number);
        return;
    }
    const rpc::Error& error = answer.error().error;
    if (error.code == rpc::Code::kUnavailable && again(start)) return;
    // Where nobody said a word somebody may have begun all the same.
    if (!start.tenant.empty() && error.code != rpc::Code::kDeadlineExceeded)
        p_.store.forget_tenant(now_, start.request.egress_id());
    fail_now(now_, number, error.text);
}

// False: it is not asked for any more.
bool AutoEgressService::again(Start& start) {
    if (now_ - start.begun >= kPatience) return false;
    start.due = now_ + kAgain;
    return true;
}

void AutoEgressService::fail_now(Timestamp now, std::uint64_t number, const std::string& error) {
    const Start failed = std::move(starts_.at(number));
    starts_.erase(number);
    tell(now, failed.request, failed.tenant, error);
}

void AutoEgressService::tell(Timestamp now, const Request& request, const std::string& tenant,
                             const std::string& error) {
    const std::int64_t at = p_.wall(now).us() * 1'000;
    EgressInfo info;
    info.set_room_id(request.room_id());
    info.set_room_name(room_name_of(request));
    info.set_status(livekit::EGRESS_FAILED);
    info.set_error(error);
    info.set_started_at(at);
    info.set_ended_at(at);
    info.set_updated_at(at);
    describe(request, info);
    livekit::WebhookEvent hook = p_.hooks.event(now, "egress_ended");
    *hook.mutable_egress_info() = info;
    p_.hooks.send(hook, tenant);
    p_.failed(info);
}

void AutoEgressService::handle_timeout(Timestamp now) {
    now_ = now;
    std::vector<std::uint64_t> due;
    for (const auto& [number, start] : starts_)
        if (start.due <= now) due.push_back(number);
    for (const std::uint64_t number : due) {
        Start& start = starts_.at(number);
        start.due = Timestamp::never();
        if (start.may_run)
            look(now, number);
        else
            ask(now, number);
    }
}

Timestamp AutoEgressService::next_deadline() const {
    Timestamp next = Timestamp::never();
    for (const auto& [number, start] : starts_)
        next = earlier(next, start.due);
    return next;
}

}  // namespace confab::cluster::services
