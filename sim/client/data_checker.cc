// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/data_checker.h"

#include <utility>

namespace confab::sim {
namespace {

constexpr std::size_t kHeader = 1 + 5 * 4 + 8;

std::size_t size_of(const DataStamp& stamp) {
    const bool reliable = stamp.kind == DataKind::kReliable || stamp.kind == DataKind::kForbidden;
    return kHeader + std::size_t{stamp.number} * 97 % (reliable ? 2000 : 700);
}

}  // namespace

Bytes write_data(const DataStamp& stamp) {
    Bytes payload(size_of(stamp));
    ByteWriter out(payload);
    out.u8(static_cast<std::uint8_t>(stamp.kind));
    out.u32(stamp.speaker);
    out.u32(stamp.from);
    out.u32(stamp.to);
    out.u32(stamp.track);
    out.u32(stamp.number);
    out.u64(static_cast<std::uint64_t>(stamp.sent.us()));
    return payload;
}

std::optional<DataStamp> read_data(BytesView payload) {
    ByteReader in(payload);
    DataStamp stamp;
    stamp.kind = static_cast<DataKind>(in.u8());
    stamp.speaker = in.u32();
    stamp.from = in.u32();
    stamp.to = in.u32();
    stamp.track = in.u32();
    stamp.number = in.u32();
    stamp.sent = Timestamp::micros(static_cast<std::int64_t>(in.u64()));
    if (!in.ok() || stamp.kind > DataKind::kForbidden || payload.size() != size_of(stamp))
        return std::nullopt;
    const BytesView filling = payload.subspan(kHeader);
    if (std::ranges::any_of(filling, [](std::uint8_t byte) { return byte != 0; }))
        return std::nullopt;
    return stamp;
}

DataChecker::Stream DataChecker::stream_of(const DataStamp& stamp) {
    return {stamp.kind, stamp.speaker, stamp.kind == DataKind::kTrack ? stamp.track : stamp.to};
}

DataStamp DataChecker::next(Timestamp now, DataKind kind, std::uint32_t to,
                            std::uint32_t track) const {
    DataStamp stamp{kind, speaker_, person_, to, track, 0, now};
    stamp.number = count_sent(stream_of(stamp));
    return stamp;
}

void DataChecker::take(Timestamp now, DataKind kind, std::optional<std::uint32_t> track,
                       BytesView payload, Report& report) {
    const auto stamp = read_data(payload);
    const auto base = [](DataKind of) {
        return of == DataKind::kForbidden ? DataKind::kReliable : of;
    };
    if (!stamp) return report.violation(now, name_ + ": damaged message");
    if (base(stamp->kind) != kind) return report.violation(now, name_ + ": on the wrong channel");
    ++received_;
    if (stamp->to != 0 && stamp->to != person_)
        report.violation(now, name_ + ": message to person " + std::to_string(stamp->to));
    if (stamp->from == person_) report.violation(now, name_ + ": its own message");
    if (track.value_or(0) != 0 && *track != stamp->track)
        report.violation(now, name_ + ": data track " + std::to_string(stamp->track) +
                                  " under the handle of " + std::to_string(*track));
    const std::string objection =
        rules_ == nullptr ? std::string{} : rules_->objection(now, person_, *stamp);
    if (!objection.empty()) report.violation(now, name_ + ": " + objection);
    if (stamp->kind == DataKind::kReliable)
        take_in_order(now, *stamp, report);
    else
        take_once(now, *stamp, track.has_value(), report);
}

void DataChecker::take_in_order(Timestamp now, const DataStamp& stamp, Report& report) {
    const auto [expected, is_new] = expected_.try_emplace(stream_of(stamp), stamp.number);
    // What was said before a right was taken and given again may come, or may not.
    const bool under_way = std::exchange(last_sent_[stream_of(stamp)], stamp.sent) < forgotten_;
    if (expected->second != stamp.number && !(under_way && stamp.number > expected->second))
        report.violation(now, name_ + ": message " + std::to_string(stamp.number) + " of " +
                                  std::to_string(stamp.speaker) + " instead of " +
                                  std::to_string(expected->second));
    expected->second = stamp.number + 1;
}

void DataChecker::take_once(Timestamp now, const DataStamp& stamp, bool heard, Report& report) {
    const Stream stream = stream_of(stamp);
    if (!seen_[stream].insert(stamp.number).second)
        report.violation(now, name_ + ": message " + std::to_string(stamp.number) + " of " +
                                  std::to_string(stamp.speaker) + " twice");
    if (!heard) return;
    std::uint32_t& expected = expected_[stream];
    expected = std::max(expected, stamp.number + 1);
}

}  // namespace confab::sim
