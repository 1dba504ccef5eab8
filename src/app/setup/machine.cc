// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/setup/machine.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/serve/network/external_ip.h"
#include "runtime/doctor/host_probe.h"
#include "runtime/doctor/port_probe.h"
#include "runtime/worker/socket/file_descriptor.h"

namespace confab::setup {
namespace {

namespace fs = std::filesystem;

constexpr Duration kStun = Duration::seconds(3);
constexpr Duration kName = Duration::seconds(3);
constexpr const char* kUser = "confab";

std::string last_error() {
    return std::strerror(errno);
}

bool is_free(std::uint16_t port, bool is_udp) {
    doctor::PortFacts facts;
    facts.first = facts.last = port;
    facts.is_udp = is_udp;
    doctor::probe_ports(facts, {});
    return facts.taken_count == 0;
}

// Beside its place, with its mode from the start: nobody reads a secret in between.
Result<void, std::string> write_beside(const PlannedFile& file, const std::string& temporary) {
    std::error_code error;
    fs::create_directories(fs::path(file.path).parent_path(), error);
    if (error) return fail(file.path + ": " + error.message());
    (void)::unlink(temporary.c_str());
    const worker::FileDescriptor fd(
        ::open(temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, file.mode));
    if (!fd) return fail(temporary + ": " + last_error());
    (void)::fchmod(fd.get(), file.mode);
    for (std::size_t done = 0; done < file.text.size();) {
        const ssize_t size = ::write(fd.get(), file.text.data() + done, file.text.size() - done);
        if (size <= 0) return fail(temporary + ": " + last_error());
        done += static_cast<std::size_t>(size);
    }
    if (::fsync(fd.get()) != 0) return fail(temporary + ": " + last_error());
    if (!file.is_secret || ::geteuid() != 0) return {};
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    (void)::getpwnam_r(kUser, &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr && ::fchown(fd.get(), entry.pw_uid, entry.pw_gid) != 0)
        return fail(temporary + ": " + last_error());
    return {};
}

std::string temporary_of(const PlannedFile& file) {
    return file.path + ".new";
}

}  // namespace

Found look_around(bool offline, const std::string& root) {
    Found found;
    found.interfaces = doctor::probe_interfaces();
    std::error_code ignored;
    found.has_systemd = fs::is_directory(root + "/etc/systemd/system", ignored);
    found.is_free = is_free;
    found.resolve = [](const std::string&) { return std::vector<IpAddress>{}; };
    if (offline) return found;
    found.resolve = [](const std::string& name) {
        return doctor::resolve(name, doctor::Deadline(kName)).addresses;
    };
    const auto external = doctor::ask_apart([] { return app::find_external_ip({}, kStun); },
                                            doctor::Deadline(kStun + Duration::millis(500)));
    if (external && *external) found.external = **external;
    return found;
}

Result<void, std::string> write_files(const std::vector<PlannedFile>& files, bool force) {
    std::error_code ignored;
    for (const PlannedFile& file : files)
        if (!force && fs::exists(file.path, ignored))
            return fail(file.path +
                        " is there already; --force replaces it, --root DIR writes "
                        "below another folder");
    Result<void, std::string> result;
    for (const PlannedFile& file : files)
        if (result) result = write_beside(file, temporary_of(file));
    for (const PlannedFile& file : files) {
        const std::string temporary = temporary_of(file);
        if (!result)
            (void)::unlink(temporary.c_str());
        else if (::rename(temporary.c_str(), file.path.c_str()) != 0)
            result = fail(file.path + ": " + last_error());
    }
    return result;
}

bool has_package_unit(const std::string& root) {
    std::error_code ignored;
    for (const char* folder : {"/usr/lib/systemd/system/", "/lib/systemd/system/"})
        if (fs::exists(root + folder + "confab.service", ignored)) return true;
    return false;
}

}  // namespace confab::setup
