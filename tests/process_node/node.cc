// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "node.h"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "crypto/secret.h"
#include "rtc/sdp/state_fields.h"

namespace confab::process_node {
namespace {

using std::chrono::steady_clock;

constexpr std::uint32_t kVersion = 1;
constexpr std::chrono::seconds kPatience{3};
constexpr int kStepMillis = 2;
const IpAddress kLoopback = IpAddress::v4(0x7F000001);

// The clock of the workers, which all processes of a machine share.
Timestamp monotonic_now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return Timestamp::micros(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000);
}
UnixTime wall_now() {
    return UnixTime::micros(std::chrono::duration_cast<std::chrono::microseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count());
}

worker::MediaNodeOptions options_of(std::uint64_t seed) {
    worker::MediaNodeOptions options;
    options.workers = 1;
    options.pin = false;
    options.addresses = {kLoopback};
    options.seed = seed;
    return options;
}

room::WorkerAddresses addresses_of(const worker::MediaNode& media) {
    return {media.addresses(0).udp, media.addresses(0).tcp};
}

void spoil(Bytes& bytes, Harm harm) {
    if (harm == Harm::kCut) bytes.resize(bytes.size() - bytes.size() / 3);
    if (harm == Harm::kNewer) bytes.at(2) = 99;  // the value of the first field
    Rng rng(bytes.size());
    if (harm == Harm::kNoise) rng.fill(bytes);
}

}  // namespace

Node::Node(std::unique_ptr<worker::MediaNode> media, std::string fingerprint, std::uint64_t seed)
    : media_(std::move(media)),
      control_(addresses_of(*media_), std::move(fingerprint), seed),
      call_(control_) {}

Result<std::unique_ptr<Node>, std::string> Node::start(std::uint64_t seed) {
    CONFAB_TRY(auto media, worker::MediaNode::start(options_of(seed), wall_now()));
    const std::string fingerprint = media->fingerprint();
    return std::unique_ptr<Node>(new Node(std::move(media), fingerprint, seed));
}

// ---------------------------------------------------------------- the call

Result<Answered, std::string> Node::answer(std::size_t person, std::string_view offer) {
    control_.clock = {monotonic_now(), wall_now()};
    auto answered = call_.answer(person, offer);
    step();
    return answered;
}

void Node::step() {
    worker::ControlPort& port = media_->port(0);
    while (auto effect = control_.out.poll())
        if (auto* command = std::get_if<room::MediaCommand>(&*effect))
            port.send(command->worker, std::move(command->command));
    port.flush();
    while (auto event = port.poll_event()) {
        for (std::size_t person = 0; person < Call::kPeople && call_.is_whole(); ++person) {
            if (auto* exported = std::get_if<sfu::PeerExported>(&event->event))
                if (exported->peer == call_.peer(person)) exported_[person] = *exported;
            if (auto* imported = std::get_if<sfu::PeerImported>(&event->event))
                if (imported->peer == call_.peer(person)) imported_[person] = imported->taken;
        }
    }
}

bool Node::step_until(const std::function<bool()>& done) {
    worker::ControlPort& port = media_->port(0);
    for (const auto end = steady_clock::now() + kPatience; steady_clock::now() < end;) {
        port.announce_sleep();
        pollfd bell{port.event_fd(), POLLIN, 0};
        if (!port.has_events()) (void)::poll(&bell, 1, kStepMillis);
        port.awake();
        step();
        if (done()) return true;
    }
    return false;
}

sfu::ShardSnapshot Node::snapshot() {
    const Timestamp since = monotonic_now();
    (void)step_until([&] { return media_->port(0).snapshot(0).at > since; });
    return media_->port(0).snapshot(0).shard;
}

// ---------------------------------------------------------------- away from here

