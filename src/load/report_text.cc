// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>

#include "load/limits.h"
#include "load/report.h"
#include "load/report_numbers.h"

namespace confab::load {
namespace {

// Rows of cells; the first are the headings.
class Table {
  public:
    explicit Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    std::string text() const {
        std::vector<std::size_t> widths(rows_.front().size());
        for (const auto& row : rows_)
            for (std::size_t i = 0; i < row.size(); ++i)
                widths[i] = std::max(widths[i], row[i].size());
        std::string text = line(widths, "┌", "┬", "┐") + cells(rows_.front(), widths) +
                           line(widths, "├", "┼", "┤");
        for (std::size_t i = 1; i < rows_.size(); ++i)
            text += cells(rows_[i], widths);
        return text + line(widths, "└", "┴", "┘");
    }

  private:
    static std::string line(const std::vector<std::size_t>& widths, const char* left,
                            const char* middle, const char* right) {
        std::string text = left;
        for (std::size_t i = 0; i < widths.size(); ++i) {
            for (std::size_t n = 0; n < widths[i] + 2; ++n)
                text += "─";
            text += i + 1 < widths.size() ? middle : right;
        }
        return text + "\n";
    }
    static std::string cells(const std::vector<std::string>& row,
                             const std::vector<std::size_t>& widths) {
        std::string text;
        for (std::size_t i = 0; i < row.size(); ++i)
            text += "│ " + row[i] + std::string(widths[i] - row[i].size() + 1, ' ');
        return text + "│\n";
    }
    std::vector<std::vector<std::string>> rows_;
};

std::string rate_of(const StreamFigures& figures) {
    const double seconds = (figures.last - figures.first).to_seconds();
    return bit_rate_text(seconds > 0 ? static_cast<double>(figures.bytes) * 8 / seconds : 0);
}

std::string loss_text(const StreamFigures& figures) {
    return std::to_string(figures.lost) + " (" + percent_text(loss_of(figures)) + ")";
}

std::string track_table(const Report& report) {
    if (report.tracks.empty()) return {};
    Table table({"Tester", "Track", "Kind", "Pkts.", "Bitrate", "Pkt. Loss"});
    for (std::size_t i = 0; i < std::min(kMaxRows, report.tracks.size()); ++i) {
        const TrackRow& row = report.tracks[i];
        table.add(
            {row.identity, row.track_sid, row.kind == client::MediaKind::kAudio ? "audio" : "video",
             std::to_string(row.figures.packets), rate_of(row.figures), loss_text(row.figures)});
    }
    std::string text = "\nTrack loading:\n" + table.text();
    if (report.tracks.size() > kMaxRows)
        text += "and " + std::to_string(report.tracks.size() - kMaxRows) + " tracks more\n";
    return text;
}

std::string person_table(const Report& report) {
    Table table({"Tester", "Tracks", "Bitrate", "Total Pkt. Loss", "Error"});
    std::size_t shown = 0;
    std::size_t all = 0;
    for (const PersonRow& row : report.people) {
        if (row.expected == 0 && row.error.empty()) continue;
        ++all;
        if (shown == kMaxRows) continue;
        ++shown;
        table.add({row.identity, std::to_string(row.tracks) + "/" + std::to_string(row.expected),
                   rate_of(row.figures), loss_text(row.figures),
                   row.error.empty() ? "-" : row.error});
    }
    if (all > shown) table.add({"(" + std::to_string(all - shown) + " more)", "", "", "", ""});
    const Figures& figures = report.figures;
    const std::string errors = figures.failed() == 0 ? "0" : std::to_string(figures.failed());
    table.add({"Total",
               std::to_string(figures.tracks) + "/" + std::to_string(figures.expected_tracks),
               rate_of(figures.received), loss_text(figures.received), errors});
    return "\nSubscriber summaries:\n" + table.text();
}

std::string times_line(const char* what, const Histogram& times) {
    std::string text = std::string(what);
    text.resize(std::max<std::size_t>(text.size(), 18), ' ');
    if (times.count() == 0) return text + "nothing measured\n";
    return text + "p50 " + millis_text(times.percentile(0.5)) + "  p95 " +
           millis_text(times.percentile(0.95)) + "  p99 " + millis_text(times.percentile(0.99)) +
           "  max " + millis_text(times.longest()) + "\n";
}

std::string tester_line(const Report& report) {
    const TesterFigures& tester = report.tester;
    const auto packets = static_cast<double>(report.figures.received.packets + report.figures.sent);
    std::string text = "tester            " + decimal_text(tester.cpu.to_seconds(), 2) + " s CPU";
    if (packets > 0)
        text += ", " + decimal_text(tester.cpu.to_seconds() * 1e9 / packets, 0) + " ns per packet";
    text += ", busiest thread " + percent_text(tester.busiest) + ", datagrams dropped " +
            std::to_string(tester.drops) + ", late p99 " +
            millis_text(tester.lateness.percentile(0.99)) + " ms\n";
    if (tester.is_bound())
        text +=
            "TESTER-BOUND: this machine could not keep up; loss and latency may be the tester's "
            "own\n";
    return text;
}

}  // namespace

std::string tables_text(const Report& report) {
    return track_table(report) + person_table(report);
}

std::string figures_text(const Report& report) {
    const Figures& figures = report.figures;
    const StreamFigures& received = figures.received;
    std::string text = "\nMilliseconds:\n" + times_line("latency", figures.latency) +
                       times_line("  after 2 s", figures.settled_latency) +
                       times_line("join", figures.joins.connected) +
                       times_line("  WebSocket", figures.joins.web_socket) +
                       times_line("  join response", figures.joins.joined) +
                       times_line("  ICE", figures.joins.ice) +
                       times_line("  DTLS", figures.joins.connected) +
                       times_line("  first packet", figures.joins.first_rtp) +
                       times_line("  first picture", figures.joins.first_key_frame);
    if (figures.data_sent > 0) text += times_line("data", figures.data_latency);
    text += "\npackets           " + std::to_string(received.packets) + " received, " +
            std::to_string(received.lost) + " lost, " + std::to_string(received.missing) +
            " missing before " + std::to_string(received.repaired) + " repairs, " +
            std::to_string(figures.sent) + " sent\nfreezes           " +
            std::to_string(received.freezes) + " (" +
            decimal_text(received.frozen.to_seconds(), 2) + " s), gaps of sound " +
            std::to_string(received.audio_gaps) + "\n";
    if (figures.data_sent > 0)
        text += "data              " + std::to_string(figures.data_sent) + " sent, " +
                std::to_string(figures.data_received) + " received\n";
    return text + tester_line(report);
}

}  // namespace confab::load
