package translate

import "github.com/otelcol-obs/otelcol-obs/internal/translate/intern"

// The names this package gives a meaning to. knownText holds their spelling in the same order.
const (
	kEmpty intern.Sym = iota
	kOperationName
	kResourceName
	kSpanType
	kService
	kServiceName
	kTracestate
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
	kKeptRate
	kPriority
	kBaseService
	kLinks
	kEvents
	kEncoding
	kErrorMessage
	kErrorMsg
	kErrorType
	kErrorStack
	kComponent

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
	kGRPCStatusCode
	kMessagingOperation
	kMessagingDestination
	kMessagingDestinationName
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

	numKnown
)

// Names other packages choose by.
const (
	Service   = kService
	TID       = kTID
	DM        = kDM
	KeptRate  = kKeptRate
	Component = kComponent
)

var knownText = [numKnown]string{
	kOperationName: "operation.name", kResourceName: "resource.name", kSpanType: "span.type", kService: "service", kServiceName: "service.name", kTracestate: "tracestate",
	kEnv: "env", kVersion: "version", kSpanKind: "span.kind", kLanguage: "language", kRuntimeID: "runtime-id",
	kProcessID: "process_id", kProcessTags: "_dd.tags.process", kHostname: "_dd.hostname",
	kTID: AttrTraceIDHigh, kDM: AttrDecisionMaker, kKeptRate: "_dd.p.ksr", kPriority: AttrPriority,
	kBaseService: AttrBaseService, kLinks: "_dd.span_links", kEvents: "events", kEncoding: AttrEncoding,
	kErrorMessage: "error.message", kErrorMsg: "error.msg", kErrorType: "error.type", kErrorStack: "error.stack",
	kComponent: "component",

	kHTTPMethod: "http.method", kHTTPRequestMethod: "http.request.method", kHTTPRoute: "http.route", kHTTPStatusCode: "http.status_code",
	kHTTPURL: "http.url", kHTTPUserAgent: "http.useragent", kHTTPClientIP: "http.client_ip", kHTTPVersion: "http.version",
	kHTTPReferrer: "http.referrer", kHTTPRequestLength: "http.request.content_length",
	kHTTPResponseLength: "http.response.content_length", kOutHost: "out.host", kOutPort: "out.port", kPeerHostname: "peer.hostname",
	kNetworkDestinationPort: "network.destination.port", kDBType: "db.type", kDBSystem: "db.system", kDBName: "db.name",
	kDBInstance: "db.instance", kDBStatement: "db.statement", kSQLQuery: "sql.query", kDBOperation: "db.operation",
	kDBSQLTable: "db.sql.table", kDBRowCount: "db.row_count", kRedisRawCommand: "redis.raw_command",
	kRPCService: "rpc.service", kRPCMethod: "rpc.method", kGRPCMethodService: "grpc.method.service",
	kGRPCMethodName: "grpc.method.name", kGRPCStatusCode: "grpc.status.code",
	kMessagingOperation: "messaging.operation", kMessagingDestination: "messaging.destination",
	kMessagingDestinationName: "messaging.destination.name", kKafkaTopic: "kafka.topic",
	kThreadID: "thread.id", kUsrID: "usr.id",

	oHTTPStatusCode: "http.response.status_code", oURLFull: "url.full", oUserAgent: "user_agent.original",
	oClientAddress: "client.address", oNetworkProtocolVersion: "network.protocol.version",
	oHTTPReferrer: "http.request.header.referrer", oHTTPRequestSize: "http.request.body.size",
	oHTTPResponseSize: "http.response.body.size", oServerAddress: "server.address", oServerPort: "server.port",
	oDBSystem: "db.system.name", oDBNamespace: "db.namespace", oDBQueryText: "db.query.text", oDBOperation: "db.operation.name",
	oDBCollection: "db.collection.name", oDBReturnedRows: "db.response.returned_rows", oGRPCStatusCode: "rpc.grpc.status_code",
	oUserID: "user.id", oException: "exception", oExceptionType: "exception.type", oExceptionMessage: "exception.message",
	oExceptionStacktrace: "exception.stacktrace",
}

var knownNames = intern.NewNames(knownText[:])
