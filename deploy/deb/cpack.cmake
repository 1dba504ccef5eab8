# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
#
# What cpack makes of the folder that build-package has filled (CONFAB_STAGE) and of its scripts (CONFAB_CONTROL).

set(CPACK_GENERATOR DEB)
set(CPACK_INSTALLED_DIRECTORIES "$ENV{CONFAB_STAGE};/")
set(CPACK_PACKAGING_INSTALL_PREFIX "/")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_PACKAGE_NAME confab)
set(CPACK_PACKAGE_FILE_NAME confab)
set(CPACK_PACKAGE_VERSION "$ENV{CONFAB_VERSION}")
set(CPACK_PACKAGE_CONTACT "$ENV{CONFAB_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "live audio, video and data for LiveKit clients")
set(CPACK_PACKAGE_DESCRIPTION "confab is a media server (SFU): it passes on the sound, the pictures and the
data of rooms full of people. LiveKit's clients and SDKs work with it
unmodified. TURN, WHIP, webhooks and metrics are part of the one program.
.
The package makes a user, an API key and a service of systemd, which answers
on port 7880 when the installation is over.")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# The libraries and their versions; beside them the user's tool, and what webhooks over https are verified by.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "$ENV{CONFAB_CONTROL}/conffiles" "$ENV{CONFAB_CONTROL}/postinst"
    "$ENV{CONFAB_CONTROL}/prerm" "$ENV{CONFAB_CONTROL}/postrm")
