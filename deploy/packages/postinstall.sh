#!/bin/sh
# In a container or a chroot there is no systemd to tell, which is no error.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
	# After an upgrade only: a first installation starts when somebody starts it.
	systemctl try-restart otelcol-obs.service || true
fi
