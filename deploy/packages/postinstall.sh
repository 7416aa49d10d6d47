#!/bin/sh
# In a container or a chroot there is no systemd to tell, which is no error.
# (DPKG_ROOT is where dpkg installs to when it is not /.)
set -e
if [ -d "$DPKG_ROOT/run/systemd/system" ]; then
	systemctl daemon-reload || true
	# After an upgrade only: a first installation starts when somebody starts it.
	systemctl try-restart otelcol-obs.service || true
fi
