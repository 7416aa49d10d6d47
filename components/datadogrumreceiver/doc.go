//go:generate mdatagen metadata.yaml

// Package datadogrumreceiver receives what Datadog's browser and mobile RUM
// SDKs send and turns it into OTLP, so that a trace begins at the user's tap.
//
// It promises:
//
//   - A resource event that names its span becomes a CLIENT span with exactly
//     the ids the backend saw as its parent. No state is needed for that edge.
//   - Requests and events have been accepted by the pipelines before the SDK
//     reads 202. When a pipeline refuses for now the answer is 503, and
//     the SDK's retry is converted once.
//   - Actions, their errors and views are held for a bounded time, because an
//     action's traces and a view's last version arrive later. With storage they
//     survive a crash.
//   - Everything that is dropped is counted, and everything that grows has a cap
//     and an age.
//   - What passes through to Datadog is the body that came, byte for byte, to a
//     host that only the configuration names.
package datadogrumreceiver
