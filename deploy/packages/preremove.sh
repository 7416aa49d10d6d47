#!/bin/sh
# $1 is "remove" (deb) or 0 (rpm) when the package goes for good.
set -e
if [ -d "$DPKG_ROOT/run/systemd/system" ] && { [ "$1" = remove ] || [ "$1" = 0 ]; }; then
	systemctl disable --now otelcol-obs.service || true
fi
