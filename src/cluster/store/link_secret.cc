// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/link_secret.h"

#include <utility>

#include "cluster/store/keys.h"

namespace confab::cluster::store {

void LinkSecret::handle_up(Timestamp now) {
    due_ = now;
}

void LinkSecret::doubt(Timestamp now) {
    due_ = earlier(due_, std::max(now, last_ + kSoonest));
}

void LinkSecret::handle_timeout(Timestamp now) {
    if (asking_ || now < due_) return;
    due_ = Timestamp::never();
    if (commands_.is_up()) ask(now);  // else handle_up() comes
}

// Both in one write; the second one's answer is what all have.
void LinkSecret::ask(Timestamp now) {
    asking_ = true;
    last_ = now;
    ++asked_;
    commands_.send_all(now, {{"SET", keys::kLinkSecret, secret_, "NX"}, {"GET", keys::kLinkSecret}},
                       [this](Timestamp at, std::vector<Answer> answers) {
                           asking_ = false;
                           if (failure_of(answers)) {
                               due_ = at + kRetry;
                               return;
                           }
                           std::string found = take_text(*std::move(answers[1]));
                           if (found.empty() || found.size() > kMaxSize) return;
                           secret_ = known_ = std::move(found);
                       });
}

}  // namespace confab::cluster::store
