// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/cluster/redis_options.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "redis/server_testing.h"

namespace confab::app {
namespace {

using redis::testing::bulk;
using redis::testing::Strings;

// A machine among servers that note what they are told.
struct World {
    explicit World(const config::Redis& config) : machine(redis_machine(config, events(), now, 1)) {
        for (const char* address : {"r:6379", "[2001:db8::1]:7000", "m:6380"})
            network.at(address).special = [](const Strings& words) -> std::optional<std::string> {
                if (words[0] == "SELECT") return "+OK\r\n";
                return std::nullopt;
            };
    }
    // Callbacks may be missing, not those that every machine calls.
    static redis::Events events() {
        return {[](Timestamp, std::string_view, const std::string&) {},
                [](Timestamp, const std::string&) {}, [](Timestamp, redis::Line) {},
                [](Timestamp, redis::Line, const redis::Fault&) {},
                [](Timestamp, const std::string&, const std::string&) {}};
    }
    void pass() { network.pass(*machine, Duration::millis(200)); }
    bool is_up() const {
        return machine->is_up(redis::Line::kCommands) && machine->is_up(redis::Line::kChannels);
    }
    // What the first connection to a server began with.
    Strings greeting(const std::string& address) {
        REQUIRE(!network.at(address).log.empty());
        return network.at(address).log.front();
    }

    Timestamp now = Timestamp::micros(1'000'000);
    redis::testing::Network network{now};
    std::unique_ptr<redis::Driven> machine;
};

config::Redis with_login() {
    config::Redis config;
    config.username = "user";
    config.password = config::SecretText("pass");
    config.db = 3;
    return config;
}

// A folder with files in it, as long as this lives.
class Folder {
  public:
    Folder() {
        std::string path =
            (std::filesystem::temp_directory_path() / "confab-redis-XXXXXX").string();
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        path_ = path;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string file(const std::string& name, const std::string& text) const {
        std::ofstream(path_ / name) << text;
        return (path_ / name).string();
    }
    std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("redis_machine: one server, its port and its login [RDS-28]") {
    config::Redis config = with_login();
    config.address = "r";
    World world(config);
    world.pass();
    CHECK(world.is_up());
    CHECK(world.machine->links() == 2);
    CHECK(world.network.dialled == Strings{"r:6379", "r:6379"});
    CHECK(world.greeting("r:6379") ==
          Strings{"HELLO", "3", "AUTH", "user", "pass", "SETNAME", "confab"});
    CHECK(world.network.at("r:6379").log.at(1) == Strings{"SELECT", "3"});

    config.address = "[2001:db8::1]:7000";
    World other(config);
    other.pass();
    CHECK(other.network.dialled.front() == "[2001:db8::1]:7000");
}

TEST_CASE("redis_machine: Sentinels go first, with a login of their own [RDS-28]") {
    config::Redis config = with_login();
    config.address = "r";
    config.cluster_addresses = {"c"};
    config.sentinel_addresses = {"s1", "s2:7000"};
    config.sentinel_master_name = "main";
    config.sentinel_username = "watcher";
    config.sentinel_password = config::SecretText("w");
    World world(config);
    world.network.at("s1:26379").special = world.network.at("s2:7000").special =
        [](const Strings& words) -> std::optional<std::string> {
        if (words[0] != "SENTINEL") return std::nullopt;
        return words[2] == "main" ? "*2\r\n" + bulk("m") + bulk("6380") : "*-1\r\n";
    };
    world.pass();
    CHECK(world.is_up());
    const std::set<std::string> dialled(world.network.dialled.begin(), world.network.dialled.end());
    CHECK(dialled.contains("m:6380"));
    CHECK(dialled.size() == 2);  // and one Sentinel
    const std::string asked = dialled.contains("s1:26379") ? "s1:26379" : "s2:7000";
    CHECK(world.greeting(asked) ==
          Strings{"HELLO", "3", "AUTH", "watcher", "w", "SETNAME", "confab"});
    CHECK(world.greeting("m:6380")[3] == "user");
}

TEST_CASE("redis_machine: the nodes of a Cluster go before a server [RDS-28]") {
    config::Redis config;
    config.address = "r";
    config.cluster_addresses = {"c1:7000", "c2"};
    World world(config);
    for (const char* node : {"c1:7000", "c2:6379"})
        world.network.at(node).special = [](const Strings& words) -> std::optional<std::string> {
            if (words[0] != "CLUSTER") return std::nullopt;
            return "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n" + bulk("c1") + ":7000\r\n" + bulk("id");
        };
    world.pass();
    CHECK(world.is_up());
    for (const std::string& address : world.network.dialled)
        CHECK_MESSAGE((address == "c1:7000" || address == "c2:6379"), address);
}

TEST_CASE("redis_driver_options: what is read of files, and what of the section [RDS-28]") {
    const Folder folder;
    config::Redis config;
    config.dial_timeout_ms = 1500;
    CHECK(redis_driver_options(config)->dial_timeout == Duration::millis(1500));
    CHECK_FALSE(redis_driver_options(config)->tls.enabled);
    config.tls.enabled = true;
    CHECK(redis_driver_options(config)->tls.enabled);
    CHECK_FALSE(redis_driver_options(config)->tls.insecure);
    CHECK(redis_driver_options(config)->tls.ca_pem.empty());
    config.tls.insecure = true;
    config.tls.server_name = "name";
    config.tls.ca_cert_file = folder.file("ca", "AUTHORITY\n");
    config.tls.client_cert_file = folder.file("cert", "CERTIFICATE");
    config.tls.client_key_file = folder.file("key", "KEY");
    const auto options = redis_driver_options(config);
    REQUIRE(options);
    CHECK(options->tls.insecure);
    CHECK(options->tls.server_name == "name");
    CHECK(options->tls.ca_pem == "AUTHORITY\n");
    CHECK(options->tls.client_cert_pem == "CERTIFICATE");
    CHECK(options->tls.client_key_pem == "KEY");
}

TEST_CASE("redis_driver_options: a file that cannot be read is told with its option [CFG-07]") {
    const Folder folder;
    const std::string bad[] = {folder.path() + "/none", folder.path(), folder.file("empty", "")};
    for (const std::string& path : bad) {
        CAPTURE(path);
        config::Redis ca;
        ca.tls.ca_cert_file = path;
        config::Redis certificate;
        certificate.tls.client_cert_file = path;
        config::Redis key;
        key.tls.client_key_file = path;
        const std::string why = ": " + path + " cannot be read; it has to be a PEM file";
        CHECK(redis_driver_options(ca).error() == "redis.tls.ca_cert_file" + why);
        CHECK(redis_driver_options(certificate).error() == "redis.tls.client_cert_file" + why);
        CHECK(redis_driver_options(key).error() == "redis.tls.client_key_file" + why);
    }
}

TEST_CASE("redis_place: where it is, without a password") {
    config::Redis config = with_login();
    config.address = "r:6379";
    CHECK(redis_place(config) == "r:6379");
    config.cluster_addresses = {"c1:1", "c2:2"};
    CHECK(redis_place(config) == "the Cluster of c1:1, c2:2");
    config.sentinel_addresses = {"s1:1", "s2:2"};
    config.sentinel_master_name = "main";
    CHECK(redis_place(config) == "main of the Sentinels s1:1, s2:2");
}

}  // namespace confab::app
