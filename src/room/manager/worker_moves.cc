// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/worker_moves.h"

#include <algorithm>
#include <utility>

namespace confab::room {

WorkerMoves::Part* WorkerMoves::find(sfu::PeerId peer) {
    if (!move_) return nullptr;
    const auto found = std::find_if(move_->parts.begin(), move_->parts.end(),
                                    [&](const Part& part) { return part.peer == peer; });
    return found == move_->parts.end() ? nullptr : &*found;
}

bool WorkerMoves::all_answered() const {
    return std::all_of(move_->parts.begin(), move_->parts.end(),
                       [](const Part& part) { return part.answered; });
}

std::optional<MediaOwner> WorkerMoves::owner() const {
    const auto found = scope_->media.peers.find(move_->peer);
    if (found == scope_->media.peers.end() || found->second.participant->closing)
        return std::nullopt;
    return found->second;
}

bool WorkerMoves::moves(const Participant& p) const {
    const auto of = move_ ? owner() : std::nullopt;
    return of && of->participant == &p;
}

std::optional<std::vector<WorkerMoves::Part>> WorkerMoves::describe(const Room& room,
                                                                    const Participant& p) {
    auto down_tracks = down_tracks_of(room.subscriptions_, p);
    if (!down_tracks) return std::nullopt;
    const std::vector<sfu::AddReceiver> receivers = receivers_of(room.publications_, p);
    std::vector<Part> parts;
    for (const PeerLink* link : links_of(room.negotiation_, p)) {
        if (!link->connected()) return std::nullopt;
        Part part;
        part.peer = link->id();
        part.import.create = link->description();
        for (const sfu::AddReceiver& one : receivers)
            if (one.peer == link->id()) part.import.receivers.push_back(one);
        for (const sfu::AddDownTrack& one : *down_tracks)
            if (one.peer == link->id()) part.import.down_tracks.push_back(one);
        parts.push_back(std::move(part));
    }
    if (parts.empty()) return std::nullopt;
    return parts;
}

ServiceResult<void> WorkerMoves::begin(const std::string& room_key, const std::string& identity,
                                       sfu::WorkerIndex to) {
    const auto refused = [](std::string text) {
        return service_error(ServiceCode::kFailedPrecondition, std::move(text));
    };
    Room* const room = rooms_->find(room_key);
    Participant* const p = room == nullptr ? nullptr : room->find(identity);
    if (p == nullptr || p->closing)
        return service_error(ServiceCode::kNotFound, "participant does not exist");
    if (to >= scope_->config.media.workers.size())
        return service_error(ServiceCode::kInvalidArgument, "there is no such worker");
    if (p->worker == to) return refused("it is at that worker");
    // What it is sent would come from where its client does not expect it, until ICE is restarted.
    const auto& workers = scope_->config.media.workers;
    if (workers[p->worker].udp != workers[to].udp)
        return refused("workers have ports of their own: set rtc.udp_port to one port for all");
    if (move_) return refused("another participant is on its way: try again");
    if (p->forwarded()) return refused("the participant is only forwarded to this room");
    auto parts = describe(*room, *p);
    if (!parts) return refused("its connections are not up, or being changed: try again");
    const sfu::PeerId first = parts->front().peer;
    move_ =
        Move{first, p->worker, to, Step::kAwaiting, std::move(*parts), scope_->now() + kPatience};
    rooms_->in_room(*room, [&](Room& entered) {
        // Before it is awaited: when that is confirmed it is a member there.
        enter_worker(entered.data_, *p, to);
        for (const Part& part : move_->parts) {
            sfu::AwaitPeer await{part.peer, {}};
            for (const sfu::AddDownTrack& one : part.import.down_tracks)
                await.tracks.push_back(
                    {one.down_track, one.receiver, one.home, one.kind, one.settings.max_spatial});
            scope_->out.command(to, std::move(await));
        }
    });
    return {};
}

// ---------------------------------------------------------------- steps

void WorkerMoves::handle(const sfu::PeerAwaited& event) {
    Part* const part = find(event.peer);
    if (part == nullptr || move_->step != Step::kAwaiting) return;
    part->answered = true;
    if (all_answered()) leave();
}

void WorkerMoves::next_step() {
    for (Part& part : move_->parts)
        part.answered = false;
    move_->deadline = scope_->now() + kPatience;
}

void WorkerMoves::seat(Room& room, Participant& p, sfu::WorkerIndex worker) {
    swap_workers(room.data_, p, p.worker);
    p.worker = worker;
    p.seat = scope_->placement.keep(room.key(), worker);
    for (PeerLink* link : links_of(room.negotiation_, p))
        link->move_to(worker);
}

// What changed while it was awaited is in what is described now.
void WorkerMoves::leave() {
    const auto of = owner();
    auto parts = of ? describe(*of->room, *of->participant) : std::nullopt;
    if (!parts || parts->size() != move_->parts.size()) return cancel();
    move_->parts = std::move(*parts);
    next_step();
    move_->step = Step::kLeaving;
    const sfu::PeerId second = move_->parts.size() > 1 ? move_->parts.back().peer : sfu::PeerId();
    scope_->out.command(move_->from, sfu::ExportPeer{move_->parts.front().peer, move_->to, second});
    scope_->out.hold(move_->to);
    rooms_->in_room(*of->room, [&](Room& room) { seat(room, *of->participant, move_->to); });
}

void WorkerMoves::handle(const sfu::PeerExported& event) {
    Part* const part = find(event.peer);
    if (part == nullptr || move_->step != Step::kLeaving) return;
    part->answered = true;
    part->import.state = event.state;
    part->import.exported = event.at;
    if (all_answered()) enter();
}

void WorkerMoves::enter() {
    const bool goes = std::all_of(move_->parts.begin(), move_->parts.end(),
                                  [](const Part& part) { return bool(part.import.state); });
    const sfu::WorkerIndex at = goes ? move_->to : move_->from;
    std::vector<sfu::Command> waited = scope_->out.end_hold();
    if (!goes) {
        if (const auto of = owner())
            rooms_->in_room(*of->room, [&](Room& room) { seat(room, *of->participant, at); });
        auto names = names_in(waited);
        release(std::move(waited), at);
        return cancel(std::move(names));
    }
    ++moved_;
    next_step();
    move_->step = Step::kEntering;
    for (Part& part : move_->parts)
        scope_->out.command(at, std::exchange(part.import, {}));
    release(std::move(waited), at);
}

// What is about it goes to where it is. Of what has ended nobody knows any more whose it was: both
// workers hear of it, and to one of them it says nothing.
void WorkerMoves::release(std::vector<sfu::Command> waited, sfu::WorkerIndex at) {
    for (sfu::Command& command : waited) {
        const auto about = at == move_->to ? About::kOthers : about_it(command);
        if (about == About::kUnknown) scope_->out.command(at, command);
        scope_->out.command(about == About::kIt ? at : move_->to, std::move(command));
    }
}

WorkerMoves::About WorkerMoves::about_it(const sfu::Command& command) const {
    const MediaRegistry& media = scope_->media;
    const auto of = owner();
    const auto in = [&](const auto& owners, auto id) {
        const auto found = owners.find(id);
        if (found == owners.end()) return About::kUnknown;
        return of && found->second.participant == of->participant ? About::kIt : About::kOthers;
    };
    return std::visit(
        [&](const auto& c) {
            if constexpr (requires { c.member; })
                return of && c.member == sfu::MemberId(of->participant->number) ? About::kIt
                                                                                : About::kOthers;
            else if constexpr (requires { c.publisher; })
                return of && c.publisher == sfu::MemberId(of->participant->number) ? About::kIt
                                                                                   : About::kOthers;
            else if constexpr (requires { c.peer; })
                return in(media.peers, c.peer);
            else if constexpr (requires { c.receiver; })
                return in(media.receivers, c.receiver);
            else if constexpr (requires { c.down_track; })
                return in(media.down_tracks, c.down_track);
            else
                return About::kOthers;
        },
        command);
}

void WorkerMoves::handle(const sfu::PeerImported& event) {
    Part* const part = find(event.peer);
    if (part == nullptr || move_->step != Step::kEntering) return;
    part->answered = true;
    if (!event.taken) end_session();
    if (all_answered()) finish();
}

// ---------------------------------------------------------------- ends

void WorkerMoves::finish() {
    const auto of = owner();
    if (of)
        rooms_->in_room(*of->room, [&](Room& room) {
            const Participant& p = *of->participant;
            leave_worker(room.data_, p, p.worker == move_->to ? move_->from : move_->to);
        });
    move_.reset();
}

// Of its connections, also of one that begins; the client may have been told already.
WorkerMoves::Names WorkerMoves::names_in(const std::vector<sfu::Command>& waited) const {
    Names names;
    for (const sfu::Command& command : waited) {
        if (about_it(command) != About::kIt) continue;
        if (const auto* restart = std::get_if<sfu::RestartIce>(&command))
            names[restart->peer].push_back(restart->local.ufrag);
        else if (const auto* create = std::get_if<sfu::CreatePeer>(&command))
            names[create->peer].push_back(create->local.ufrag);
    }
    return names;
}

void WorkerMoves::cancel(Names names) {
    ++stayed_;
    for (const Part& part : move_->parts)
        names.try_emplace(part.peer);
    // Others may have been told meanwhile that these are there.
    std::vector<sfu::AddReceiver> published;
    if (const auto of = owner(); of && move_->step == Step::kLeaving)
        published = receivers_of(of->room->publications_, *of->participant);
    for (auto& [peer, made] : names) {
        sfu::EndAwait end{peer, std::move(made), move_->from, {}};
        for (const sfu::AddReceiver& one : published)
            if (one.peer == peer) end.receivers.push_back(one.receiver);
        scope_->out.command(move_->to, std::move(end));
    }
    finish();
}

void WorkerMoves::end_session() {
    if (const auto of = owner())
        rooms_->in_room(*of->room, [&](Room& room) {
            room.sessions_.end(*of->participant, Ending::full_reconnect());
        });
}

void WorkerMoves::handle_timeout() {
    if (!move_ || scope_->now() < move_->deadline) return;
    if (move_->step == Step::kAwaiting) return leave();
    if (move_->step == Step::kLeaving) release(scope_->out.end_hold(), move_->to);
    end_session();
    if (move_) finish();
}

}  // namespace confab::room
