#!/bin/sh
# image-test.sh ARCHIVE NAME:TAG: the image under podman as a restricted pod runs
# it: read-only, without capabilities, as its own user, state in a volume.
set -eu
archive=$1 image=$2
command -v podman >/dev/null || { echo "image-test: podman is missing; install it with: apt-get install podman" >&2; exit 1; }

podman load --quiet --input "$archive"
podman run --rm --read-only --cap-drop all "$image" components >/dev/null
container=$(podman run --detach --read-only --cap-drop all --security-opt no-new-privileges \
	--memory 512m --volume otelcol-obs-image-test:/var/lib/otelcol-obs "$image")
trap 'podman rm --force "$container" >/dev/null; podman volume rm --force otelcol-obs-image-test >/dev/null' EXIT

# The image's second program asks the first one, inside the container's network.
podman run --rm --read-only --cap-drop all --network "container:$container" --entrypoint /sendspan \
	"$image" -timeout=30s http://127.0.0.1:4318
test "$(podman inspect --format '{{.Config.User}}' "$container")" = 10001:10001
podman stop --time 30 "$container" >/dev/null
code=$(podman inspect --format '{{.State.ExitCode}}' "$container")
test "$code" = 0 || { echo "image-test: exit code $code" >&2; podman logs "$container" >&2; exit 1; }
echo "image-test: ok"
