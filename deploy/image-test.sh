#!/bin/sh
# image-test.sh ARCHIVE NAME:TAG: the image under podman as a restricted pod runs
# it: read-only, without capabilities, as its own user, state in a volume. Then
# the Dockerfile, built by podman, against the archive. Prints what it sees.
# Needs no network and no configuration of podman's.
set -eu
archive=$1 image=$2
cd "$(dirname "$0")/.."

if ! command -v podman >/dev/null; then
	echo "image-test: podman is missing; install it with: apt-get install podman runc (Debian, Ubuntu), dnf install podman (Fedora), brew install podman (macOS)" >&2
	exit 1
fi

volume=otelcol-obs-image-test-$$
built=otelcol-obs/image-test:$$
cleanup() {
	for c in ${container:-} ${same:-} ${other:-}; do podman rm --force "$c" >/dev/null || true; done
	podman volume rm --force "$volume" >/dev/null || true
	if podman image exists "$built"; then podman rmi "$built" >/dev/null; fi
	rm -f "$log"
}
log=$(mktemp)
trap cleanup EXIT

fail() {
	echo "image-test: $*" >&2
	if [ -n "${container:-}" ]; then podman logs "$container" >&2 || true; fi
	exit 1
}

# What podman would set by default, a virtual machine or a container may not be
# allowed to: limits above its own, a bridge.
restricted="--read-only --read-only-tmpfs=false --cap-drop=all --security-opt=no-new-privileges --network=none
	--ulimit=nofile=4096:4096 --ulimit=nproc=4096:4096"

podman load --quiet --input "$archive"
# crun refuses cgroups v1 and v2 side by side, runc takes them.
runtime=
for try in '' --runtime=runc; do
	if version=$(podman $try run --rm $restricted "$image" --version 2>"$log"); then
		runtime=$try
		break
	fi
	echo "image-test: podman${try:+ with $try} cannot run it: $(cat "$log")"
	version=
done
[ -n "$version" ] || fail 'podman cannot run the image, see above; on a machine with cgroups v1 and v2 side by side: apt-get install runc'
echo "$version, run by $(podman $runtime --version) ${runtime:+with $runtime}"

# What `helm test` does first.
podman $runtime run --rm $restricted --volume "$volume:/var/lib/otelcol-obs" "$image" validate \
	--config=/etc/otelcol-obs/agent.yaml --config=/etc/otelcol-obs/export/debug.yaml || fail 'the configuration in the image is not valid'
container=$(podman $runtime run --detach $restricted --volume "$volume:/var/lib/otelcol-obs" "$image")
# The image's second program asks the first one, inside the container's network.
podman $runtime run --rm --read-only --cap-drop=all --ulimit=nofile=4096:4096 --ulimit=nproc=4096:4096 \
	--network "container:$container" --entrypoint /sendspan "$image" -timeout=30s http://127.0.0.1:4318 ||
	fail 'the collector takes no span'
podman logs "$container" 2>&1 | grep -q 'service.name: Str(sendspan)' || fail 'the span is not among what the collector prints'

seen=$(podman top "$container" user group hpid capeff capbnd capinh seccomp args)
echo "$seen"
set -- $(echo "$seen" | tail -n 1)
[ "$1:$2" = 10001:10001 ] || fail "it runs as $1:$2, not as 10001:10001"
[ "$4 $5 $6" = 'none none none' ] || fail "it has capabilities: $4 $5 $6"
# Not visible from here when podman itself runs in a virtual machine.
if [ -r "/proc/$3/mountinfo" ]; then
	awk '$5 == "/" || $5 == "/var/lib/otelcol-obs" {print "mounted on " $5 ": " $6}' "/proc/$3/mountinfo"
	awk '$5 == "/" {found = $6 ~ /^ro(,|$)/} END {exit !found}' "/proc/$3/mountinfo" || fail 'its root can be written'
	grep NoNewPrivs "/proc/$3/status"
fi
podman inspect --format 'read-only {{.HostConfig.ReadonlyRootfs}}, network {{.HostConfig.NetworkMode}}' "$container"
[ "$(podman inspect --format '{{.HostConfig.ReadonlyRootfs}}' "$container")" = true ] || fail 'its root can be written'

podman $runtime stop --time 30 "$container" >/dev/null
code=$(podman inspect --format '{{.State.ExitCode}}' "$container")
[ "$code" = 0 ] || fail "it ended with exit code $code"
echo 'ended with exit code 0; its volume then:'
podman volume export "$volume" | tar --list --verbose --numeric-owner

# The same files, owners, modes and times, and the same configuration, but for
# what the engine adds of its own.
podman build --quiet --file cmd/otelcol-obs/Dockerfile --tag "$built" \
	--platform "linux/$(podman inspect --type image --format '{{.Architecture}}' "$image")" \
	--build-arg "VERSION=$(podman inspect --type image --format '{{index .Labels "org.opencontainers.image.version"}}' "$image")" \
	bin/image >/dev/null
same=$(podman create --network=none "$image") other=$(podman create --network=none "$built")
one=$(podman export "$same" | sha256sum) two=$(podman export "$other" | sha256sum)
[ "$one" = "$two" ] || fail "the Dockerfile makes other files: $one, $two"
configuration='{{.Architecture}} {{.Config.User}} {{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.ExposedPorts}}
	{{- range .Config.Env}}{{if ne (slice . 0 5) "PATH="}} {{.}}{{end}}{{end}}
	{{- range $name, $value := .Labels}}{{if ne $name "io.buildah.version"}} {{$name}}={{$value}}{{end}}{{end}}'
one=$(podman inspect --type image --format "$configuration" "$image")
two=$(podman inspect --type image --format "$configuration" "$built")
[ "$one" = "$two" ] || fail "the Dockerfile makes another configuration: $one, $two"
echo "the Dockerfile makes the same: $one"
echo 'image-test: ok'
