// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataPlane: who is where and may what, packets of the API, and calls of methods.
#include "room/data/data_plane.h"

#include <utility>
#include <vector>

#include "base/check.h"

namespace confab::room {
namespace {

Bytes serialized(const livekit::DataPacket& packet) {
    Bytes bytes(packet.ByteSizeLong());
    (void)packet.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
}

// Of who may hear metrics. True when workers are to be told: the first one came, the last one went.
bool count_hearer(std::size_t& hearers, bool before, bool after) {
    if (before == after) return false;
    if (after) return ++hearers == 1;
    return --hearers == 0;
}

// One participant fewer has its place at that worker; whether it was the last one there.
bool count_gone(std::map<sfu::WorkerIndex, std::size_t>& workers, sfu::WorkerIndex worker) {
    const auto left = workers.find(worker);
    if (CONFAB_BUG_IF(left == workers.end(), "data_worker_unknown")) return false;
    if (--left->second > 0) return false;
    workers.erase(left);
    return true;
}

}  // namespace

DataPlane::DataPlane(const RoomScope& scope, const Roster& roster, DataHost& host, sfu::RoomId room)
    : scope_(&scope), roster_(&roster), host_(&host), room_(room) {}

// ---------------------------------------------------------------- members

void DataPlane::add(const Participant& p, bool auto_subscribe) {
    const auto first = static_cast<std::uint16_t>(1 + scope_->ids.rng().below(255));
    members_.emplace(p.number, first).first->second.auto_subscribe = auto_subscribe;
    seat(p);
}

void DataPlane::seat(const Participant& p) {
    update(p);
    if (++workers_[p.worker] == 1 && (workers_.size() > 1 || hearers_ > 0)) tell_workers();
}

DataPresence DataPlane::take(Participant& p) {
    const Member& m = member(p);
    DataPresence taken{
        m.tracks,        m.last_sequence, m.auto_subscribe,        m.expects_channels,
        m.reliable_open, m.lossy_open,    m.handles_at.has_value()};
    remove(p);
    return taken;
}

void DataPlane::put(const Participant& p, DataPresence presence) {
    const auto first = static_cast<std::uint16_t>(1 + scope_->ids.rng().below(255));
    Member& m = members_.emplace(p.number, first).first->second;
    m.tracks = std::move(presence.tracks);
    m.last_sequence = presence.last_sequence;
    m.auto_subscribe = presence.auto_subscribe;
    m.expects_channels = presence.expects_channels;
    m.reliable_open = presence.reliable_open;
    m.lossy_open = presence.lossy_open;
    if (presence.knows_handles) m.handles_at = scope_->now();
    seat(p);
}

void DataPlane::update(const Participant& p) {
    const auto known = members_.find(p.number);
    if (known == members_.end()) return;
    const auto peers = host_->data_peers(p);
    const livekit::ParticipantPermission& may = p.info.permission();
    sfu::DataMember now;
    now.room = room_;
    now.member = id_of(p);
    now.peer = peers.down;
    now.other = peers.other;
    now.publisher = peers.publisher;
    now.subscriber = peers.subscriber;
    now.identity = p.identity();
    now.sid = p.sid();
    now.may_publish = may.can_publish_data();
    now.hears_metrics = may.can_subscribe_metrics();
    now.hidden = p.hidden();
    now.agent = p.agent();
    now.expects_channels = known->second.expects_channels;
    now.elsewhere = p.elsewhere;
    Member& m = known->second;
    if (m.told == now) return;
    const bool heard = m.hears_metrics();
    m.told = now;
    tell(p, std::move(now));
    if (count_hearer(hearers_, heard, m.hears_metrics())) tell_workers();
}

void DataPlane::remove(Participant& p) {
    unpublish_all(p);
    const bool last_hearer = count_hearer(hearers_, member(p).hears_metrics(), false);
    if (const auto also = std::exchange(member(p).also, {})) leave_worker(*this, p, *also);
    members_.erase(p.number);
    command(p, sfu::DataMemberGone{room_, id_of(p)});
    const bool worker_left = count_gone(workers_, p.worker);
    if (worker_left || last_hearer) tell_workers();
    rpc_.participant_left(p.sid());
    report_rpc();
}

// ---------------------------------------------------------------- moves between workers

void enter_worker(DataPlane& data, const Participant& p, sfu::WorkerIndex worker) {
    DataPlane::Member& m = data.member(p);
    if (!m.told) return;
    m.also = worker;
    const sfu::MemberId id = DataPlane::id_of(p);
    data.scope_->out.command(worker, *m.told);
    ++data.workers_[worker];
    data.tell_workers();
    for (const auto& [handle, info] : m.tracks.all())
        if (const auto track = data.tracks_.find(info.sid()); track != data.tracks_.end())
            data.scope_->out.command(
                worker, sfu::AddDataTrack{data.room_, id, static_cast<std::uint16_t>(handle),
                                          track->second.id});
    for (const auto& [sid, entry] : m.subscriptions.entries())
        if (const auto track = data.tracks_.find(sid);
            entry.handle != 0 && track != data.tracks_.end())
            data.scope_->out.command(worker, sfu::FlowDataTrack{data.room_, id, track->second.id,
                                                                entry.handle, entry.target_fps});
}

void leave_worker(DataPlane& data, const Participant& p, sfu::WorkerIndex worker) {
    data.member(p).also.reset();
    data.scope_->out.command(worker, sfu::DataMemberGone{data.room_, DataPlane::id_of(p)});
    if (count_gone(data.workers_, worker)) data.tell_workers();
}

void DataPlane::tell_workers() const {
    sfu::DataWorkers all{room_, {}};
    all.metrics_heard = hearers_ > 0;
    for (const auto& [worker, count] : workers_)
        all.workers.push_back(worker);
    for (const sfu::WorkerIndex worker : all.workers)
        scope_->out.command(worker, all);
}

bool DataPlane::established(const Participant& p) const {
    const Member& m = member(p);
    return !m.expects_channels || (m.reliable_open && m.lossy_open);
}

void DataPlane::expect_no_channels(const Participant& p) {
    member(p).expects_channels = false;
    update(p);
}

void DataPlane::channel_opened(const Participant& p, sfu::DataChannel channel) {
    Member& m = member(p);
    if (channel == sfu::DataChannel::kReliable) m.reliable_open = true;
    if (channel == sfu::DataChannel::kLossy) m.lossy_open = true;
}

void DataPlane::note_progress(const Participant& p, std::uint32_t sequence) {
    // Where it comes from two workers, the one that it left may speak last.
    std::uint32_t& last = member(p).last_sequence;
    last = std::max(last, sequence);
}

// ---------------------------------------------------------------- packets of the API

void DataPlane::send_data(const livekit::SendDataRequest& request) {
    livekit::DataPacket packet;
    packet.set_kind(request.kind());
    livekit::UserPacket& user = *packet.mutable_user();
    user.set_payload(request.data());
    user.set_nonce(request.nonce());
    if (request.has_topic()) user.set_topic(request.topic());
    *user.mutable_destination_sids() = request.destination_sids();
    *user.mutable_destination_identities() = request.destination_identities();
    *packet.mutable_destination_identities() = request.destination_identities();

    sfu::SendData send;
    send.room = room_;
    send.lossy = request.kind() == livekit::DataPacket::LOSSY;
    send.payload = serialized(packet);
    send.identities = {request.destination_identities().begin(),
                       request.destination_identities().end()};
    send.sids = {request.destination_sids().begin(), request.destination_sids().end()};
    send.nonce = to_vector(as_bytes(request.nonce()));
    for (const auto& [worker, count] : workers_)
        scope_->out.command(worker, send);
}

// ---------------------------------------------------------------- calls of methods

Result<void, ServiceError> DataPlane::call_rpc(RpcCallId id, const Participant& p,
                                               const livekit::PerformRpcRequest& request) {
    if (!p.active() || !member(p).ready())
        return service_error(ServiceCode::kInternal, "data channel is not available");
    if (rpc_.full()) return service_error(ServiceCode::kUnavailable, "too many calls");
    const livekit::DataPacket packet =
        rpc_.start(scope_->now(), id, p.sid(), request, scope_->ids.rng());
    command(p, sfu::CallMethod{room_, id_of(p), packet.rpc_request().id(), serialized(packet)});
    return {};
}

void DataPlane::call_answered(const Participant& p, const Bytes& packet) {
    livekit::DataPacket parsed;
    if (!parsed.ParseFromArray(packet.data(), static_cast<int>(packet.size()))) return;
    rpc_.handle_packet(p.sid(), parsed);
    report_rpc();
}

void DataPlane::report_rpc() {
    while (auto done = rpc_.poll_done())
        scope_->out.rpc_done(std::move(*done));
}

void DataPlane::handle_timeout(Timestamp now) {
    for (const RpcCalls::Ended& ended : rpc_.handle_timeout(now))
        if (const Participant* p = roster_->find_sid(ended.participant_sid))
            command(*p, sfu::EndCall{room_, id_of(*p), ended.request_id});
    report_rpc();
}

}  // namespace confab::room
