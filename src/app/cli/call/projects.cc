// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/call/projects.h"

#include <yaml-cpp/yaml.h>

#include "base/text.h"

namespace confab::app::cli {
namespace {

constexpr unsigned kOthers = 077;

std::string home_file(const Host& host, std::string_view folder) {
    return host.env("HOME").value_or("") + "/" + std::string(folder) + "/cli-config.yaml";
}

std::string text_of(const YAML::Node& map, const char* key) {
    const YAML::Node node = map[key];
    return node && node.IsScalar() ? node.Scalar() : "";
}

Projects parsed(const YAML::Node& root) {
    Projects projects;
    projects.default_name = text_of(root, "default_project");
    for (const YAML::Node& node : root["projects"]) {
        if (!node.IsMap()) continue;
        projects.all.push_back({text_of(node, "name"), text_of(node, "project_id"),
                                text_of(node, "url"), text_of(node, "api_key"),
                                text_of(node, "api_secret")});
    }
    return projects;
}

YAML::Node node_of(const Project& project) {
    YAML::Node node;
    node["name"] = project.name;
    node["project_id"] = project.id;
    node["url"] = project.url;
    node["api_key"] = project.api_key;
    node["api_secret"] = project.api_secret;
    return node;
}

}  // namespace

const Project* Projects::find(std::string_view name) const {
    for (const Project& project : all)
        if (project.name == name) return &project;
    return nullptr;
}

const Project* Projects::find_subdomain(std::string_view subdomain) const {
    for (const Project& project : all)
        if (subdomain_of(project.url) == subdomain) return &project;
    return nullptr;
}

std::string Projects::not_found(std::string_view name) const {
    std::string said = "no project " + std::string(name) + "; ";
    if (all.empty()) return said + "add it with `project add NAME --url URL`";
    said += "there are ";
    for (std::size_t i = 0; i < all.size(); ++i)
        said += (i > 0 ? ", " : "") + all[i].name;
    return said;
}

std::string subdomain_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme == url.npos) return {};
    std::string_view rest = url.substr(scheme + 3);
    return std::string(next_token(rest, '.'));
}

std::string projects_file(const Host& host) {
    return home_file(host, host.is_named_lk() ? ".livekit" : ".confab");
}

Result<Projects, std::string> load_projects(const Host& host) {
    if (host.env("HOME").value_or("").empty()) return Projects{};
    std::string path = projects_file(host);
    auto file = host.read_file(path);
    if (!file && !host.is_named_lk()) {
        path = home_file(host, ".livekit");
        file = host.read_file(path);
    }
    if (!file) return Projects{};
    try {
        const YAML::Node root = YAML::Load(file->text);
        if (!root.IsMap() && !root.IsNull()) return fail(path + ": is no list of projects");
        Projects projects = root.IsMap() ? parsed(root) : Projects{};
        projects.text = std::move(file->text);
        if ((file->mode & kOthers) != 0)
            projects.warning = path + " has secrets that others may read; run: chmod 600 " + path;
        return projects;
    } catch (const YAML::Exception& error) {
        return fail(path + ": " + error.what() + "; correct it, or add the projects anew");
    }
}

Result<std::string, std::string> save_projects(const Projects& projects, const Host& host) {
    if (host.env("HOME").value_or("").empty())
        return fail(std::string("there is no HOME to keep projects in; set it"));
    std::string path = projects_file(host);
    try {
        YAML::Node root = YAML::Load(projects.text);
        if (!root.IsMap()) root = YAML::Node(YAML::NodeType::Map);
        root["default_project"] = projects.default_name;
        YAML::Node list(YAML::NodeType::Sequence);
        for (const Project& project : projects.all)
            list.push_back(node_of(project));
        root["projects"] = list;
        YAML::Emitter out;
        out << root;
        const auto written = host.write_file(path, std::string(out.c_str()) + "\n", 0600);
        if (!written) return fail(path + ": " + written.error());
        return path;
    } catch (const YAML::Exception& error) {
        return fail(path + ": " + error.what());
    }
}

}  // namespace confab::app::cli
