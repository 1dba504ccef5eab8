// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the processes of the call benchmark share: a page of memory in which they tell each other
// where they are, and the stamp in each payload.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>

#include "base/bytes.h"
#include "rtc/srtp/profile.h"

namespace confab::bench {

// The peer: another server beside ours.
enum class Way : std::uint32_t { kServer, kFloor, kPeer };
inline constexpr std::size_t kWays = 3;
inline std::size_t index_of(Way way) {
    return static_cast<std::size_t>(way);
}
// How the packets of a frame leave: bursts each 5 ms at 2.5 times the rate, as libwebrtc's pacer
// makes them; or back to back, as clients without a pacer send.
enum class Pacing : std::uint32_t { kPacer, kBurst };

[[noreturn]] inline void give_up(const char* what) {
    std::printf("call_bench: %s\n", what);
    std::fflush(stdout);
    std::_Exit(1);
}

// The parent writes what is to be done, the children what they have done.
struct CallShared {
    static constexpr std::size_t kMaxSubscribers = 1000;
    static constexpr std::size_t kLatencies = 100'000;  // of a microsecond each; the last: or more

    // The parent's.
    std::atomic<bool> sending{false};
    std::atomic<std::uint32_t> measurement{0};  // 0: until the pictures flow
    std::atomic<Way> way{Way::kServer};
    std::atomic<Pacing> pacing{Pacing::kBurst};

    // The subscribers'.
    std::atomic<bool> joined{false};
    std::array<std::atomic<bool>, kWays> flowing{};            // everybody has got every track
    std::array<std::atomic<srtp::Profile>, kWays> profiles{};  // that it is encrypted with
    std::atomic<std::uint64_t> received{0};                    // packets of this measurement
    std::atomic<std::uint64_t> run_packets{0};  // of one subscriber, and in how many sends
    std::atomic<std::uint64_t> runs{0};
    std::array<std::atomic<std::uint32_t>, kLatencies> latencies{};
    std::array<std::uint16_t, kMaxSubscribers> floor_sinks{};  // ports, before `joined`

    // The publisher's and the floor's.
    std::atomic<bool> published{false};
    std::atomic<std::uint64_t> sent{0};  // packets of this measurement
    std::atomic<std::uint16_t> floor_port{0};

    // Before the publisher begins with the next measurement.
    void clear() {
        received = run_packets = runs = sent = 0;
        for (auto& count : latencies)
            count.store(0, std::memory_order_relaxed);
    }
    // In microseconds.
    double latency(double share) const {
        std::uint64_t all = 0, seen = 0;
        for (const auto& count : latencies)
            all += count.load(std::memory_order_relaxed);
        const auto wanted = static_cast<std::uint64_t>(static_cast<double>(all) * share);
        for (std::size_t us = 0; us < latencies.size(); ++us) {
            seen += latencies[us].load(std::memory_order_relaxed);
            if (seen > wanted) return static_cast<double>(us);
        }
        return 0;
    }
    // Lives as long as the processes.
    static CallShared& create() {
        void* const memory = ::mmap(nullptr, sizeof(CallShared), PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) give_up("no shared memory");
        return *new (memory) CallShared;
    }
};

inline std::int64_t wall_us() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

// The last octets of each payload, which nobody on the way rewrites.
struct CallStamp {
    static constexpr std::size_t kSize = 12;

    std::uint32_t measurement = 0;
    std::int64_t sent_us = 0;  // of the wall clock, which the kernel's receive times count in, too

    void write(BytesSpan payload) const {
        std::uint8_t* const at = payload.data() + payload.size() - kSize;
        store_be32(at, measurement);
        store_be64(at + 4, static_cast<std::uint64_t>(sent_us));
    }
    static std::optional<CallStamp> read(BytesView payload) {
        if (payload.size() < kSize) return std::nullopt;  // padding
        const std::uint8_t* const at = payload.data() + payload.size() - kSize;
        const CallStamp stamp{load_be32(at), static_cast<std::int64_t>(load_be64(at + 4))};
        if (stamp.sent_us <= 0) return std::nullopt;  // a probe of zeros
        return stamp;
    }
};

// A process that runs `body` and ends with its parent.
class ChildProcess {
  public:
    template <typename Body>
    explicit ChildProcess(Body body) : pid_(::fork()) {
        if (pid_ != 0) return;
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
        body();
        std::_Exit(0);
    }
    ~ChildProcess() {
        ::kill(pid_, SIGKILL);
        (void)::waitpid(pid_, nullptr, 0);
    }
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    pid_t pid() const { return pid_; }
    bool running() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

  private:
    pid_t pid_;
};

}  // namespace confab::bench
