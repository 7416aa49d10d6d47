// Image writes a container image for several architectures as one OCI archive,
// from files and without a container engine, a registry or root.
//
// The archive holds the OCI layout (index.json) with one manifest per
// architecture and, for older docker load, a manifest.json for the first of
// them. The same files give the same bytes: entries are written in the order
// given, times come from -epoch, owners and modes are fixed. (The compressed
// layer also depends on the Go release, whose gzip may change between versions.)
//
//	image -o otelcol-obs.tar -tag otelcol-obs/otelcol-obs:0.1.0 -arch amd64 -arch arm64 \
//	  -file /otelcol-obs=bin/otelcol-obs-linux-{arch} -dir /var/lib/otelcol-obs \
//	  -user 10001:10001 -entrypoint /otelcol-obs
//
// The image itself is made by go-containerregistry; what is ours is the layer, with
// its owners, modes and times, and the archive.
//
// With -rootfs the layers are files too, so that a Dockerfile that ADDs one makes
// the same image: a COPY would neither keep owners and modes nor times.
package main
