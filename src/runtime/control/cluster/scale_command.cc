// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/scale_command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

// Ours, but for what the program is told.
std::vector<std::string> environment(const ScaleCommand::Said& said) {
    std::vector<std::string> all;
    for (char** one = environ; *one != nullptr; ++one)
        all.emplace_back(*one);
    all.push_back("CONFAB_DESIRED_NODES=" + std::to_string(said.desired));
    all.push_back("CONFAB_SERVING_NODES=" + std::to_string(said.serving));
    all.push_back("CONFAB_MAY_GO=" + said.drain.value_or(""));
    return all;
}

// Without what we read and without our sockets, in a group of its own, with no signal blocked or
// ignored; what it writes is with our log. 0, or an errno.
int spawn(const std::string& program, const ScaleCommand::Said& said, pid_t& pid) {
    std::vector<std::string> texts = environment(said);
    std::vector<char*> variables;
    variables.reserve(texts.size() + 1);
    for (std::string& text : texts)
        variables.push_back(text.data());
    variables.push_back(nullptr);
    std::string name = program;
    char* arguments[] = {name.data(), nullptr};

    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int error =
        posix_spawn(&pid, program.c_str(), &files, &attributes, arguments, variables.data());
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error;
}

}  // namespace

ScaleCommand::ScaleCommand(net::EventLoop& loop, ScaleCommandOptions options, Ended ended)
    : loop_(loop), options_(std::move(options)), ended_(std::move(ended)), timer_(loop_) {}

ScaleCommand::~ScaleCommand() {
    if (!is_running()) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, WNOHANG);
}

void ScaleCommand::say(const Said& said) {
    if (options_.program.empty()) return;
    wanted_ = said;
    if (!is_running()) run();
}

void ScaleCommand::run() {
    running_ = *std::exchange(wanted_, std::nullopt);
    if (const int error = spawn(options_.program, running_, pid_); error != 0) {
        pid_ = 0;
        return finish(Result::kFailed, std::strerror(error));
    }
    is_killed_ = false;
    until_ = net::EventLoop::now() + options_.patience;
    timer_.set(net::EventLoop::now() + kLook, [this] { look(); });
}

void ScaleCommand::look() {
    int status = 0;
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == 0) {
        if (!is_killed_ && net::EventLoop::now() >= until_) {
            is_killed_ = true;
            ::kill(-pid_, SIGKILL);
        }
        return timer_.set(net::EventLoop::now() + kLook, [this] { look(); });
    }
    pid_ = 0;
    if (is_killed_) return finish(Result::kKilled, "it took too long and was killed");
    if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return finish(Result::kDone, "");
    finish(Result::kFailed, WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                                              : std::string("ended by a signal"));
}

void ScaleCommand::finish(Result result, const std::string& how) {
    ended_(result);
    if (result == Result::kDone) {
        telemetry::log_info("confab.scale_command", {{"desired", running_.desired}});
        if (wanted_) run();
        return;
    }
    telemetry::log_error(
        "confab.scale_command failed, and is run again later",
        {{"program", options_.program}, {"desired", running_.desired}, {"error", how}});
    if (!wanted_) wanted_ = running_;
    timer_.set(net::EventLoop::now() + kAgain, [this] {
        if (wanted_ && !is_running()) run();
    });
}

}  // namespace confab::control
