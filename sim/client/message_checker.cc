// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/message_checker.h"

namespace confab::sim {
namespace {
constexpr std::size_t kHeader = 12;
// Some messages need more than one packet.
std::size_t size_of(std::uint32_t number) {
    return kHeader + number * 97 % 2000;
}
}  // namespace

Bytes MessageChecker::next_message(std::uint32_t to_person) const {
    const std::uint32_t number = count_sent(to_person);
    Bytes payload(size_of(number));
    ByteWriter out(payload);
    out.u32(speaker_);
    out.u32(to_person);
    out.u32(number);
    return payload;
}

void MessageChecker::take(Timestamp now, BytesView payload, Report& report) {
    ByteReader in(payload);
    const std::uint32_t speaker = in.u32();
    const std::uint32_t to = in.u32();
    const std::uint32_t number = in.u32();
    if (!in.ok() || payload.size() != size_of(number))
        return report.violation(now, name_ + ": damaged message");
    ++received_;
    if (to != 0 && to != person_)
        return report.violation(now, name_ + ": message to person " + std::to_string(to));
    const auto [expected, is_new] = expected_.try_emplace({speaker, to}, number);
    if (expected->second != number)
        report.violation(now, name_ + ": message " + std::to_string(number) + " of " +
                                  std::to_string(speaker) + " instead of " +
                                  std::to_string(expected->second));
    expected->second = number + 1;
}

}  // namespace confab::sim
