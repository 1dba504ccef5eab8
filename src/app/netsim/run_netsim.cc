// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/netsim/run_netsim.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <utility>

#include "app/netsim/netsim_report.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/open_files.h"

namespace confab::app {
namespace {

// SIGINT and SIGTERM as something to wait for.
worker::FileDescriptor end_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return {};
    return worker::FileDescriptor(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

void tell(const std::string& text) {
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
}

}  // namespace

Result<netsim::Totals, std::string> run_netsim(netsim::RelayOptions options) {
    const worker::FileDescriptor signals = end_signals();
    if (!signals) return fail(std::string("the kernel takes no descriptor for signals"));
    options.stop_fd = signals.get();
    worker::raise_open_files();  // one for each client
    const auto node = netsim::RelayNode::open(options);
    if (!node) return fail(node.error());
    for (const netsim::Route& route : (*node)->routes())
        tell(route_line(route));
    const bool is_terminal = ::isatty(STDERR_FILENO) != 0;
    netsim::Totals before;
    (*node)->run({.on_second =
                      [&](const netsim::Totals& now) {
                          if (is_terminal) tell("\r\033[K" + progress_text(before, now));
                          before = now;
                      },
                  .on_command =
                      [](const std::string& line, const std::string& error) {
                          tell(error.empty() ? "applied " + line + "\n" : "error: " + error + "\n");
                      }});
    if (is_terminal) tell("\r\033[K");
    return (*node)->totals();
}

}  // namespace confab::app
