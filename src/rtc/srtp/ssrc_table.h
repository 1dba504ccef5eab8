// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A small bounded table from SSRC to state, for the receiving side. States are made only for
// authenticated packets; when the table is full the least recently used one is dropped, which can
// only be provoked by the owner of the key.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace confab::srtp {

template <typename State, std::size_t kMax>
class SsrcTable {
  public:
    // Null for an unknown SSRC. Does not count as use.
    State* find(std::uint32_t ssrc) noexcept {
        if (hint_ < ssrcs_.size() && ssrcs_[hint_] == ssrc) return &entries_[hint_].state;
        const auto it = std::find(ssrcs_.begin(), ssrcs_.end(), ssrc);
        if (it == ssrcs_.end()) return nullptr;
        hint_ = static_cast<std::size_t>(it - ssrcs_.begin());
        return &entries_[hint_].state;
    }
    // The state of the SSRC, made if there is none, marked as just used. Memory grows with the
    // number of SSRCs only, up to kMax.
    State& use(std::uint32_t ssrc) noexcept {
        if (find(ssrc) == nullptr) insert(ssrc);
        entries_[hint_].used = ++clock_;
        return entries_[hint_].state;
    }
    bool contains(std::uint32_t ssrc) const noexcept {
        return std::find(ssrcs_.begin(), ssrcs_.end(), ssrc) != ssrcs_.end();
    }
    std::size_t size() const { return ssrcs_.size(); }
    std::uint64_t evictions() const { return evictions_; }

    // base/state/state.h
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io) {
        io.field(1, self.clock_);
        io.field(2, self.evictions_);
        std::size_t at = 0;
        io.list(3, self.entries_, kMax, [&](auto& inner, auto& entry) {
            if constexpr (Io::kReads) {
                std::uint32_t ssrc = 0;
                inner.field(1, ssrc);
                inner.require(!self.contains(ssrc));
                self.ssrcs_.push_back(ssrc);
            } else {
                inner.field(1, self.ssrcs_[at++]);
            }
            inner.field(2, entry.used);
            inner.record(3, [&entry](auto& state) { State::fields(entry.state, state); });
        });
    }

  private:
    struct Entry {
        State state{};
        std::uint64_t used = 0;
    };
    void insert(std::uint32_t ssrc) noexcept {
        if (ssrcs_.size() < kMax) {
            hint_ = ssrcs_.size();
            ssrcs_.push_back(ssrc);
            entries_.emplace_back();
            return;
        }
        const auto oldest =
            std::min_element(entries_.begin(), entries_.end(),
                             [](const Entry& a, const Entry& b) { return a.used < b.used; });
        hint_ = static_cast<std::size_t>(oldest - entries_.begin());
        ssrcs_[hint_] = ssrc;
        *oldest = Entry{};
        ++evictions_;
    }

    std::vector<std::uint32_t> ssrcs_;  // apart from the states, so that a search stays in cache
    std::vector<Entry> entries_;
    std::size_t hint_ = 0;
    std::uint64_t clock_ = 0;
    std::uint64_t evictions_ = 0;
};

}  // namespace confab::srtp
