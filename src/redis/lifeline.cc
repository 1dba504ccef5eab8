// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/lifeline.h"

#include <algorithm>

namespace confab::redis {

void Lifeline::connected(Timestamp now, const Login& login, Session::MessageHandler on_message,
                         Timing timing) {
    connecting_ = false;
    session_ = std::make_unique<Session>(now, login, std::move(on_message), timing);
}

void Lifeline::closed(Timestamp now, std::string_view why) {
    if (session_)
        session_->closed(now, why);
    else if (std::exchange(connecting_, false))
        failed_ = Fault{Fault::Code::kClosed, std::string(why)};
}

void Lifeline::move(Timestamp now, std::string_view why) {
    at_once_ = keeps();
    closed(now, why);
    if (!at_once_) next_attempt_ = now;
}

std::optional<Fault> Lifeline::look(Timestamp now) {
    std::optional<Fault> fault = std::exchange(failed_, std::nullopt);
    if (session_ && session_->state() == Session::State::kEnded) {
        fault = session_->fault();
        session_.reset();
    }
    if (!fault) return fault;
    trouble_ = fault->text;
    if (!trouble_since_) trouble_since_ = now;
    const auto chance =
        static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(pause_.us()) / 2 + 1));
    next_attempt_ = now + Duration::micros(pause_.us() / 2 + chance);
    const bool is_soon = now < *trouble_since_ + kSoon;
    pause_ = std::min(pause_ * 2, is_soon ? kSoonPause : kLongestPause);
    if (std::exchange(at_once_, false)) next_attempt_ = now;
    return fault;
}

Timestamp Lifeline::next_deadline() const {
    if (failed_ || (session_ && session_->state() == Session::State::kEnded))
        return Timestamp::micros(0);  // look() has something to tell
    if (session_) return session_->next_deadline();
    return connecting_ ? Timestamp::never() : next_attempt_;
}

}  // namespace confab::redis
