// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The program `confab`: arguments in, texts and exit code out.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "app/commands/command_line.h"
#include "app/netsim/run_netsim.h"
#include "app/serve/server.h"
#include "runtime/load/run_load.h"

int main(int argc, char** argv) {
    using namespace confab::app;
    try {
        Host host = system_host();
        host.serve = run_server;
        host.netsim = run_netsim;
        host.load_test = confab::load::run_load;
        const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
        const Outcome outcome = run_command(arguments, host);
        std::fputs(outcome.out.c_str(), stdout);
        std::fputs(outcome.err.c_str(), stderr);
        return outcome.code;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "error: %s; please report this with the command line\n", error.what());
    } catch (...) {
        std::fputs("error: unknown; please report this with the command line\n", stderr);
    }
    return kExitFailure;
}
