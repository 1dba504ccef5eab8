// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as the state of an ICE agent: what is taken is written and taken again and says the
// same, and the agent that it makes keeps its bounds whatever happens then (07 SIO-11).
// fuzz: modules base wire crypto rtc/ice
#include <cstdlib>

#include "base/state/state.h"
#include "rtc/ice/agent.h"

using namespace confab;
using namespace confab::ice;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

AgentConfig config() {
    AgentConfig c;
    c.local = {"ours", "our-password-of-22-chars"};
    c.candidates.push_back({0, Protocol::kUdp, *SocketAddress::parse("198.51.100.1:7882")});
    return c;
}

void drain(Agent& agent) {
    for (int i = 0; i < 1000 && agent.poll_transmit(); ++i) {
    }
    for (int i = 0; i < 1000 && agent.poll_event(); ++i) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Timestamp start = Timestamp::micros(1'000'000'000);
    Agent agent(config(), Rng(1));
    if (!import_state(agent, BytesView(data, size), start)) return 0;
    const Bytes state = export_state(agent, start);
    Agent again(config(), Rng(2));
    require(import_state(again, state, start));
    require(export_state(again, start) == state);

    Path path;
    path.local = *SocketAddress::parse("198.51.100.1:7882");
    path.remote = *SocketAddress::parse("198.51.100.2:5000");
    Timestamp now = start;
    for (int round = 0; round < 50; ++round) {
        CheckRequest request;
        request.priority = 1;
        request.use_candidate = round % 3 == 0;
        request.role = round % 7 == 0 ? Role::kControlled : Role::kControlling;
        path.remote.port = static_cast<std::uint16_t>(5000 + round % 5);
        const CredentialPair peer{{"bobbyUfrag", "bobbyPasswordOf22Characters"},
                                  agent.local_credentials()};
        agent.handle_packet(now, path, build_check(request, peer));
        agent.note_activity(now, path);
        drain(agent);
        if (round == 30) agent.restart(now, {{"next", "next-password-of-22-chars"}, false});
        const Timestamp next = agent.next_deadline();
        if (!next.is_never()) now = std::max(now, next);
        agent.handle_timeout(now);
        drain(agent);
        require(agent.snapshot().pairs <= kMaxPairs);
        require(agent.snapshot().pending_transactions <= kMaxPendingTransactions);
    }
    return 0;
}
