// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/load/crew.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "crypto/random.h"
#include "runtime/worker/relay/route_source.h"

namespace confab::load {
namespace {

// 127.64.0.0/10: 64 times 65 536 addresses, away from those that servers use.
constexpr std::uint32_t kFirstAddress = 0x7F40'0000;

Duration thread_cpu() {
    timespec t{};
    (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return Duration::micros(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000);
}

}  // namespace

Crew::Crew(std::size_t index, const Options& options, const token::KeyProvider::Key& key,
           const ServerTarget& server, CrewState& state, Timestamp began)
    : index_(index), server_(server), state_(state), rng_(crypto::seeded_rng()) {
    shared_.options = options;
    shared_.key = key;
    shared_.began = began;
    shared_.wall_at_zero = wall_now() - (monotonic_now() - Timestamp{});
    shared_.participants = std::make_shared<client::ParticipantPool>();
}

bool Crew::open_socket() {
    const auto certificate = crypto::Certificate::generate(wall_now());
    if (!certificate) return state_.give_up("cannot make a certificate"), false;
    auto context = dtls::Context::create(*certificate);
    if (!context) return state_.give_up("cannot make a certificate"), false;
    dtls_.emplace(std::move(*context));
    shared_.fingerprint = certificate->sha256_fingerprint();
    shared_.crypto = {&engine_, &*dtls_, false};
    if (!server_.address.ip.is_loopback() || !server_.address.ip.is_v4() || server_.own_sockets)
        return true;
    auto port = UdpPort::open_loopback();
    if (!port) return state_.give_up(port.error()), false;
    port_.emplace(std::move(*port));
    loop_.watch(port_->fd(), *this, 0, false);
    return true;
}

// ---------------------------------------------------------------- joining

bool Crew::join(PersonPlan plan) {
    std::array<SocketAddress, client::kTargets> addresses;
    std::vector<UdpPort> own;
    const auto first = static_cast<std::uint32_t>(client::kTargets * members_.size() + 1);
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        if (port_) {
            const auto number = first + static_cast<std::uint32_t>(i);
            const auto block = static_cast<std::uint32_t>(index_) << 16;
            addresses[i] = {IpAddress::v4(kFirstAddress + block + number), port_->address().port};
            continue;
        }
        const IpAddress local = worker::route_source(server_.address.ip);
        if (local.is_none()) return state_.give_up("there is no route to " + server_.host), false;
        // A server with a URL of this machine may have its media elsewhere, where nothing can be
        // sent to from an address of loopback.
        const bool any = local.is_loopback() && local.is_v4();
        auto port = UdpPort::open(any ? IpAddress::v4(INADDR_ANY) : local);
        if (!port) return state_.give_up(port.error() + "; raise the limit of open files"), false;
        addresses[i] = {local, port->address().port};
        own.push_back(std::move(*port));
    }
    members_.push_back(std::make_unique<Member>(MemberShared{loop_, buffers_, lateness_, server_},
                                                shared_, std::move(plan), port_ ? &*port_ : nullptr,
                                                addresses, std::move(own), rng_.fork()));
    members_.back()->join();
    return true;
}

void Crew::join_due() {
    const Timestamp now = monotonic_now();
    for (; superseded_ < members_.size() && members_[superseded_]->is_settled(); ++superseded_)
        if (members_[superseded_]->is_superseded()) {
            shared_.options.single = false;
            if (!join(members_[superseded_]->person().plan())) return;
        }
    while (next_plan_ < plans_.size() && members_.size() < kMaxMembers &&
           now >= shared_.began + plans_[next_plan_].joins_after && !state_.stop)
        if (!join(plans_[next_plan_++])) return;
}

// ---------------------------------------------------------------- running

void Crew::run() {
    if (open_socket())
        while (!state_.stop)
            turn();
    finish();
}

void Crew::keep_pace() {
    const Duration rest = last_turn_ + kPace - monotonic_now();
    if (state_.all_joined && rest > Duration::zero())
        std::this_thread::sleep_for(std::chrono::microseconds(rest.us()));
    last_turn_ = monotonic_now();
}

void Crew::turn() {
    Duration wait = kTurn;
    if (next_plan_ < plans_.size())
        wait = std::min(wait, shared_.began + plans_[next_plan_].joins_after - monotonic_now());
    loop_.run_once(std::max(wait, Duration::zero()));
    buffers_.flush();
    join_due();
    buffers_.flush();
    if (monotonic_now() >= next_tell_) tell();
    keep_pace();
}

void Crew::on_socket(std::size_t) {
    port_->receive(buffers_, lateness_, [this](const ArrivedDatagram& datagram) {
        const std::size_t number = (datagram.local.to_v4() & 0xFFFFU) - 1;
        const std::size_t which = number / client::kTargets;
        if (which >= members_.size()) return;
        Member* const member = members_[which].get();
        const bool due =
            member->take(static_cast<client::Target>(number % client::kTargets), datagram);
        if (due && (touched_.empty() || touched_.back() != member)) touched_.push_back(member);
    });
    for (Member* const member : touched_)
        member->on_time();
    touched_.clear();
}

void Crew::tell() {
    next_tell_ = monotonic_now() + kTellInterval;
    std::uint64_t joined = 0, over = 0, settled = 0, packets = 0;
    for (const auto& member : members_) {
        if (member->is_superseded()) continue;
        joined += member->person().connected() ? 1U : 0U;
        over += member->person().over() ? 1U : 0U;
        settled += member->person().connected() || member->person().over() ? 1U : 0U;
        packets += member->person().packets_received();
        if (member->is_hopeless() && state_.joined == 0) state_.give_up(member->person().failure());
    }
    state_.joined += joined - std::exchange(told_joined_, joined);
    state_.over += over - std::exchange(told_over_, over);
    state_.settled += settled - std::exchange(told_settled_, settled);
    state_.packets += packets - std::exchange(told_packets_, packets);
    note_busy();
}

void Crew::note_busy() {
    if (state_.all_joined && !busy_from_) busy_from_ = {monotonic_now(), thread_cpu()};
}

// ---------------------------------------------------------------- the end

void Crew::finish() {
    const Timestamp now = monotonic_now();
    if (busy_from_) {
        const Duration passed = std::max(now - busy_from_->first, Duration::millis(1));
        result_.busy = (thread_cpu() - busy_from_->second).to_seconds() / passed.to_seconds();
    }
    for (auto& member : members_) {
        if (member->is_superseded()) continue;
        Person& person = member->person();
        if (!person.connected() && !person.over()) person.fail("not connected in time");
        person.finish(now);
        person.add_to(result_.figures);
        result_.people.push_back(person.row());
        std::ranges::move(person.track_rows(), std::back_inserter(result_.tracks));
        result_.drops += member->drops();
    }
    result_.lateness = lateness_;
    if (port_) result_.drops += port_->drops();
    for (auto& member : members_)
        member->leave();
    buffers_.flush();
    // Messages of leaving that wait for their sockets.
    for (int i = 0; i < 5; ++i)
        loop_.run_once(Duration::millis(2));
    members_.clear();
}

}  // namespace confab::load
