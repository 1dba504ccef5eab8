# shellcheck shell=bash
# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
#
# What ./dev installs and how it says so: the system it is made for, packages, progress.
# tools/setup_test shows it.

readonly PACKAGES_BUILD="clang-19 lld-19 libclang-rt-19-dev clang-format-19 clang-tidy-19 g++-12 cmake
  ninja-build ccache mold make pkg-config python3 git ca-certificates
  libssl-dev libboost1.81-dev libprotobuf-dev protobuf-compiler libspdlog-dev
  libfmt-dev libyaml-cpp-dev libcli11-dev libexpected-dev zlib1g-dev libsqlite3-dev
  doctest-dev libsrtp2-dev libusrsctp-dev"
readonly PACKAGES_AMD64="libipsec-mb-dev"
readonly PACKAGES_BROWSER="chromium chromium-headless-shell firefox-esr fonts-dejavu-core iproute2 coturn openssl iptables redis-server
  nginx-light haproxy caddy prometheus python3-yaml python3-venv mmdebstrap skopeo systemd lintian
  python3-gi gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
# Of ./dev package: what a program depends on. Of ./dev docs: Markdown as CommonMark, code in colours.
readonly PACKAGES_PACKAGE="dpkg-dev"
readonly PACKAGES_DOCS="python3-markdown-it python3-pygments"
readonly PROGRESS_SECONDS=20

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Anything but Debian 12 is told so before minutes are spent on it.
check_system() {
  [ -z "${CONFAB_ANY_SYSTEM:-}" ] || return 0
  local ID="" VERSION_ID="" PRETTY_NAME="an unknown system"
  # shellcheck disable=SC1090
  . "${OS_RELEASE:-/etc/os-release}" 2>/dev/null || true
  [ "$ID $VERSION_ID" != "debian 12" ] || return 0
  die "confab is built on Debian 12 (bookworm); this is $PRETTY_NAME.
Take a Debian 12 machine or container (debian:12), or install the packages of docs/dependencies.md
yourself and say CONFAB_ANY_SYSTEM=1 ./dev …"
}

architecture() { dpkg --print-architecture 2>/dev/null || echo unknown; }

# The build packages of this processor.
build_packages() {
  # shellcheck disable=SC2086
  echo $PACKAGES_BUILD
  case $(architecture) in
    amd64) echo "$PACKAGES_AMD64" ;;
    *) say "no intel-ipsec-mb for $(architecture): media is encrypted by OpenSSL, at 4 times (AES-GCM) \
or 3 times (AES-CM with SHA-1) the cost of a packet's encryption" ;;
  esac
}

missing_packages() { # missing_packages <package…>
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      printf '%s ' "$package"
  done
}

# Passes on what a command says: all of it to a terminal, else what is no step line and a step line
# each PROGRESS_SECONDS, so that a log stays short and still shows that something happens.
progress() { # progress <pattern of step lines> <command…>
  local pattern=$1
  shift
  if [ -t 2 ]; then "$@" >&2; return; fi
  "$@" 2>&1 | awk -v pattern="$pattern" -v every="$PROGRESS_SECONDS" '
    function now(  t) { "date +%s" | getline t; close("date +%s"); return t }
    BEGIN { next_at = now() + every }
    $0 !~ pattern { print; fflush(); next }
    { n++; if (n % 4 == 0 && (t = now()) >= next_at) { print; fflush(); next_at = t + every } }' >&2
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Installs the Debian packages among the arguments that are not there yet.
apt_install() {
  local missing
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  check_system
  local command="apt-get update && apt-get install -y --no-install-recommends ${missing% }"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    ask_for_root "$command" "$@"
    return
  fi
  # shellcheck disable=SC2086
  set -- $missing
  say "installing $# Debian packages (once; 1 to 5 minutes, the build tools take 1.8 GB and the browsers 0.7 GB)"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
  progress '^(Get:|Selecting|Preparing|Unpacking|Setting up|Processing|\(Reading|Reading|Building|Created|update-alternatives|Fetched|Extracting|Adding|debconf|  )' \
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# Neither root nor sudo: one complete command for somebody who is, then on.
ask_for_root() { # ask_for_root <command> <package…>
  printf 'These packages are missing, and this user is neither root nor has sudo. As root:\n\n  %s\n\n' "$1" >&2
  shift
  [ -t 0 ] || die "run that command as root, then this one again"
  read -r -p "Press Enter when it is done (Ctrl-C ends) … " _
  [ -z "$(missing_packages "$@")" ] || die "still missing: $(missing_packages "$@")"
}

# Debian's Node 18 serves; a newer one that is already there is used as it is.
node_packages() {
  command -v node >/dev/null && command -v npm >/dev/null || echo nodejs npm
}

npm_packages() { # npm_packages <folder>: what its lock file names, when it is missing or older
  local lock=$1/package-lock.json have=$1/node_modules/.package-lock.json
  [ -f "$lock" ] || return 0
  [ ! -f "$have" ] || [ "$lock" -nt "$have" ] || return 0
  say "npm packages of $1/ (once; under a minute)"
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
  touch "$have"
}
