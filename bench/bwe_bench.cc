// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Both estimators of a subscriber's link in the scenarios of RFC 8867 §5 and the profiles N1 to N7
// (02 §11), in virtual time: a table of what came of each, and plots of the rates.
//   bwe_bench [--svg FOLDER] [--only ID] [--seed N] [--trace 1]: each second of the flows
// bench: modules sfu rtc/bwe wire base
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bwe_plot.h"
#include "sfu/congestion/send_side/rmcat_scenarios_testing.h"

namespace {

using namespace confab::sfu::test;

struct Arguments {
    std::string folder;
    std::string only;
    std::uint64_t seed = 1;
    bool trace = false;
};

Arguments parse(int argc, char** argv) {
    Arguments out;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        if (name == "--svg") out.folder = argv[i + 1];
        if (name == "--only") out.only = argv[i + 1];
        if (name == "--trace") out.trace = std::string_view(argv[i + 1]) == "1";
        if (name == "--seed") out.seed = std::strtoull(argv[i + 1], nullptr, 10);
    }
    return out;
}

void print_head() {
    std::puts(
        "| | Scenario | Estimator | Used | Queue p50 / p95 ms | Lost | Audio lost | Probes | "
        "Converges s | Fairness | Changes/min | TCP's share |");
    std::puts("|---|---|---|---|---|---|---|---|---|---|---|---|");
}

void print_row(const Scenario& s, const char* estimator, const Outcome& o) {
    std::printf(
        "| %s | %s | %s | %.0f %% | %.0f / %.0f | %.2f %% | %.2f %% | %.1f %% | %.0f | %.2f | %.1f "
        "| %s |\n",
        s.id.c_str(), s.title.c_str(), estimator, 100 * o.utilisation, o.delay_p50_ms,
        o.delay_p95_ms, 100 * o.loss, 100 * o.audio_loss, 100 * o.probes, o.converge_s, o.fairness,
        o.changes_per_minute,
        s.tcp.empty() ? "" : (std::to_string(static_cast<int>(100 * o.tcp_share)) + " %").c_str());
}

// kbit/s that arrived and, of the first flow, its estimate.
void print_seconds(const Outcome& o) {
    for (std::size_t s = 0; s < o.capacity.size(); ++s) {
        std::printf("%4zu s %7.0f |", s, o.capacity[s] / 1000);
        for (const std::vector<Second>& flow : o.seconds)
            std::printf(" %6.0f", static_cast<double>(flow[s].received) / 1000);
        std::printf(" | %7.0f\n", static_cast<double>(o.seconds.front()[s].estimate) / 1000);
    }
}

bench::Panel panel(std::string title, const Outcome& o) {
    bench::Panel out;
    out.title = std::move(title);
    out.capacity = o.capacity;
    for (const std::vector<Second>& flow : o.seconds) {
        std::vector<double> rates;
        rates.reserve(flow.size());
        for (const Second& second : flow)
            rates.push_back(second.received);
        out.rates.push_back(std::move(rates));
    }
    for (const Second& second : o.seconds.front())
        out.estimate.push_back(second.estimate);
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments = parse(argc, argv);
    std::vector<Scenario> all = rmcat_scenarios();
    for (Scenario& scenario : profile_scenarios())
        all.push_back(std::move(scenario));
    print_head();
    for (const Scenario& scenario : all) {
        if (!arguments.only.empty() && arguments.only != scenario.id) continue;
        const Outcome ours = run_scenario(scenario, true, arguments.seed);
        const Outcome remb = run_scenario(scenario, false, arguments.seed);
        print_row(scenario, "send-side", ours);
        print_row(scenario, "REMB", remb);
        if (arguments.trace) print_seconds(ours);
        std::fflush(stdout);
        if (arguments.folder.empty()) continue;
        std::ofstream file(arguments.folder + "/bwe-" + scenario.id + ".svg");
        file << bench::plot(scenario.id + ": " + scenario.title,
                            {panel("send-side", ours), panel("REMB", remb)});
        if (!file.flush()) {
            std::fprintf(stderr, "cannot write %s/bwe-%s.svg\n", arguments.folder.c_str(),
                         scenario.id.c_str());
            return 1;
        }
    }
    return 0;
}
