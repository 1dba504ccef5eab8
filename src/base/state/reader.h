// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reads what StateWriter wrote (07 SIO-11). The bytes may come from another version of this program
// or from anybody: lengths and ranges are checked, and after the first error nothing more is read
// and ok() is false. Fields are asked for with ascending tags; those that are there and not asked
// for are skipped (a newer writer knows more), those that are not there leave the value as it is
// (an older one knew less). So values are those of a machine just made, until they are read.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/bytes.h"
#include "base/state/writer.h"
#include "base/time.h"

namespace confab {

class StateReader {
  public:
    static constexpr bool kReads = true;
    // Lengths of time beyond it are an error.
    static constexpr std::int64_t kMaxMicros = StateWriter::kMaxMicros;

    StateReader(BytesView bytes, Timestamp now) : bytes_(bytes), now_(now) {}

    template <std::unsigned_integral T>
    void field(std::uint8_t tag, T& value) {
        if (const auto found = number(tag, std::numeric_limits<T>::max()))
            value = static_cast<T>(*found);
    }
    template <std::signed_integral T>
    void field(std::uint8_t tag, T& value) {
        const auto found =
            folded(tag, std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
        if (found) value = static_cast<T>(*found);
    }
    void field(std::uint8_t tag, Duration& value);
    void field(std::uint8_t tag, Timestamp& value);
    // The bytes themselves; they live as long as those given to the reader.
    void field(std::uint8_t tag, BytesView& value);
    void field(std::uint8_t tag, Bytes& value, std::size_t most);
    void field(std::uint8_t tag, std::string& value, std::size_t most);
    template <std::size_t N>
    void field(std::uint8_t tag, std::array<std::uint8_t, N>& value) {
        const auto found = take(tag);
        if (!found) return;
        if (found->size() != N) return refuse();
        std::copy(found->begin(), found->end(), value.begin());
    }
    template <typename T>
    void field(std::uint8_t tag, std::optional<T>& value) {
        if (is_next(tag)) field(tag, value.emplace(T{}));
    }
    template <typename E>
        requires std::is_enum_v<E>
    void choice(std::uint8_t tag, E& value, E last) {
        if (const auto found = number(tag, static_cast<std::uint64_t>(last)))
            value = static_cast<E>(*found);
    }

    // False when it is not there. What the body refuses is refused.
    template <typename Body>
    bool record(std::uint8_t tag, Body&& body) {
        const auto found = take(tag);
        if (!found) return false;
        StateReader inner(*found, now_);
        std::forward<Body>(body)(inner);
        if (!inner.finish()) refuse();
        return true;
    }
    template <typename Part>
    void part(std::uint8_t tag, Part& value) {
        record(tag, [&value](StateReader& in) { StateAccess<Part>::load(value, in); });
    }
    template <typename T, typename Body>
    void maybe(std::uint8_t tag, std::optional<T>& value, Body&& body) {
        if (is_next(tag)) record(tag, [&](StateReader& in) { body(in, value.emplace(T{})); });
    }
    // More than `most` elements are an error.
    template <typename List, typename Body>
    void list(std::uint8_t tag, List& values, std::size_t most, Body&& body) {
        while (is_next(tag)) {
            if (values.size() >= most) return refuse();
            typename List::value_type value{};
            record(tag, [&](StateReader& in) { body(in, value); });
            values.insert(values.end(), std::move(value));
        }
    }
    template <typename List>
    void numbers(std::uint8_t tag, List& values, std::size_t most) {
        while (is_next(tag)) {
            if (values.size() >= most) return refuse();
            typename List::value_type value{};
            field(tag, value);
            values.insert(values.end(), value);
        }
    }
    // Keys come once each.
    template <typename Map, typename Body>
    void map(std::uint8_t tag, Map& values, std::size_t most, Body&& body) {
        while (is_next(tag)) {
            if (values.size() >= most) return refuse();
            record(tag, [&](StateReader& in) {
                typename Map::key_type key{};
                in.field(1, key);
                const auto [entry, added] = values.try_emplace(key);
                if (!added) return in.refuse();
                body(in, entry->second);
            });
        }
    }

    // What was read can not be.
    void refuse() { ok_ = false; }
    void require(bool holds) {
        if (!holds) refuse();
    }
    bool ok() const { return ok_; }
    // True when all was read without error; what follows is walked over.
    bool finish();
    Timestamp now() const { return now_; }

  private:
    bool is_next(std::uint8_t tag);
    std::optional<BytesView> take(std::uint8_t tag);
    std::optional<std::uint64_t> number(std::uint8_t tag, std::uint64_t most);
    std::optional<std::int64_t> folded(std::uint8_t tag, std::int64_t least, std::int64_t most);
    void peek();

    BytesView bytes_;  // behind the field in `value_`
    Timestamp now_;
    BytesView value_;  // of the field that was looked at
    std::uint8_t tag_ = 0;
    bool peeked_ = false;
    bool ok_ = true;
};

}  // namespace confab