bool Node::export_all() {
    exported_ = {};
    // What comes from now on waits in the socket for the next owner.
    media_->listen(false);
    control_.out.command(0, sfu::ExportPeer{call_.peer(0), std::nullopt, call_.peer(1)});
    const auto told = [&](const auto& one) { return one.has_value(); };
    if (!step_until([&] { return std::ranges::all_of(exported_, told); })) return false;
    return std::ranges::all_of(exported_, [](const auto& one) { return bool(one->state); });
}

Bytes Node::save(Timestamp now) const {
    StateWriter out(now);
    state_version(out, kVersion);
    out.field(2, exported_[0]->at.us());
    out.field(3, control_.config.media.fingerprint_sha256, sdp::kMaxLineBytes);
    out.part(4, call_);
    for (const auto& exported : exported_)
        out.field(5, exported->state.view());
    return out.take();
}

Node::Left Node::leave(const std::string& path, Harm harm) {
    if (!call_.is_whole()) return {false, "there is no call yet", 0};
    if (!export_all()) {
        media_->listen(true);
        return {false, "its connections can not be moved now", 0};
    }
    Bytes bytes = save(monotonic_now());
    const std::size_t size = bytes.size();
    const auto sockets = media_->udp_sockets();
    auto stream = HandOverStream::connect(path);
    bool taken = false;
    if (stream && harm != Harm::kHangUp) {
        spoil(bytes, harm);
        taken = stream->send(bytes, sockets) && stream->await_answer();
    }
    crypto::wipe(bytes);
    if (taken) return {true, {}, size};
    if (!import_all()) return {false, "lost", 0};
    media_->listen(true);
    return {false, "not taken there", size};
}

// ---------------------------------------------------------------- to here

bool Node::load(BytesView bytes, std::int64_t& silent_since_us) {
    std::int64_t at = 0;
    StateReader in(bytes, monotonic_now());
    state_version(in, kVersion);
    in.field(2, at);
    in.field(3, control_.config.media.fingerprint_sha256, sdp::kMaxLineBytes);
    in.part(4, call_);
    std::vector<Bytes> states;
    std::size_t count = 0;
    while (in.ok() && count < Call::kPeople) {
        BytesView state;
        in.field(5, state);
        if (state.empty()) break;
        exported_[count] =
            sfu::PeerExported{call_.peer(count), sfu::PeerBytes(state), Timestamp::micros(at)};
        ++count;
    }
    silent_since_us = at;
    return in.finish() && count == Call::kPeople;
}

bool Node::import_all() {
    imported_ = {};
    for (std::size_t person = 0; person < Call::kPeople; ++person) {
        control_.out.command(0, call_.member(person));
        control_.out.command(0, call_.workers());
    }
    for (std::size_t person = 0; person < Call::kPeople; ++person) {
        sfu::ImportPeer import = call_.import(person);
        import.state = exported_[person]->state;
        import.exported = exported_[person]->at;
        control_.out.command(0, std::move(import));
        if (!step_until([&] { return imported_[person].has_value(); })) return false;
        if (!*imported_[person]) return false;
    }
    exported_ = {};
    return true;
}

Node::Entered Node::enter(HandOver from, std::uint64_t seed) {
    worker::MediaNodeOptions options = options_of(seed);
    for (worker::FileDescriptor& socket : from.sockets)
        options.udp_sockets.push_back(socket.release());
    auto media = worker::MediaNode::start(std::move(options), wall_now());
    Entered result;
    if (!media) {
        result.why = media.error();
        return result;
    }
    result.node.reset(new Node(std::move(*media), {}, seed));
    Node& node = *result.node;
    node.control_.clock = {monotonic_now(), wall_now()};
    std::int64_t since_us = 0;
    const bool readable = node.load(from.bytes.view(), since_us);
    result.taken = readable && node.import_all();
    if (result.taken) {
        node.media_->listen(true);
        result.silent_us = monotonic_now().us() - since_us;
    } else {
        result.why = readable ? "a connection was refused" : "these are no such bytes";
    }
    return result;
}

}  // namespace confab::process_node
