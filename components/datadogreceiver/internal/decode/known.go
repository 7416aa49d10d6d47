package decode

// The names this package gives a meaning to. knownText holds their spelling in the same order.
const (
	kEmpty sym = iota
	kOperationName
	kResourceName
	kSpanType
	kService
	kName
	kResource
	kType
	kTraceID
	kSpanID
	kParentID
	kStart
	kDuration
	kError
	kMeta
	kMetrics
	kMetaStruct
	kSpanLinks
	kSpanEvents
	kEnv
	kVersion
	kSpanKind
	kLanguage
	kRuntimeID
	kProcessID
	kProcessTags
	kHostname
	kTID
	kDM
	kOrigin
	kPriority
	kBaseService
	kLinksJSON
	kEventsJSON
	kErrorMessage
	kErrorMsg
	kErrorType
	kErrorStack
	kMeasured
	kTopLevel
	kAgentPSR
	kIntegration
	kComponent
	kSvcSrc
	kOTLPExport
	kProfilingEnabled
	kAttributeSchema

	kHTTPMethod
	kHTTPRequestMethod
	kHTTPRoute
	kHTTPStatusCode
	kHTTPURL
	kHTTPUserAgent
	kHTTPClientIP
	kHTTPVersion
	kHTTPReferrer
	kHTTPRequestLength
	kHTTPResponseLength
	kOutHost
	kOutPort
	kPeerHostname
	kNetworkDestinationPort
	kDBType
	kDBSystem
	kDBName
	kDBInstance
	kDBStatement
	kSQLQuery
	kDBOperation
	kDBSQLTable
	kDBRowCount
	kRedisRawCommand
	kRPCService
	kRPCMethod
	kGRPCMethodService
	kGRPCMethodName
	kGRPCMethodPath
	kGRPCStatusCode
	kMessagingOperation
	kMessagingDestination
	kMessagingDestinationName
	kMessagingSystem
	kKafkaTopic
	kThreadID
	kUsrID

	// The same in OpenTelemetry's semantic conventions.
	oHTTPStatusCode
	oURLFull
	oUserAgent
	oClientAddress
	oNetworkProtocolVersion
	oHTTPReferrer
	oHTTPRequestSize
	oHTTPResponseSize
	oServerAddress
	oServerPort
	oDBSystem
	oDBNamespace
	oDBQueryText
	oDBOperation
	oDBCollection
	oDBReturnedRows
	oGRPCStatusCode
	oUserID
	oException
	oExceptionType
	oExceptionMessage
	oExceptionStacktrace

	// Fields of payloads and chunks.
	kContainerID
	kLanguageName
	kLanguageVersion
	kTracerVersion
	kRuntimeIDField
	kChunks
	kTags
	kPayloadHostname
	kAppVersion
	kChunkPriority
	kChunkOrigin
	kSpans

	// Fields of links and events.
	kTraceIDHigh
	kFlags
	kTracestate
	kAttributes
	kTimeUnixNano

	numKnown
)

