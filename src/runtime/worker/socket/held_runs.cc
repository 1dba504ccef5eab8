// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/held_runs.h"

#include <algorithm>
#include <utility>

namespace confab::worker {
namespace {

// A small datagram costs more than its octets.
constexpr std::size_t kOverhead = 128;

std::size_t cost(const HeldRuns::Run& run) {
    return run.datagrams.size() + kOverhead;
}

}  // namespace

// Both are runs again: only the last datagram may be shorter than the others.
void HeldRuns::hold(Timestamp now, const sfu::SendRun& run, BytesView datagrams) {
    Run first{now, run.path.remote, 0, 0, {}};
    Run pictures = first;
    for (std::size_t i = 0; i < run.count; ++i) {
        const std::size_t offset = i * run.segment_size;
        const BytesView one = datagrams.subspan(
            offset, std::min<std::size_t>(run.segment_size, datagrams.size() - offset));
        Run& into = (run.kept_longest >> i & 1) != 0 ? first : pictures;
        if (into.count++ == 0) into.segment_size = static_cast<std::uint16_t>(one.size());
        into.datagrams.insert(into.datagrams.end(), one.begin(), one.end());
    }
    if (first.count > 0) add(first_, std::move(first));
    if (pictures.count > 0) add(pictures_, std::move(pictures));
}

void HeldRuns::add(Line& line, Run&& run) {
    line.octets += cost(run);
    line.runs.push_back(std::move(run));
    while (line.octets > kMaxOctets)
        drop_front(line);
}

void HeldRuns::drop_front(Line& line) {
    dropped_ += line.runs.front().count;
    line.octets -= cost(line.runs.front());
    line.runs.pop_front();
}

void HeldRuns::drop_old(Timestamp now, Line& line) {
    while (!line.runs.empty() && now - line.runs.front().since > kLongest)
        drop_front(line);
}

HeldRuns::Run* HeldRuns::next(Timestamp now) {
    drop_old(now, first_);
    drop_old(now, pictures_);
    if (empty()) return nullptr;
    return first_.runs.empty() ? &pictures_.runs.front() : &first_.runs.front();
}

void HeldRuns::pop() {
    Line& line = first_.runs.empty() ? pictures_ : first_;
    line.octets -= cost(line.runs.front());
    line.runs.pop_front();
}

}  // namespace confab::worker
