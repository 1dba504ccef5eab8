// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// State of a machine as bytes and back (07 SIO-11). A machine has
//
//   void save(StateWriter& out) const;   // between two inputs, at any of its states
//   void load(StateReader& in);          // once, into a machine just made with its settings
//
// and names its fields once for both, in a private template that either of them calls:
//
//   template <typename Self, typename Io> void Machine::fields(Self& self, Io& io) {
//       io.field(1, self.counter_);
//   }
//
// load() refuses what would break the machine; sums that can be made from the rest are made.
#pragma once

#include <variant>

#include "base/bytes.h"
#include "base/state/reader.h"
#include "base/state/writer.h"
#include "base/time.h"

namespace confab {

template <typename Machine>
Bytes export_state(const Machine& machine, Timestamp now) {
    StateWriter out(now);
    StateAccess<Machine>::save(machine, out);
    return out.take();
}

// False: these bytes are no such state; the machine is of no use any more.
template <typename Machine>
[[nodiscard]] bool import_state(Machine& machine, BytesView bytes, Timestamp now) {
    StateReader in(bytes, now);
    StateAccess<Machine>::load(machine, in);
    return in.finish();
}

// Field 1 of a machine that is moved: raised when what a reader would skip must not be skipped.
// What is newer than the reader is refused.
template <typename Io>
void state_version(Io& io, std::uint32_t own) {
    std::uint32_t version = own;
    if constexpr (Io::kReads) version = 0;
    io.field(1, version);
    if constexpr (Io::kReads) io.require(version != 0 && version <= own);
}

// Which of the types a variant is and, when read, that one with nothing in it.
template <typename... Types>
void alternative(StateWriter& out, const std::variant<Types...>& value) {
    out.field(1, static_cast<std::uint64_t>(value.index()));
}
template <typename... Types>
void alternative(StateReader& in, std::variant<Types...>& value) {
    std::uint64_t index = 0;
    in.field(1, index);
    in.require(index < sizeof...(Types));
    std::uint64_t i = 0;
    ((i++ == index ? (void)(value = Types{}) : void()), ...);
}

}  // namespace confab
