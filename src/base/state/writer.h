// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Writes the state of a machine so that another process can go on with it (07 SIO-11):
// docs/design/migration.md. A record is a row of fields with ascending tags:
//
//   tag (1 byte) | length (1 to 5 bytes, 7 bits each, lowest first, top bit: more) | value
//
// A number is as many big-endian bytes as it needs, 0 none; signed ones are folded (0, -1, 1, -2
// …); a point of time is told relative to `now`; a list is its tag again and again, a part of a
// machine is a record of its own as the value. Names and order of the calls are those of
// StateReader, so that a machine lists its fields once for both: see state.h.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace confab {

// How a machine is saved and loaded: by its own members, unless it says otherwise.
template <typename Machine>
struct StateAccess {
    static void save(const Machine& machine, auto& out) { machine.save(out); }
    static void load(Machine& machine, auto& in) { machine.load(in); }
};

// Keys pass through the buffers of a writer: none of those it grows out of keeps them.
template <typename T>
struct WipingAllocator : std::allocator<T> {
    void deallocate(T* values, std::size_t size) {
        volatile T* const wiped = values;
        for (std::size_t i = 0; i < size; ++i)
            wiped[i] = T{};
        std::allocator<T>::deallocate(values, size);
    }
};

class StateWriter {
  public:
    static constexpr bool kReads = false;
    // Times farther from now, about 35 years, are told as that far: sums of two can not overflow.
    static constexpr std::int64_t kMaxMicros = std::int64_t{1} << 50;
    explicit StateWriter(Timestamp now) : now_(now) {}

    template <std::unsigned_integral T>
    void field(std::uint8_t tag, const T& value) {
        number(tag, std::uint64_t{value});
    }
    template <std::signed_integral T>
    void field(std::uint8_t tag, const T& value) {
        number(tag, fold(value));
    }
    void field(std::uint8_t tag, const Duration& value) { number(tag, fold(bounded(value.us()))); }
    // 0 is never, so that every other one is told one higher.
    void field(std::uint8_t tag, const Timestamp& value) {
        number(tag, value.is_never() ? 0 : fold(bounded((value - now_).us())) + 1);
    }
    void field(std::uint8_t tag, BytesView value) { bytes(tag, value); }
    // `most`: what the reader takes.
    void field(std::uint8_t tag, const Bytes& value, std::size_t /*most*/) { bytes(tag, value); }
    void field(std::uint8_t tag, const std::string& value, std::size_t /*most*/) {
        bytes(tag, as_bytes(value));
    }
    template <std::size_t N>
    void field(std::uint8_t tag, const std::array<std::uint8_t, N>& value) {
        bytes(tag, value);
    }
    // Nothing is written for nullopt.
    template <typename T>
    void field(std::uint8_t tag, const std::optional<T>& value) {
        if (value) field(tag, *value);
    }
    // `last`: the highest enumerator.
    template <typename E>
        requires std::is_enum_v<E>
    void choice(std::uint8_t tag, const E& value, E /*last*/) {
        number(tag, static_cast<std::uint64_t>(value));
    }

    // body(StateWriter&) writes the fields of the record.
    template <typename Body>
    void record(std::uint8_t tag, Body&& body) {
        const std::size_t at = begin(tag);
        std::forward<Body>(body)(*this);
        end(at);
    }
    // A part with save() and load().
    template <typename Part>
    void part(std::uint8_t tag, const Part& value) {
        record(tag, [&value](StateWriter& out) { StateAccess<Part>::save(value, out); });
    }
    // A record if there is one; body(StateWriter&, const T&).
    template <typename T, typename Body>
    void maybe(std::uint8_t tag, const std::optional<T>& value, Body&& body) {
        if (value) record(tag, [&](StateWriter& out) { body(out, *value); });
    }
    // A record for each; body(StateWriter&, const element&).
    template <typename List, typename Body>
    void list(std::uint8_t tag, const List& values, std::size_t /*most*/, Body&& body) {
        for (const auto& value : values)
            record(tag, [&](StateWriter& out) { body(out, value); });
    }
    // A number for each, for vectors and sets.
    template <typename List>
    void numbers(std::uint8_t tag, const List& values, std::size_t /*most*/) {
        for (const auto& value : values)
            field(tag, value);
    }
    // A record for each with the key as field 1; body(StateWriter&, const mapped&).
    template <typename Map, typename Body>
    void map(std::uint8_t tag, const Map& values, std::size_t /*most*/, Body&& body) {
        for (const auto& entry : values)
            record(tag, [&](StateWriter& out) {
                out.field(1, entry.first);
                body(out, entry.second);
            });
    }

    Timestamp now() const { return now_; }
    BytesView view() const { return out_; }
    Bytes take() const { return to_vector(out_); }

  private:
    static constexpr std::int64_t bounded(std::int64_t us) {
        return std::clamp(us, -kMaxMicros, kMaxMicros);
    }
    static constexpr std::uint64_t fold(std::int64_t value) {
        return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
    }
    void number(std::uint8_t tag, std::uint64_t value);
    void bytes(std::uint8_t tag, BytesView value);
    std::size_t begin(std::uint8_t tag);
    void end(std::size_t at);

    Timestamp now_;
    std::vector<std::uint8_t, WipingAllocator<std::uint8_t>> out_;
};

}  // namespace confab
