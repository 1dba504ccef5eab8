// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/io_info.h"

#include <algorithm>
#include <utility>

#include "cluster/services/methods.h"
#include "cluster/services/outcome.h"
#include "cluster/store/record.h"
#include "livekit_egress.pb.h"
#include "rpc_egress.pb.h"
#include "rpc_ingress.pb.h"

namespace confab::cluster::services {

using store::Failure;

namespace {

rpc::Error unreadable() {
    return {rpc::Code::kMalformedRequest, "request cannot be read", {}};
}

// nullopt: the request is refused.
template <typename Message>
std::optional<Message> read(const rpc::Request& request, rpc::Reply& reply) {
    Message message;
    if (message.ParseFromString(request.payload)) return message;
    reply(fail(unreadable()));
    return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<IoInfo>, rpc::Error> IoInfo::serve(Parts parts) {
    std::unique_ptr<IoInfo> io(new IoInfo(parts));
    CONFAB_TRY_VOID(io->serve_egress());
    CONFAB_TRY_VOID(io->serve_ingress());
    return io;
}

Result<void, rpc::Error> IoInfo::add(const rpc::Method& method, Handler handler) {
    CONFAB_TRY(rpc::Registration served, p_.bus.serve(method, {}, std::move(handler), {}));
    served_.push_back(std::move(served));
    return {};
}

Result<void, rpc::Error> IoInfo::add(const rpc::Method& method, Member handler) {
    return add(method, [this, handler](const rpc::Request& request, rpc::Reply reply) {
        (this->*handler)(request, std::move(reply));
    });
}

Result<void, rpc::Error> IoInfo::serve_egress() {
    CONFAB_TRY_VOID(add(kCreateEgressInfo, &IoInfo::create_egress));
    CONFAB_TRY_VOID(add(kUpdateEgressInfo, &IoInfo::update_egress));
    CONFAB_TRY_VOID(add(kGetEgressInfo, &IoInfo::get_egress));
    CONFAB_TRY_VOID(add(kListEgressInfo, &IoInfo::list_egress));
    // Figures of an egress that is over: nobody here wants them.
    return add(kUpdateMetrics,
               Handler([](const rpc::Request&, rpc::Reply reply) { reply(std::string()); }));
}

Result<void, rpc::Error> IoInfo::serve_ingress() {
    CONFAB_TRY_VOID(add(kCreateIngressInfo, &IoInfo::create_ingress));
    CONFAB_TRY_VOID(add(kGetIngressInfo, &IoInfo::get_ingress));
    return add(kUpdateIngressState, &IoInfo::update_ingress_state);
}

// ---------------------------------------------------------------- egress

void IoInfo::create_egress(const rpc::Request& request, rpc::Reply reply) {
    p_.egress.create(request.now, request.payload, empty_to(request, std::move(reply)));
}

void IoInfo::update_egress(const rpc::Request& request, rpc::Reply reply) {
    p_.egress.update(request.now, request.payload, empty_to(request, std::move(reply)));
}

void IoInfo::get_egress(const rpc::Request& request, rpc::Reply reply) {
    const auto wanted = read<::rpc::GetEgressRequest>(request, reply);
    if (!wanted) return;
    p_.egresses.load(request.now, wanted->egress_id(),
                     [this, deadline = request.deadline, reply = std::move(reply)](
                         Timestamp, Result<std::string, Failure> found) mutable {
                         if (!found) return refuse(found.error(), deadline, std::move(reply));
                         reply(*std::move(found));
                     });
}

void IoInfo::list_egress(const rpc::Request& request, rpc::Reply reply) {
    const auto wanted = read<livekit::ListEgressRequest>(request, reply);
    if (!wanted) return;
    if (!wanted->egress_id().empty())
        return p_.egresses.load(
            request.now, wanted->egress_id(),
            [this, deadline = request.deadline, reply = std::move(reply)](
                Timestamp, const Result<std::string, Failure>& found) mutable {
                if (!found) return refuse(found.error(), deadline, std::move(reply));
                std::string answer;
                store::append_field(answer, livekit::ListEgressResponse::kItemsFieldNumber, *found);
                reply(std::move(answer));
            });
    auto listed = [this, active = wanted->active(), deadline = request.deadline,
                   reply = std::move(reply)](
                      Timestamp, const Result<store::StoredList, Failure>& all) mutable {
        if (!all) return refuse(all.error(), deadline, std::move(reply));
        livekit::ListEgressResponse response;
        for (const store::Stored& one : *all) {
            livekit::EgressInfo info;
            if (info.ParseFromString(one.bytes) &&
                (!active || info.status() < livekit::EGRESS_COMPLETE))
                *response.add_items() = std::move(info);
        }
        reply(response.SerializeAsString());
    };
    if (wanted->room_name().empty()) return p_.egresses.list(request.now, std::move(listed));
    p_.egresses.list(request.now, wanted->room_name(), std::move(listed));
}

// ---------------------------------------------------------------- ingress

// The answer has fields that nobody fills.
void IoInfo::create_ingress(const rpc::Request& request, rpc::Reply reply) {
    p_.ingress.create(request.now, request.payload, empty_to(request, std::move(reply)));
}

// By the stream key of an encoder, or by the id. Only `info` of the answer is filled: the service
// has a key of its own and knows where to join (ING-20).
void IoInfo::get_ingress(const rpc::Request& request, rpc::Reply reply) {
    const auto wanted = read<::rpc::GetIngressInfoRequest>(request, reply);
    if (!wanted) return;
    if (wanted->ingress_id().empty() && wanted->stream_key().empty())
        return reply(fail(rpc::Error{rpc::Code::kInvalidArgument,
                                     "request needs to specify either IngressId or StreamKey",
                                     {}}));
    auto found = [this, deadline = request.deadline, reply = std::move(reply)](
                     Timestamp, const Result<store::IngressStore::Ingress, Failure>& one) mutable {
        if (!one) return refuse(one.error(), deadline, std::move(reply));
        std::string answer;
        store::append_field(answer, ::rpc::GetIngressInfoResponse::kInfoFieldNumber, one->whole());
        reply(std::move(answer));
    };
    if (!wanted->ingress_id().empty())
        return p_.ingresses.load(request.now, wanted->ingress_id(), std::move(found));
    p_.ingresses.load_by_stream_key(request.now, wanted->stream_key(), std::move(found));
}

// The state is kept as it came.
void IoInfo::update_ingress_state(const rpc::Request& request, rpc::Reply reply) {
    const auto wanted = read<::rpc::UpdateIngressStateRequest>(request, reply);
    if (!wanted) return;
    const std::string state(
        store::text_of(request.payload, ::rpc::UpdateIngressStateRequest::kStateFieldNumber));
    p_.ingress.set_state(request.now, wanted->ingress_id(), state,
                         empty_to(request, std::move(reply)));
}

// ---------------------------------------------------------------- answers

EgressRecords::Kept IoInfo::empty_to(const rpc::Request& request, rpc::Reply reply) {
    return [this, deadline = request.deadline, reply = std::move(reply)](
               Timestamp, const Result<void, Failure>& kept) mutable {
        if (!kept) return refuse(kept.error(), deadline, std::move(reply));
        reply(std::string());
    };
}

// An error would be the end of it for the worker; what hears nothing tries again (EGR-76). So
// nothing is said while Redis is away.
void IoInfo::refuse(const Failure& failure, Timestamp deadline, rpc::Reply reply) {
    if (failure.code != Failure::Code::kUnavailable)
        return reply(fail(to_error(failure, rpc::Code::kInvalidArgument)));
    if (held_.size() >= kMaxHeld) held_.erase(held_.begin());
    held_.push_back({deadline, std::move(reply)});
}

void IoInfo::handle_timeout(Timestamp now) {
    // Past the deadline of the request nothing that the bus says for them is sent.
    std::erase_if(held_, [now](const Held& one) { return one.until < now; });
}

Timestamp IoInfo::next_deadline() const {
    Timestamp next = Timestamp::never();
    for (const Held& one : held_)
        next = earlier(next, one.until + Duration::micros(1));
    return next;
}

}  // namespace confab::cluster::services
