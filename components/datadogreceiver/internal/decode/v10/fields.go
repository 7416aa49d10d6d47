// Package v10 reads v1.0 of the protocol, whose maps have numbers for keys and whose strings are streaming: a text adds itself to a
// table the first time it is met, and is the number of its place from then on.
package v10

// Field numbers by datadog-agent's pkg/proto/pbgo/trace/idx. Agents hand v1.0 on as protobuf with the same numbers.
const (
	PayloadStrings = 1 + iota
	PayloadContainerID
	PayloadLanguageName
	PayloadLanguageVersion
	PayloadTracerVersion
	PayloadRuntimeID
	PayloadEnv
	PayloadHostname
	PayloadAppVersion
	PayloadAttributes
	PayloadChunks
)

// Fields of a chunk.
const (
	ChunkPriority = 1 + iota
	ChunkOrigin
	ChunkAttributes
	ChunkSpans
	ChunkDropped
	ChunkTraceID
	ChunkMechanism
)

// Fields of a span.
const (
	SpanService = 1 + iota
	SpanName
	SpanResource
	SpanID
	SpanParentID
	SpanStart
	SpanDuration
	SpanError
	SpanAttributes
	SpanType
	SpanLinks
	SpanEvents
	SpanEnv
	SpanVersion
	SpanComponent
	SpanKind
)

// Fields of a link.
const (
	LinkTraceID = 1 + iota
	LinkSpanID
	LinkAttributes
	LinkTracestate
	LinkFlags
)

// Fields of an event.
const (
	EventTime = 1 + iota
	EventName
	EventAttributes
)

// Types of attribute values.
const (
	TypeString = 1 + iota
	TypeBool
	TypeFloat
	TypeInt
	TypeBytes
	TypeList
	TypeMap
)
