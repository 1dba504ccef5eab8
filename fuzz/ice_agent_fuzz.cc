// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules base wire crypto rtc/ice

// A script of inputs for one agent. Requests are signed with the right password and answers take
// the ids of real requests, so that the fuzzer reaches every state; raw bytes come as well.
#include <cstdlib>
#include <deque>

#include "rtc/ice/agent.h"

using namespace confab;
using namespace confab::ice;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

const Credentials kOurs[2] = {{"ours", "our-password-1"}, {"next", "our-password-2"}};
const Credentials kTheirs[2] = {{"theirs", "their-password-1"}, {"other", "their-password-2"}};

class Script {
  public:
    explicit Script(BytesView input) : in_(input), agent_(config(in_.u8()), Rng(in_.u8())) {}

    void run() {
        for (int steps = 0; steps < 400 && !in_.at_end(); ++steps) {
            step(in_.u8());
            drain();
        }
    }

  private:
    static AgentConfig config(std::uint8_t flags) {
        AgentConfig c;
        c.local = kOurs[0];
        c.lite = (flags & 1) != 0;
        c.role = (flags & 2) != 0 ? Role::kControlling : Role::kControlled;
        c.tcp_only = (flags & 4) != 0;
        c.candidates.push_back({0, Protocol::kUdp, *SocketAddress::parse("198.51.100.1:1")});
        c.candidates.push_back({1, Protocol::kTcp, *SocketAddress::parse("198.51.100.1:2")});
        return c;
    }

    Path path() {
        const std::uint8_t n = in_.u8();
        const bool tcp = n % 4 == 3;
        Path p;
        p.socket = tcp ? 1 : 0;
        p.protocol = tcp ? Protocol::kTcp : Protocol::kUdp;
        p.tcp_connection = tcp ? 1 + n / 64 : 0;
        p.local = *SocketAddress::parse(tcp ? "198.51.100.1:2" : "198.51.100.1:1");
        p.remote = {IpAddress::v4(0xCB007100), std::uint16_t(1000 + n / 4)};
        return p;
    }

    void step(std::uint8_t op) {
        switch (op % 12) {
            case 0:
                now_ = now_ + Duration::millis(in_.u8());
                break;
            case 1:
                now_ = now_ + Duration::seconds(in_.u8() % 20);
                agent_.handle_timeout(now_);
                break;
            case 2: {
                const Timestamp due = agent_.next_deadline();
                if (due.is_never()) break;
                now_ = std::max(now_, due);
                agent_.handle_timeout(now_);
                require(agent_.next_deadline() > now_);
                break;
            }
            case 3:
                agent_.set_remote_credentials(now_, kTheirs[in_.u8() & 1]);
                break;
            case 4:
                agent_.add_remote_candidate(
                    now_, {in_.u8() % 8 == 0 ? Protocol::kTcp : Protocol::kUdp, path().remote,
                           static_cast<CandidateType>(in_.u8() % 4), in_.u32()});
                break;
            case 5:
                ours_ = in_.u8() & 1;
                agent_.restart(now_, {kOurs[ours_], in_.u8() % 8 == 0});
                break;
            case 6:
            case 7:
                check();
                break;
            case 8:
            case 9:
                answer();
                break;
            case 10:
                other(in_.u8());
                break;
            case 11: {
                const Bytes raw =
                    to_vector(in_.bytes(std::min<std::size_t>(in_.u8(), in_.remaining())));
                agent_.handle_packet(now_, path(), raw);
                break;
            }
        }
    }

    void check() {
        const std::uint8_t flags = in_.u8();
        CheckRequest request;
        request.id.fill(flags);
        request.priority = in_.u32();
        request.use_candidate = (flags & 1) != 0;
        request.role = (flags & 2) != 0 ? Role::kControlled : Role::kControlling;
        request.tie_breaker = (flags & 4) != 0 ? ~0ULL : 0;
        const std::size_t ours = (flags & 8) != 0 ? ours_ ^ 1U : ours_;
        agent_.handle_packet(now_, path(),
                             build_check(request, {kTheirs[(flags >> 4) & 1], kOurs[ours]}));
    }

    void answer() {
        if (asked_.empty()) return;
        const std::uint8_t flags = in_.u8();
        const std::size_t which = flags % asked_.size();
        const Transmit request = asked_[which];
        asked_.erase(asked_.begin() + static_cast<std::ptrdiff_t>(which));
        const auto message = wire::StunMessage::parse(request.bytes());
        const std::string& pwd = kTheirs[(flags >> 4) & 1].pwd;
        const Path from = (flags & 0x40) != 0 ? path() : request.path;
        agent_.handle_packet(now_, from,
                             (flags & 0x80) != 0
                                 ? build_error(message->transaction_id(), 487, "", pwd)
                                 : build_success(message->transaction_id(), from.local, pwd));
    }

    void other(std::uint8_t op) {
        const Path p = path();
        if (op % 4 == 0 && (op & 0x10) == 0) (void)agent_.note_activity(now_, p);
        if (op % 4 == 0 && (op & 0x10) != 0) agent_.note_stray(now_, p, (op & 0x20) != 0);
        if (op % 4 == 1) agent_.set_role(now_, op >= 128 ? Role::kControlled : Role::kControlling);
        if (op % 4 == 2 && p.protocol == Protocol::kTcp) agent_.add_tcp_connection(now_, p);
        if (op % 4 == 3) agent_.remove_tcp_connection(now_, p.tcp_connection);
    }

    void drain() {
        while (const auto out = agent_.poll_transmit()) {
            const auto message = wire::StunMessage::parse(out->bytes());
            require(message.has_value());
            require(message->fingerprint() == wire::StunFingerprint::kValid);
            if (message->message_class() == wire::StunClass::kRequest) asked_.push_back(*out);
            if (asked_.size() > 32) asked_.pop_front();
        }
        while (const auto event = agent_.poll_event())
            if (const auto* selected = std::get_if<Selected>(&*event))
                require(agent_.is_valid_path(selected->path) || agent_.state() == State::kFailed);
        const auto s = agent_.snapshot();
        require(s.pairs <= kMaxPairs && s.bytes_held < 400'000);
        require(s.pending_transactions <= kMaxPendingTransactions);
        require(s.counters.outputs_dropped == 0);
        if (agent_.selected()) require(agent_.is_valid_path(*agent_.selected()));
    }

    ByteReader in_;
    Timestamp now_ = Timestamp::micros(1'000'000);
    Agent agent_;
    std::size_t ours_ = 0;
    std::deque<Transmit> asked_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    Script(BytesView(data, size)).run();
    return 0;
}
