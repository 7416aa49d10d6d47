// Package crash holds the shipped binary to its promise: what a client was told
// is safe arrives, whatever happens to the process, its disk or its backend.
//
// Clients (OTLP over gRPC and HTTP, Datadog, Fluent forward with acks) write
// down in a Ledger what was acknowledged. A Backend misbehaves on command and
// writes down what it took. In between the tests kill the collector, fill its
// disk, damage its files and attack its ports. Lost is what was acknowledged
// and neither arrived nor lies in quarantine: it must be nothing.
//
// A run prints offered, acknowledged, lost, duplicated and refused items, and
// is void, which is a failure, when less than 90 % was acknowledged.
//
// The full disk is a tmpfs, and the disk whose power is cut a FUSE file system
// in this process, each in a mount namespace of its own, which needs
// CAP_SYS_ADMIN and /dev/fuse; ten thousand connections need as many open
// files. Where a machine has them not, those tests fail and say so.
//
//	CRASH_SOAK=10m  how long the soak lasts (default 25s), and the outage's
//	                backlog in full
//	CRASH_ATTACK=x  only the attacks with x in their name
//	STOCK=1         the soak also with file_storage and without the policy
package crash
