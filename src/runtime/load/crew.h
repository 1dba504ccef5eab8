// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One thread of a load test: a loop, on loopback one UDP socket, and the participants that are its
// share.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "rtc/peer/transport.h"
#include "runtime/load/member.h"

namespace confab::load {

// Between the threads and who watches them.
struct CrewState {
    std::atomic<bool> stop{false};
    std::atomic<bool> all_joined{
        false};  // or given up: from here on it counts how busy threads are
    std::atomic<std::uint64_t> joined{0};
    std::atomic<std::uint64_t> over{0};     // failed ones
    std::atomic<std::uint64_t> settled{0};  // one or the other
    std::atomic<std::uint64_t> packets{0};
    std::atomic<bool> hopeless{false};

    void give_up(const std::string& why) {
        const std::lock_guard lock(mutex);
        if (reason.empty()) reason = why;
        hopeless = true;
    }
    std::mutex mutex;
    std::string reason;
};

class Crew final : public Waiter {
  public:
    static constexpr std::size_t kMaxMembers = 32'000;  // two addresses each of 65 536

    // `index` of the thread, below kMaxCrews.
    static constexpr std::size_t kMaxCrews = 32;
    Crew(std::size_t index, const Options& options, const token::KeyProvider::Key& key,
         const ServerTarget& server, CrewState& state, Timestamp began);

    void add(PersonPlan plan) { plans_.push_back(std::move(plan)); }
    // Until the state says stop.
    void run();

    // After run().
    struct Result {
        Figures figures;
        Histogram lateness;
        std::uint64_t drops = 0;
        double busy = 0;
        std::vector<TrackRow> tracks;
        std::vector<PersonRow> people;
    };
    Result take_result() { return std::move(result_); }

    void on_socket(std::size_t number) override;
    void on_time() override {}

  private:
    static constexpr Duration kTurn = Duration::millis(20);
    // How far apart the turns are once everybody has joined. What comes meanwhile waits in the
    // socket and is taken at once; latency is by the kernel's time of arrival.
    static constexpr Duration kPace = Duration::millis(1);
    static constexpr Duration kTellInterval = Duration::millis(50);

    bool open_socket();
    bool join(PersonPlan plan);
    void join_due();
    void turn();
    void keep_pace();
    void tell();
    void note_busy();
    void finish();

    std::size_t index_;
    const ServerTarget& server_;
    CrewState& state_;
    Loop loop_;
    DatagramBuffers buffers_;
    Rng rng_;
    srtp::Engine engine_;
    std::optional<dtls::Context> dtls_;
    PersonShared shared_;
    std::optional<UdpPort> port_;
    std::vector<PersonPlan> plans_;
    std::size_t next_plan_ = 0;
    // By their number, two addresses each; none is ever taken away before the end.
    std::vector<std::unique_ptr<Member>> members_;
    std::size_t superseded_ = 0;  // so many of them were looked at for it
    std::vector<Member*> touched_;
    Histogram lateness_;
    Timestamp next_tell_;
    Timestamp last_turn_;
    std::uint64_t told_joined_ = 0, told_over_ = 0, told_settled_ = 0, told_packets_ = 0;
    std::optional<std::pair<Timestamp, Duration>> busy_from_;  // and the CPU time until then
    Result result_;
};

}  // namespace confab::load
