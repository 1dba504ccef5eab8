// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The program `confab`: arguments in, texts and exit code out.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "app/cli/listen_webhooks.h"
#include "app/commands/command_line.h"
#include "app/doctor/examine.h"
#include "app/netsim/run_netsim.h"
#include "app/serve/server.h"
#include "runtime/load/join/join_room.h"
#include "runtime/load/run_load.h"

namespace {

// Without the folder.
std::string program_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

}  // namespace

int main(int argc, char** argv) {
    using namespace confab::app;
    try {
        Host host = system_host();
        host.serve = run_server;
        host.netsim = run_netsim;
        host.examine = confab::doctor::examine;
        host.load_test = confab::load::run_load;
        host.join = confab::load::join_room;
        host.listen_webhooks = listen_webhooks;
        if (argc > 0) host.program = program_name(argv[0]);
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
