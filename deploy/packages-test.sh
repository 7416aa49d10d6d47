#!/bin/sh
# packages-test.sh DEB RPM: what is in the packages of this machine's
# architecture, and their life in a folder of their own: installed, changed,
# upgraded, removed, purged. Prints what it sees; touches nothing outside.
set -eu
deb=$(realpath "$1") rpm=$(realpath "$2")

for tool in dpkg rpm; do
	command -v $tool >/dev/null || {
		echo "packages-test: $tool is missing; install it with: apt-get install $tool (Debian, Ubuntu), dnf install $tool (Fedora), brew install $tool (macOS)" >&2
		exit 1
	}
done
if [ "$(id -u)" != 0 ]; then
	# Files belong to root, so be root of a user namespace.
	exec unshare --map-root-user "$0" "$@"
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
fail() {
	echo "packages-test: $*" >&2
	exit 1
}

# One list for both: mode, owner, path.
cat >"$root/want" <<'EOF'
-rw-r--r-- root/root /etc/otelcol-obs/agent.yaml
-rw-r--r-- root/root /etc/otelcol-obs/export/datadog-otlp.yaml
-rw-r--r-- root/root /etc/otelcol-obs/export/datadog.yaml
-rw-r--r-- root/root /etc/otelcol-obs/export/debug.yaml
-rw-r--r-- root/root /etc/otelcol-obs/export/gateway.yaml
-rw-r--r-- root/root /etc/otelcol-obs/export/kafka.yaml
-rw-r--r-- root/root /etc/otelcol-obs/export/otlp.yaml
-rw-r--r-- root/root /etc/otelcol-obs/export/otlphttp.yaml
-rw-r--r-- root/root /etc/otelcol-obs/gateway.yaml
-rw------- root/root /etc/otelcol-obs/otelcol-obs.conf
-rwxr-xr-x root/root /usr/bin/otelcol-obs
-rw-r--r-- root/root /usr/lib/systemd/system/otelcol-obs.service
-rw-r--r-- root/root /usr/share/doc/otelcol-obs/copyright
EOF
grep -o '/etc/.*' "$root/want" >"$root/want-config"

dpkg-deb --info "$deb"
dpkg-deb --contents "$deb" | awk '/^-/ {print $1, $2, substr($6, 2)}' | diff "$root/want" - || fail 'the deb holds other files'
dpkg-deb --info "$deb" conffiles | diff "$root/want-config" - || fail 'dpkg would overwrite a changed configuration'

rpm --query --info --package "$rpm"
rpm --checksig --verbose "$rpm"
rpm --query --package "$rpm" --queryformat '[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]' |
	grep -v '^d' | diff "$root/want" - || fail 'the rpm holds other files'
rpm --query --configfiles --package "$rpm" | diff "$root/want-config" - || fail 'rpm would overwrite a changed configuration'
[ "$(rpm --query --package "$rpm" --queryformat '%{BUILDHOST}')" = otelcol-obs ] || fail 'the rpm names the machine that made it'

# --- deb ---

d=$root/deb
mkdir -p "$d/var/lib/dpkg/info" "$d/var/lib/dpkg/updates"
: >"$d/var/lib/dpkg/status"
# The scripts run outside $d, with DPKG_ROOT; the packages it depends on are not in there.
in_root() { dpkg --root="$d" --log="$root/dpkg.log" --force-script-chrootless --force-depends --force-confold "$@" 2>>"$root/dpkg.err" || { cat "$root/dpkg.err" >&2; fail "dpkg $*"; }; }
in_root --install "$deb"

# The command line of the packaged unit, with the packaged configuration.
options=$(. "$d/etc/otelcol-obs/otelcol-obs.conf" && echo "$OTELCOL_OPTIONS" | sed "s|=/etc|=$d/etc|g")
"$d/usr/bin/otelcol-obs" validate $options || fail 'the packaged configuration is not valid'
echo "valid: $options"
if command -v systemd-analyze >/dev/null; then
	sed "s|^ExecStart=|&$d|" "$d/usr/lib/systemd/system/otelcol-obs.service" >"$root/otelcol-obs.service"
	systemd-analyze verify "$root/otelcol-obs.service"
	# Of 100: how exposed the unit is. 19 is what it was when this was written.
	systemd-analyze security --offline=yes --threshold=20 "$root/otelcol-obs.service" | tail -n 1
fi

echo '# mine' >>"$d/etc/otelcol-obs/agent.yaml"
in_root --install "$deb"
tail -n 1 "$d/etc/otelcol-obs/agent.yaml" | grep -qx '# mine' || fail 'an upgrade overwrote a changed configuration'
# As systemd makes them for StateDirectory= and DynamicUser=.
mkdir -p "$d/var/lib/private/otelcol-obs/queue"
ln -s private/otelcol-obs "$d/var/lib/otelcol-obs"
in_root --remove otelcol-obs
[ ! -e "$d/usr/bin/otelcol-obs" ] || fail 'a removed package left its program'
[ -e "$d/etc/otelcol-obs/agent.yaml" ] && [ -e "$d/var/lib/otelcol-obs/queue" ] || fail 'removing took configuration or data along'
in_root --purge otelcol-obs
left=$(find "$d" -name '*otelcol-obs*')
[ -z "$left" ] || fail "purging left $left"
echo 'deb: installed, upgraded with a changed configuration, removed, purged'

# --- rpm ---

r=$root/rpm
mkdir -p "$r"
# Scripts would run inside $r, where there is no shell.
rpms() { rpm --root "$r" --noscripts --nodeps "$@" 2>>"$root/rpm.err" || { cat "$root/rpm.err" >&2; fail "rpm $*"; }; }
rpms --install "$rpm"
rpms --verify otelcol-obs
echo '# mine' >>"$r/etc/otelcol-obs/agent.yaml"
rpms --upgrade --force "$rpm"
tail -n 1 "$r/etc/otelcol-obs/agent.yaml" | grep -qx '# mine' || fail 'an upgrade overwrote a changed configuration'
rpms --erase otelcol-obs
left=$(cd "$r" && find etc usr -name '*otelcol-obs*' -o -path '*otelcol-obs/*' | sort | tr '\n' ' ')
[ "$left" = 'etc/otelcol-obs etc/otelcol-obs/agent.yaml.rpmsave ' ] || fail "erasing left $left"
echo 'rpm: installed, verified, upgraded with a changed configuration, erased'
echo 'packages-test: ok'
