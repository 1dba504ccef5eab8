// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client says to others and hears of them: reliable and lossy messages and data tracks,
// through all its sessions. It goes on sending what it has no right to send, so that the server is
// what stops it; what it hears is checked (data_checker.h).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "client/session/session.h"
#include "sim/client/data_checker.h"
#include "sim/ids.h"

namespace confab::sim {

class Messages {
  public:
    // `auto_subscribed`: the server subscribes it to data tracks; else it asks itself.
    Messages(DataChecker checker, bool auto_subscribed, Report& report, Numbers next_number);

    // From now on all is of this session, which outlives the next call; each data track has a
    // number of its own in it.
    void begin(client::Session& session);
    // The server may have dropped what was under way from it on purpose,
    void new_speaker() { checker_.set_speaker(next_number_()); }
    // or to it.
    void forget(Timestamp now) { checker_.forget(now); }

    // ---- what it says
    // To a person, or, by 0, to everybody. False: there is no channel (yet), or no room.
    bool say(Timestamp now, DataKind kind, std::uint32_t to_person, const std::string& to_identity);
    // One packet on each of its data tracks, whether or not the server has (still) any.
    void say_on_tracks(Timestamp now);
    void publish_track();
    // The last one.
    void unpublish_track();
    // What a new session, or the end of a right, took.
    void publish_again();

    // ---- what it hears
    // The data tracks of all others, now and later.
    void want_tracks(bool wanted);
    // The roster may have news.
    void ask_for_tracks();
    void take(Timestamp now, const client::DataArrived& arrived);
    void take(Timestamp now, const client::DataTrackArrived& arrived);

    const DataChecker& checker() const { return checker_; }
    // Numbers of its data tracks, each its handle.
    const std::vector<std::uint32_t>& tracks() const { return tracks_; }
    bool wants_tracks() const { return wants_tracks_; }
    bool auto_subscribed() const { return auto_subscribed_; }

  private:
    DataChecker checker_;
    bool auto_subscribed_;
    Report& report_;
    Numbers next_number_;
    client::Session* session_ = nullptr;
    std::vector<std::uint32_t> tracks_;
    std::set<std::string> asked_;  // sids, in this session
    bool wants_tracks_ = true;
};

}  // namespace confab::sim
