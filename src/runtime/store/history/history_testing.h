// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A folder for the history, and what may be in it.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "runtime/store/history/history_file.h"

namespace confab::store {

struct HistoryFolder {
    HistoryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "historyXXXXXX").string();
        path = mkdtemp(pattern.data());
    }
    ~HistoryFolder() { std::filesystem::remove_all(path); }
    HistoryFolder(const HistoryFolder&) = delete;
    HistoryFolder& operator=(const HistoryFolder&) = delete;

    std::string file() const { return path + "/" + HistoryFile::kFileName; }
    std::unique_ptr<HistoryFile> open(std::string* told = nullptr) const {
        std::string notice;
        auto opened = HistoryFile::open(path, notice);
        INFO((opened ? notice : opened.error()));
        REQUIRE(opened);
        if (told == nullptr)
            CHECK(notice.empty());
        else
            *told = notice;
        return *std::move(opened);
    }
    void overwrite(const std::string& bytes) const {
        std::ofstream(file(), std::ios::binary) << bytes;
    }
    std::string path;
};

// After the beginning of the test: the writer prunes by the clock.
inline UnixTime at(std::int64_t seconds) {
    static const UnixTime kBegin =
        UnixTime::micros(std::chrono::duration_cast<std::chrono::microseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count());
    return kBegin + Duration::seconds(seconds);
}
inline console::Minute minute(std::int64_t seconds, std::int64_t participants = 1) {
    console::Minute one;
    one.at = at(seconds);
    one.participants = participants;
    one.rooms = 2;
    one.joins = 3;
    one.refused = 4;
    one.bytes_in = 5.5;
    one.bytes_out = 6.5;
    one.cpu = 0.25;
    one.quality = 4.25;
    return one;
}
inline console::SessionStart session(const std::string& sid, std::int64_t seconds,
                                     const std::string& room = "r",
                                     const std::string& identity = "alice") {
    return {room, "RM_" + room, identity, sid, at(seconds), "js", "2.23.0", "Linux", "Firefox 128"};
}
inline console::SessionEnd end_of(const std::string& sid, std::int64_t seconds,
                                  const std::string& room = "r") {
    return {sid, "RM_" + room, at(seconds), "CLIENT_INITIATED", "udp", 4.5};
}
inline console::Event event(std::int64_t seconds, const std::string& kind = "action",
                            const std::string& text = "text") {
    return {at(seconds), kind, text, "r", "alice", "operator"};
}
inline void put(HistoryFile& file, const std::vector<console::HistoryWrite>& batch) {
    const auto written = file.write(batch);
    INFO((written ? std::string() : written.error().text));
    CHECK(written);
}
inline console::Range all_time() {
    return {UnixTime(), at(1'000'000)};
}
inline console::SessionsQuery all_sessions() {
    console::SessionsQuery query;
    query.range = all_time();
    return query;
}
inline console::EventsQuery all_events() {
    console::EventsQuery query;
    query.before = at(1'000'000);
    return query;
}

}  // namespace confab::store