var knownText = [numKnown]string{
	kService: "service", kName: "name", kResource: "resource", kType: "type", kTraceID: "trace_id", kSpanID: "span_id",
	kParentID: "parent_id", kStart: "start", kDuration: "duration", kError: "error", kMeta: "meta", kMetrics: "metrics",
	kMetaStruct: "meta_struct", kSpanLinks: "span_links", kSpanEvents: "span_events",
	kEnv: "env", kVersion: "version", kSpanKind: "span.kind", kLanguage: "language", kRuntimeID: "runtime-id",
	kProcessID: "process_id", kProcessTags: "_dd.tags.process", kHostname: "_dd.hostname",
	kTID: "_dd.p.tid", kDM: "_dd.p.dm", kOrigin: "_dd.origin", kPriority: "_sampling_priority_v1",
	kBaseService: "_dd.base_service", kLinksJSON: "_dd.span_links", kEventsJSON: "events",
	kErrorMessage: "error.message", kErrorMsg: "error.msg", kErrorType: "error.type", kErrorStack: "error.stack",
	kMeasured: "_dd.measured", kTopLevel: "_dd.top_level", kAgentPSR: "_dd.agent_psr", kIntegration: "_dd.integration",
	kOperationName: "operation.name", kResourceName: "resource.name", kSpanType: "span.type", kComponent: "component",
	kSvcSrc: "_dd.svc_src", kOTLPExport: "_dd.sdk.otlp_export", kProfilingEnabled: "_dd.profiling.enabled",
	kAttributeSchema: "_dd.trace_span_attribute_schema",

	kHTTPMethod: "http.method", kHTTPRequestMethod: "http.request.method", kHTTPRoute: "http.route", kHTTPStatusCode: "http.status_code",
	kHTTPURL: "http.url", kHTTPUserAgent: "http.useragent", kHTTPClientIP: "http.client_ip", kHTTPVersion: "http.version",
	kHTTPReferrer: "http.referrer", kHTTPRequestLength: "http.request.content_length",
	kHTTPResponseLength: "http.response.content_length", kOutHost: "out.host", kOutPort: "out.port", kPeerHostname: "peer.hostname",
	kNetworkDestinationPort: "network.destination.port", kDBType: "db.type", kDBSystem: "db.system", kDBName: "db.name",
	kDBInstance: "db.instance", kDBStatement: "db.statement", kSQLQuery: "sql.query", kDBOperation: "db.operation",
	kDBSQLTable: "db.sql.table", kDBRowCount: "db.row_count", kRedisRawCommand: "redis.raw_command",
	kRPCService: "rpc.service", kRPCMethod: "rpc.method", kGRPCMethodService: "grpc.method.service",
	kGRPCMethodName: "grpc.method.name", kGRPCMethodPath: "grpc.method.path", kGRPCStatusCode: "grpc.status.code",
	kMessagingOperation: "messaging.operation", kMessagingDestination: "messaging.destination",
	kMessagingDestinationName: "messaging.destination.name", kMessagingSystem: "messaging.system", kKafkaTopic: "kafka.topic",
	kThreadID: "thread.id", kUsrID: "usr.id",

	oHTTPStatusCode: "http.response.status_code", oURLFull: "url.full", oUserAgent: "user_agent.original",
	oClientAddress: "client.address", oNetworkProtocolVersion: "network.protocol.version",
	oHTTPReferrer: "http.request.header.referrer", oHTTPRequestSize: "http.request.body.size",
	oHTTPResponseSize: "http.response.body.size", oServerAddress: "server.address", oServerPort: "server.port",
	oDBSystem: "db.system.name", oDBNamespace: "db.namespace", oDBQueryText: "db.query.text", oDBOperation: "db.operation.name",
	oDBCollection: "db.collection.name", oDBReturnedRows: "db.response.returned_rows", oGRPCStatusCode: "rpc.grpc.status_code",
	oUserID: "user.id", oException: "exception", oExceptionType: "exception.type", oExceptionMessage: "exception.message",
	oExceptionStacktrace: "exception.stacktrace",

	kContainerID: "container_id", kLanguageName: "language_name", kLanguageVersion: "language_version",
	kTracerVersion: "tracer_version", kRuntimeIDField: "runtime_id", kChunks: "chunks", kTags: "tags",
	kPayloadHostname: "hostname", kAppVersion: "app_version", kChunkPriority: "priority", kChunkOrigin: "origin", kSpans: "spans",

	kTraceIDHigh: "trace_id_high", kFlags: "flags", kTracestate: "tracestate", kAttributes: "attributes", kTimeUnixNano: "time_unix_nano",
}

var knownSyms = func() map[string]sym {
	m := make(map[string]sym, numKnown)
	for i, text := range knownText {
		m[text] = sym(i)
	}
	return m
}()
