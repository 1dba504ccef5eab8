// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/static_files.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace confab::net {

namespace fs = std::filesystem;

namespace {

class Directory {
  public:
    Directory() {
        std::string name = (fs::temp_directory_path() / "confab-static-XXXXXX").string();
        root_ = ::mkdtemp(name.data());
        fs::create_directories(root_ / "site/assets");
        write("site/index.html", "<root>");
        write("site/assets/index-Bq3x_9Zk.js", "script");
        write("site/assets/index-Bq3x_9Zk.js.gz", "packed");
        write("site/assets/logo.svg", "<svg/>");
        write("site/.env", "SECRET=1");
        write("secret.txt", "secret");
        fs::create_symlink("../secret.txt", root_ / "site/link.txt");
        fs::create_symlink("..", root_ / "site/up");
    }
    ~Directory() {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }
    std::string site() const { return (root_ / "site").string(); }
    void write(const std::string& name, std::string_view text) {
        std::ofstream(root_ / name, std::ios::binary) << text;
    }

  private:
    fs::path root_;
};

HttpRequest get(std::string path) {
    HttpRequest request;
    request.method = "GET";
    request.path = std::move(path);
    return request;
}

}  // namespace

TEST_CASE("StaticFiles: types, caching and the security headers") {
    const Directory directory;
    const auto files = StaticFiles::load(directory.site());
    REQUIRE(files);
    CHECK(files->file_count() == 3);
    const auto page = files->serve(get("/demo/"));
    REQUIRE(page);
    CHECK(page->status == 200);
    CHECK(page->body == "<root>");
    CHECK(page->headers.get("Content-Type") == "text/html; charset=utf-8");
    CHECK(page->headers.get("Cache-Control") == "no-cache");
    CHECK(page->headers.get("Content-Security-Policy").starts_with("default-src 'none'"));
    CHECK(page->headers.get("X-Content-Type-Options") == "nosniff");
    const auto script = files->serve(get("/demo/assets/index-Bq3x_9Zk.js"));
    CHECK(script->body == "script");
    CHECK(script->headers.get("Cache-Control") == "public, max-age=31536000, immutable");
    CHECK(script->headers.get("Content-Type") == "text/javascript; charset=utf-8");
    CHECK(files->serve(get("/demo/assets/logo.svg"))->headers.get("Cache-Control") == "no-cache");
}

TEST_CASE("StaticFiles: sends the packed neighbour, and 304 for a known tag") {
    const Directory directory;
    const auto files = StaticFiles::load(directory.site());
    HttpRequest request = get("/demo/assets/index-Bq3x_9Zk.js");
    request.headers.add("Accept-Encoding", "br, gzip");
    const auto packed = files->serve(request);
    CHECK(packed->body == "packed");
    CHECK(packed->headers.get("Content-Encoding") == "gzip");
    CHECK(packed->headers.get("Vary") == "Accept-Encoding");
    request.headers.add("If-None-Match", std::string(packed->headers.get("ETag")));
    const auto known = files->serve(request);
    CHECK(known->status == 304);
    CHECK(known->body.empty());
}

TEST_CASE("StaticFiles: prefix, client-side routes and methods") {
    const Directory directory;
    const auto files = StaticFiles::load(directory.site());
    CHECK_FALSE(files->serve(get("/")));
    CHECK_FALSE(files->serve(get("/demolition")));
    HttpRequest bare = get("/demo");
    bare.query = "a=b";
    CHECK(files->serve(bare)->headers.get("Location") == "/demo/?a=b");
    CHECK(files->serve(get("/demo/room/blue"))->body == "<root>");
    CHECK(files->serve(get("/demo/no.js"))->status == 404);
    HttpRequest post = get("/demo/");
    post.method = "POST";
    CHECK(files->serve(post)->status == 405);
}

TEST_CASE("StaticFiles: no path leads out of the directory [IMM-14]") {
    const Directory directory;
    const auto files = StaticFiles::load(directory.site());
    for (const std::string path :
         {"/demo/../secret.txt", "/demo/..%2fsecret.txt", "/demo/%2e%2e/secret.txt",
          "/demo/assets/../../secret.txt", "/demo//etc/passwd.txt", "/demo/..\\secret.txt",
          "/demo/%252e%252e/secret.txt", "/demo/link.txt", "/demo/up/secret.txt", "/demo/.env",
          "/demo/index.html%00.js", "/demo/%", "/demo/%zz.js", "/demo/%2"}) {
        CAPTURE(path);
        const auto response = files->serve(get(path));
        REQUIRE(response);
        CHECK(response->status >= 400);
        CHECK(response->body.find("secret") == std::string::npos);
        CHECK(response->body.find("SECRET") == std::string::npos);
    }
}

TEST_CASE("StaticFiles: refuses what is missing or too large") {
    const Directory directory;
    StaticFilesOptions small;
    small.max_total_bytes = 10;
    CHECK_FALSE(StaticFiles::load(directory.site(), small));
    StaticFilesOptions few;
    few.max_files = 2;
    CHECK_FALSE(StaticFiles::load(directory.site(), few));
    CHECK_FALSE(StaticFiles::load(directory.site() + "/missing"));
}

TEST_CASE("StaticFiles: contents that are there already are served alike") {
    StaticFilesOptions options;
    options.prefix = "/console";
    options.content_security_policy = "default-src 'self'";
    const StaticFiles files = StaticFiles::of({{"index.html", "<root>"},
                                               {"assets/app-DVCVWzxO.js", "js"},
                                               {"assets/app-DVCVWzxO.js.gz", "packed"}},
                                              options);
    CHECK(files.file_count() == 2);
    CHECK(files.serve(get("/console/"))->body == "<root>");
    CHECK(files.serve(get("/console/"))->headers.get("Content-Security-Policy") ==
          "default-src 'self'");
    CHECK(files.serve(get("/console"))->status == 307);
    HttpRequest packed = get("/console/assets/app-DVCVWzxO.js");
    packed.headers.add("Accept-Encoding", "gzip");
    CHECK(files.serve(packed)->body == "packed");
    CHECK(files.serve(packed)->headers.get("Cache-Control").ends_with("immutable"));
    CHECK_FALSE(files.serve(get("/demo/")));
}

}  // namespace confab::net
