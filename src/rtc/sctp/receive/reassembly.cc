// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Runs of fragments that grow together and ordered streams that wait for their next number.
#include "rtc/sctp/receive/reassembly.h"

#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/sequence.h"

namespace confab::sctp {
namespace {

bool same_message(std::uint16_t stream_a, std::uint16_t ssn_a, bool unordered_a,
                  std::uint16_t stream_b, std::uint16_t ssn_b, bool unordered_b) {
    return stream_a == stream_b && unordered_a == unordered_b && (unordered_a || ssn_a == ssn_b);
}

}  // namespace

std::size_t Reassembly::cost(const MessageReceived& message) {
    return message.payload.size() + kItemOverhead;
}

std::int64_t Reassembly::unwrap_ssn(const Stream& stream, std::uint16_t ssn) {
    return stream.next_ssn + sequence_distance(static_cast<std::uint16_t>(stream.next_ssn), ssn);
}

Reassembly::Stream* Reassembly::stream_for(std::uint16_t id) {
    const auto it = streams_.find(id);
    if (it != streams_.end()) return &it->second;
    if (streams_.size() >= kMaxTrackedStreams) return nullptr;
    return &streams_[id];
}

bool Reassembly::add(std::int64_t tsn, const wire::sctp::DataChunk& data, EventQueue& events) {
    Stream* stream = stream_for(data.stream);
    if (stream == nullptr || stream->discarding ||
        (!data.unordered && unwrap_ssn(*stream, data.ssn) < stream->next_ssn))
        return true;
    Runs::iterator run = insert_run(tsn, data);
    run = join_left(run);
    join_right(run);
    if (run->second.bytes.size() > max_message_size_ || run->second.fragments > kMaxFragments) {
        drop_stream_data(data.stream, *stream);
        stream->discarding = true;
        CONFAB_DCHECK(sum_agrees());
        events.push(MessageTooLarge{data.stream});
        return false;
    }
    if (!run->second.has_begin || !run->second.has_end) return true;
    held_ -= run->second.bytes.size() + run->second.fragments * kItemOverhead;
    Run whole = std::move(run->second);
    runs_.erase(run);
    finish(std::move(whole), *stream, events);
    CONFAB_DCHECK(sum_agrees());
    return true;
}

Reassembly::Runs::iterator Reassembly::insert_run(std::int64_t tsn,
                                                  const wire::sctp::DataChunk& data) {
    Run run;
    run.next = tsn + 1;
    run.stream = data.stream;
    run.ssn = data.ssn;
    run.ppid = data.ppid;
    run.unordered = data.unordered;
    run.has_begin = data.begin;
    run.has_end = data.end;
    run.bytes = to_vector(data.payload);
    held_ += run.bytes.size() + kItemOverhead;
    return runs_.insert_or_assign(tsn, std::move(run)).first;
}

// Joins `run` to the one that ends before it. A neighbour that can not be completed any more,
// because this TSN belongs to another message, is dropped.
Reassembly::Runs::iterator Reassembly::join_left(Runs::iterator run) {
    if (run == runs_.begin()) return run;
    const auto left = std::prev(run);
    if (left->second.next != run->first || left->second.has_end) return run;
    Run& a = left->second;
    Run& b = run->second;
    if (b.has_begin || !same_message(a.stream, a.ssn, a.unordered, b.stream, b.ssn, b.unordered)) {
        drop_run(left);
        return run;
    }
    a.bytes.insert(a.bytes.end(), b.bytes.begin(), b.bytes.end());
    a.next = b.next;
    a.has_end = b.has_end;
    a.fragments += b.fragments;
    runs_.erase(run);
    return left;
}

void Reassembly::join_right(Runs::iterator run) {
    const auto right = std::next(run);
    if (right == runs_.end() || run->second.next != right->first || right->second.has_begin) return;
    const Run& a = run->second;
    const Run& b = right->second;
    if (a.has_end || !same_message(a.stream, a.ssn, a.unordered, b.stream, b.ssn, b.unordered)) {
        drop_run(right);
        return;
    }
    join_left(right);
}

bool Reassembly::sum_agrees() const {
    std::size_t held = 0;
    for (const auto& [tsn, run] : runs_)
        held += run.bytes.size() + run.fragments * kItemOverhead;
    for (const auto& [id, stream] : streams_)
        for (const auto& [ssn, message] : stream.waiting)
            held += cost(message);
    return held == held_;
}

void Reassembly::drop_run(Runs::iterator run) {
    held_ -= run->second.bytes.size() + run->second.fragments * kItemOverhead;
    runs_.erase(run);
}

void Reassembly::drop_stream_data(std::uint16_t id, Stream& stream) {
    for (auto it = runs_.begin(); it != runs_.end();) {
        const auto current = it++;
        if (current->second.stream == id) drop_run(current);
    }
    for (const auto& [ssn, message] : stream.waiting)
        held_ -= cost(message);
    stream.waiting.clear();
}

void Reassembly::finish(Run run, Stream& stream, EventQueue& events) {
    MessageReceived message{run.stream, run.ppid, std::move(run.bytes)};
    if (run.unordered) {
        events.push(std::move(message));
        return;
    }
    const std::int64_t ssn = unwrap_ssn(stream, run.ssn);
    if (ssn == stream.next_ssn) {
        ++stream.next_ssn;
        events.push(std::move(message));
        deliver_waiting(stream, events);
    } else if (ssn > stream.next_ssn && !stream.waiting.contains(ssn)) {
        held_ += cost(message);
        stream.waiting.emplace(ssn, std::move(message));
    }
}

void Reassembly::deliver_waiting(Stream& stream, EventQueue& events) {
    while (!stream.waiting.empty() && stream.waiting.begin()->first <= stream.next_ssn) {
        auto node = stream.waiting.extract(stream.waiting.begin());
        stream.next_ssn = std::max(stream.next_ssn, node.key() + 1);
        held_ -= cost(node.mapped());
        events.push(std::move(node.mapped()));
    }
}

void Reassembly::forward(std::int64_t tsn, const wire::sctp::ForwardTsnView& skipped,
                         EventQueue& events) {
    while (!runs_.empty() && runs_.begin()->first <= tsn)
        drop_run(runs_.begin());
    for (std::size_t i = 0; i < skipped.skipped_count(); ++i) {
        const auto entry = skipped.skipped_stream(i);
        skip_to(entry.stream, entry.ssn, events);
    }
    CONFAB_DCHECK(sum_agrees());
}

// RFC 3758 §3.6: messages that waited up to the skipped number are delivered, then the stream
// goes on behind it.
void Reassembly::skip_to(std::uint16_t id, std::uint16_t ssn, EventQueue& events) {
    Stream* stream = stream_for(id);
    if (stream == nullptr) return;
    const std::int64_t last = unwrap_ssn(*stream, ssn);
    if (last < stream->next_ssn) return;
    while (!stream->waiting.empty() && stream->waiting.begin()->first <= last) {
        auto node = stream->waiting.extract(stream->waiting.begin());
        held_ -= cost(node.mapped());
        events.push(std::move(node.mapped()));
    }
    stream->next_ssn = last + 1;
    deliver_waiting(*stream, events);
}

void Reassembly::reset(std::span<const std::uint16_t> streams, EventQueue& events) {
    if (streams.empty()) {
        while (!streams_.empty()) {
            const std::uint16_t id = streams_.begin()->first;
            reset(std::span(&id, 1), events);
        }
        return;
    }
    for (const std::uint16_t id : streams) {
        const auto it = streams_.find(id);
        if (it != streams_.end()) {
            drop_stream_data(id, it->second);
            streams_.erase(it);
        }
        events.push(StreamReset{id});
    }
    CONFAB_DCHECK(sum_agrees());
}

}  // namespace confab::sctp
