// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/commands/host.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "base/text.h"
#include "crypto/random.h"

namespace confab::app {
namespace {

Result<FileText, std::string> last_error() {
    return tl::make_unexpected(to_lower(std::generic_category().message(errno)));
}

// Closes on every way out.
struct Descriptor {
    int fd;
    explicit Descriptor(int number) : fd(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

// Mode and content come from one open file: nobody can exchange it in between.
Result<FileText, std::string> read_file(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd < 0) return last_error();
    struct stat status{};
    if (::fstat(file.fd, &status) != 0) return last_error();
    if (S_ISDIR(status.st_mode)) return tl::make_unexpected(std::string("is a directory"));
    FileText out{.text = {}, .mode = status.st_mode & 0777U};
    char buffer[8192];
    while (true) {
        const ssize_t count = ::read(file.fd, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return last_error();
        if (count == 0) return out;
        out.text.append(buffer, static_cast<std::size_t>(count));
        if (out.text.size() > kMaxFileSize)
            return tl::make_unexpected(std::string("larger than 1 MiB"));
    }
}

std::optional<std::string> read_variable(std::string_view name) {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
}

UnixTime wall_clock() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return UnixTime::micros(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

volatile std::sig_atomic_t interrupts = 0;

// The first signal asks for the end; the second one ends the program.
bool interrupted() {
    static const bool installed = [] {
        for (const int number : {SIGINT, SIGTERM})
            (void)std::signal(number, [](int got) {
                interrupts = 1;
                (void)std::signal(got, SIG_DFL);
            });
        return true;
    }();
    return installed && interrupts != 0;
}

void show_progress(const std::string& text) {
    if (::isatty(STDERR_FILENO) == 0) return;
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
}

}  // namespace

Host system_host() {
    return {.env = read_variable,
            .read_file = read_file,
            .fill_random = [](BytesSpan out) { crypto::fill_random(out); },
            .now = wall_clock,
            .serve = {},
            .netsim = {},
            .load_test = {},
            .progress = show_progress,
            .interrupted = interrupted};
}

}  // namespace confab::app
