// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/joins.h"

#include <variant>

#include "api/join/join_errors.h"
#include "api/limits/request_limits.h"
#include "base/text.h"
#include "room/scope/join_errors.h"
#include "token/token_errors.h"

namespace confab::console {
namespace {

constexpr std::string_view kOther = "another reason";

template <typename Errors>
std::string_view find_reason(const Errors& errors, int status, std::string_view text) {
    for (const ErrorText& error : errors)
        if (error.status == status && text.starts_with(error.text)) return error.text;
    return {};
}

}  // namespace

void JoinCounts::note(const room::Observation& observation) {
    if (const auto* reached = std::get_if<room::JoinReached>(&observation)) {
        switch (reached->state) {
            case room::JoinState::kInit:
                ++admitted;
                break;
            case room::JoinState::kSuccess:
                ++connected;
                break;
            case room::JoinState::kFailure:
                ++failed;
                break;
            case room::JoinState::kCanceled:
                ++canceled;
                break;
            case room::JoinState::kConnected:
            case room::JoinState::kActive:
                break;
        }
    } else if (const auto* seen = std::get_if<room::QualitySeen>(&observation)) {
        ++qualities;
        quality_sum += static_cast<double>(seen->score.mos);
    }
}

void JoinCounts::refuse(std::string_view reason, std::uint64_t count) {
    for (Refused& one : refused) {
        if (one.reason.empty()) one.reason = reason;
        if (one.reason != reason && &one != &refused.back()) continue;
        one.count += count;
        return;
    }
}

void JoinCounts::merge(const JoinCounts& other) {
    admitted += other.admitted;
    connected += other.connected;
    failed += other.failed;
    canceled += other.canceled;
    qualities += other.qualities;
    quality_sum += other.quality_sum;
    for (const Refused& one : other.refused)
        if (one.count > 0) refuse(one.reason, one.count);
}

std::uint64_t JoinCounts::refusals() const {
    std::uint64_t all = 0;
    for (const Refused& one : refused)
        all += one.count;
    return all;
}

std::string_view refusal_reason(int status, std::string_view text) {
    // What follows a colon says more.
    const std::string_view unreadable = token::kUnreadableToken.text;
    std::string_view reason;
    if (text.starts_with(unreadable) && text.size() > unreadable.size() + 2)
        reason = find_reason(token::kTokenErrors, status, text.substr(unreadable.size() + 2));
    if (reason.empty()) reason = find_reason(token::kTokenErrors, status, text);
    if (reason.empty()) reason = find_reason(api::join_errors::kAll, status, text);
    if (reason.empty()) reason = find_reason(room::join_errors::kAll, status, text);
    if (reason.empty()) reason = api::limit_in(text);
    // Of those that details follow in brackets, what stands before.
    reason = trim(reason.substr(0, reason.find('(')));
    return reason.empty() ? kOther : reason;
}

}  // namespace confab::console
