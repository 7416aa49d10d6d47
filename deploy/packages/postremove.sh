#!/bin/sh
# Removing keeps what waits in the queue; `purge` (deb) deletes it too. With rpm:
# rm -r /var/lib/otelcol-obs /var/lib/private/otelcol-obs
set -e
if [ -d "$DPKG_ROOT/run/systemd/system" ]; then
	systemctl daemon-reload || true
fi
if [ "$1" = purge ]; then
	# With DynamicUser the first is a link to the second.
	rm -rf "$DPKG_ROOT/var/lib/otelcol-obs" "$DPKG_ROOT/var/lib/private/otelcol-obs"
fi
