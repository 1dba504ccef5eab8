// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data among the people of a run: reliable messages, lossy ones and packets of data tracks. Each
// carries a stamp: its speaker (a session of a person), to whom it is, a number that counts up and
// the time when it was sent. A receiver may begin anywhere. From then on nothing reliable is lost,
// repeated or overtaken, nothing lossy comes twice, and nothing comes that is for others or, by
// DataRules, for nobody.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/report.h"

namespace confab::sim {

enum class DataKind : std::uint8_t {
    kReliable,
    kLossy,
    kTrack,
    kForbidden,  // reliable, sent without the right to
};

struct DataStamp {
    DataKind kind = DataKind::kReliable;
    std::uint32_t speaker = 0;
    std::uint32_t from = 0;   // a person
    std::uint32_t to = 0;     // 0: everybody
    std::uint32_t track = 0;  // the number of a data track
    std::uint32_t number = 0;
    Timestamp sent;
    bool operator==(const DataStamp&) const = default;
};

// The stamp and a filling that follows from it: some messages need more than one packet.
Bytes write_data(const DataStamp& stamp);
// nullopt for what was not written so.
std::optional<DataStamp> read_data(BytesView payload);

// What the server was told about who may hear whom.
class DataRules {
  public:
    virtual ~DataRules() = default;
    // Why it must not have arrived; empty when it may.
    virtual std::string objection(Timestamp now, std::uint32_t person,
                                  const DataStamp& stamp) const = 0;
};

class DataChecker {
  public:
    // Kind, speaker and destination, or number of the data track.
    using Stream = std::tuple<DataKind, std::uint32_t, std::uint32_t>;

    DataChecker(std::string name, std::uint32_t person, const DataRules* rules)
        : name_(std::move(name)), person_(person), rules_(rules) {}

    // ---- sending
    // What is sent from now on is another speaker's.
    void set_speaker(std::uint32_t speaker) {
        speaker_ = speaker;
        sent_.clear();
    }
    std::uint32_t speaker() const { return speaker_; }
    DataStamp next(Timestamp now, DataKind kind, std::uint32_t to, std::uint32_t track) const;
    void sent(const DataStamp& stamp) { sent_[stream_of(stamp)] = stamp.number + 1; }
    // How many were sent to a stream.
    std::uint32_t count_sent(const Stream& stream) const { return at(sent_, stream); }

    // ---- receiving
    // `track`: the number of the data track under whose handle it came, 0 when nobody has told of
    // it; nullopt for a handle that names nothing: an application does not hear it.
    void take(Timestamp now, DataKind kind, std::optional<std::uint32_t> track, BytesView payload,
              Report& report);
    // What was said so far may be dropped on purpose: streams begin again anywhere.
    void forget(Timestamp now = {}) {
        expected_.clear();
        forgotten_ = std::max(forgotten_, now);
    }
    // The next one of a reliable stream, or the highest one of others and 1.
    std::uint32_t expected(const Stream& stream) const { return at(expected_, stream); }
    std::uint64_t received() const { return received_; }

  private:
    static std::uint32_t at(const std::map<Stream, std::uint32_t>& map, const Stream& stream) {
        const auto found = map.find(stream);
        return found == map.end() ? 0 : found->second;
    }
    static Stream stream_of(const DataStamp& stamp);
    void take_in_order(Timestamp now, const DataStamp& stamp, Report& report);
    void take_once(Timestamp now, const DataStamp& stamp, bool heard, Report& report);

    std::string name_;
    std::uint32_t person_;
    const DataRules* rules_;
    std::uint32_t speaker_ = 0;
    std::map<Stream, std::uint32_t> sent_;
    std::map<Stream, std::uint32_t> expected_;
    Timestamp forgotten_;
    std::map<Stream, Timestamp> last_sent_;           // of the reliable ones that came
    std::map<Stream, std::set<std::uint32_t>> seen_;  // of what needs no order
    std::uint64_t received_ = 0;
};

}  // namespace confab::sim
