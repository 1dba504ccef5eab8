// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/commands/host.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "base/text.h"
#include "crypto/random.h"
#include "runtime/net/http/http_call.h"

namespace confab::app {
namespace {

constexpr std::size_t kMaxLine = 4096;  // of an answer; the rest is left out

// Of a server's answer: a list of a hundred thousand participants.
constexpr std::size_t kMaxAnswer = 64 * 1024 * 1024;
constexpr std::size_t kMaxMedia = 256 * 1024 * 1024;

std::string last_reason() {
    return to_lower(std::generic_category().message(errno));
}
Result<FileText, std::string> last_error() {
    return tl::make_unexpected(last_reason());
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
Result<FileText, std::string> read_up_to(const std::string& path, std::size_t limit,
                                         const char* too_large) {
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
        if (out.text.size() > limit) return tl::make_unexpected(std::string(too_large));
    }
}
Result<FileText, std::string> read_file(const std::string& path) {
    return read_up_to(path, kMaxFileSize, "larger than 1 MiB");
}
Result<std::string, std::string> read_media(const std::string& path) {
    CONFAB_TRY(FileText file, read_up_to(path, kMaxMedia, "larger than 256 MiB"));
    return std::move(file.text);
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

// Beside it first: who reads it at that moment, or a full disk, finds the old one.
Result<void, std::string> write_file(const std::string& path, const std::string& text,
                                     unsigned mode) {
    const std::size_t slash = path.rfind('/');
    if (slash != path.npos && slash > 0) (void)::mkdir(path.substr(0, slash).c_str(), 0700);
    const std::string beside = path + "." + std::to_string(::getpid()) + ".new";
    {
        const Descriptor file(
            ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (file.fd < 0) return tl::make_unexpected(last_reason());
        if (write_all(file.fd, text) && ::fchmod(file.fd, mode) == 0 && ::fsync(file.fd) == 0 &&
            ::rename(beside.c_str(), path.c_str()) == 0)
            return {};
    }
    const std::string reason = last_reason();
    (void)::unlink(beside.c_str());
    return tl::make_unexpected(reason);
}

Result<std::string, std::string> read_input() {
    std::string text;
    char buffer[8192];
    while (true) {
        const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return tl::make_unexpected("standard input: " + last_reason());
        if (count == 0) return text;
        text.append(buffer, static_cast<std::size_t>(count));
        if (text.size() > kMaxFileSize)
            return tl::make_unexpected(std::string("standard input is larger than 1 MiB"));
    }
}

std::optional<std::string> read_variable(std::string_view name);

Host::Self own_self() {
    char name[256] = {};
    (void)::gethostname(name, sizeof name - 1);
    return {read_variable("USER").value_or(""), name, ::getpid()};
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

std::optional<std::string> read_line(const std::string& prompt) {
    std::fputs(prompt.c_str(), stderr);
    std::fflush(stderr);
    std::string line;
    for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar())
        if (line.size() < kMaxLine) line.push_back(static_cast<char>(c));
    if (std::feof(stdin) != 0) return std::nullopt;
    return std::string(trim(line));
}

void show_progress(const std::string& text) {
    if (::isatty(STDERR_FILENO) == 0) return;
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
}

bool print_now(const std::string& text) {
    return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

// A signal ends it early.
void pause_for(Duration duration) {
    constexpr Duration kLook = Duration::millis(50);
    for (Duration rest = duration; rest > Duration::zero() && !interrupted(); rest = rest - kLook)
        std::this_thread::sleep_for(std::chrono::microseconds(std::min(rest, kLook).us()));
}

net::HttpClient::Result send_http(net::HttpClientRequest request) {
    net::HttpClientOptions options;
    options.max_response_body_bytes = kMaxAnswer;
    return net::call_http(std::move(request), std::move(options));
}

}  // namespace

Host system_host() {
    return {.program = "confab",
            .env = read_variable,
            .read_file = read_file,
            .write_file = write_file,
            .read_input = read_input,
            .fill_random = [](BytesSpan out) { crypto::fill_random(out); },
            .now = wall_clock,
            .serve = {},
            .netsim = {},
            .load_test = {},
            .examine = {},
            .look_around = setup::look_around,
            .write_files = setup::write_files,
            .has_package_unit = setup::has_package_unit,
            .read_line = read_line,
            .self = own_self,
            .http = send_http,
            .join = {},
            .read_media = read_media,
            .listen_webhooks = {},
            .print = print_now,
            .prints_to_terminal = [] { return ::isatty(STDOUT_FILENO) != 0; },
            .pause = pause_for,
            .warn = [](const std::string& text) { (void)std::fputs(text.c_str(), stderr); },
            .progress = show_progress,
            .interrupted = interrupted};
}

}  // namespace confab::app
