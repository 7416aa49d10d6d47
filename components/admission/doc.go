// Package admission is an extension that keeps what strangers send from costing more memory than the process has.
//
// As a server middleware it stands in front of receivers that are built on confighttp and configgrpc, the otlp receiver above
// all: it prices a request before it is decoded, pays for it from the pools of internal/admission, makes it wait in order
// while too much is held, and refuses what can never fit, with the reason to its sender. It decompresses itself, asks for a
// minimum pace, and counts connections. For the whole process it sizes the pools, sets Go's memory limit from the control
// group where nobody did, counts and logs what is refused, and serves readiness.
package admission
