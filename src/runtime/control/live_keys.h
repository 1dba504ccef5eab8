// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The API keys of a running server, which a reload of its configuration replaces as a whole.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "token/token.h"

namespace confab::control {

// Any thread may ask while another replaces: each answer is of the keys before or after.
class LiveKeys final : public token::KeyProvider {
  public:
    explicit LiveKeys(token::KeyMap keys)
        : keys_(std::make_shared<const token::KeyMap>(std::move(keys))) {}

    void replace(token::KeyMap keys) {
        auto replacement = std::make_shared<const token::KeyMap>(std::move(keys));
        const std::lock_guard lock(mutex_);
        keys_.swap(replacement);
    }

    std::optional<Key> find_key(std::string_view api_key) const override {
        return now()->find_key(api_key);
    }
    std::optional<Key> signing_key_of(std::string_view tenant) const override {
        return now()->signing_key_of(tenant);
    }
    std::set<std::string> tenants() const override { return now()->tenants(); }

  private:
    std::shared_ptr<const token::KeyMap> now() const {
        const std::lock_guard lock(mutex_);
        return keys_;
    }

    mutable std::mutex mutex_;
    std::shared_ptr<const token::KeyMap> keys_;
};

}  // namespace confab::control
