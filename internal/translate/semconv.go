package translate

import (
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// How a value is spelled under its OpenTelemetry name.
type conversion uint8

const (
	asIs conversion = iota
	asInt
	asDBSystem
)

// rename is one row of the table from Datadog's names to OpenTelemetry's semantic conventions 1.27 and later.
type rename struct {
	to intern.Sym
	as conversion
	// Datadog's exporter turns the OpenTelemetry name back into this one, so writing both would only cost memory.
	mappedBack bool
}

// renames is indexed by Sym. What maps back: attributes.HTTPMappings of datadog-agent's opentelemetry-mapping-go, and db.name from
// db.namespace in its trace transform.
var renames = [numKnown]rename{
	kHTTPMethod:             {to: kHTTPRequestMethod, mappedBack: true},
	kHTTPStatusCode:         {to: oHTTPStatusCode, as: asInt, mappedBack: true},
	kHTTPURL:                {to: oURLFull, mappedBack: true},
	kHTTPUserAgent:          {to: oUserAgent, mappedBack: true},
	kHTTPClientIP:           {to: oClientAddress, mappedBack: true},
	kHTTPVersion:            {to: oNetworkProtocolVersion, mappedBack: true},
	kHTTPReferrer:           {to: oHTTPReferrer, mappedBack: true},
	kHTTPRequestLength:      {to: oHTTPRequestSize, as: asInt, mappedBack: true},
	kHTTPResponseLength:     {to: oHTTPResponseSize, as: asInt, mappedBack: true},
	kOutHost:                {to: oServerAddress},
	kPeerHostname:           {to: oServerAddress},
	kOutPort:                {to: oServerPort, as: asInt},
	kNetworkDestinationPort: {to: oServerPort, as: asInt},
	kDBType:                 {to: oDBSystem, as: asDBSystem},
	kDBSystem:               {to: oDBSystem, as: asDBSystem},
	kDBName:                 {to: oDBNamespace, mappedBack: true},
	kDBInstance:             {to: oDBNamespace},
	kDBStatement:            {to: oDBQueryText},
	kSQLQuery:               {to: oDBQueryText},
	kRedisRawCommand:        {to: oDBQueryText},
	kDBOperation:            {to: oDBOperation},
	kDBSQLTable:             {to: oDBCollection},
	kDBRowCount:             {to: oDBReturnedRows, as: asInt},
	kGRPCMethodService:      {to: kRPCService},
	kGRPCMethodName:         {to: kRPCMethod},
	kGRPCStatusCode:         {to: oGRPCStatusCode, as: asInt},
	kMessagingDestination:   {to: kMessagingDestinationName},
	kKafkaTopic:             {to: kMessagingDestinationName},
	kThreadID:               {to: kThreadID, as: asInt, mappedBack: true},
	kUsrID:                  {to: oUserID},
	kErrorMsg:               {to: kErrorMessage},
}

// dbSystem returns the value of db.system.name where it differs from what Datadog's integrations write, else name itself.
func dbSystem(name string) string {
	switch name {
	case "postgres":
		return "postgresql"
	case "mssql":
		return "microsoft.sql_server"
	case "oracle":
		return "oracle.db"
	case "dynamodb":
		return "aws.dynamodb"
	case "db2":
		return "ibm.db2"
	case "hana":
		return "sap.hana"
	case "cosmosdb":
		return "azure.cosmosdb"
	}
	return name
}

// kindByName reads span.kind.
func kindByName(name string) (ptrace.SpanKind, bool) {
	switch name {
	case "internal":
		return ptrace.SpanKindInternal, true
	case "server":
		return ptrace.SpanKindServer, true
	case "client":
		return ptrace.SpanKindClient, true
	case "producer":
		return ptrace.SpanKindProducer, true
	case "consumer":
		return ptrace.SpanKindConsumer, true
	}
	return ptrace.SpanKindUnspecified, false
}

// kindByType returns the kind where a tracer does not, from the type of span.
func kindByType(typ string) ptrace.SpanKind {
	switch {
	case typ == "web":
		return ptrace.SpanKindServer
	case typ == "http" || isDatabase(typ):
		return ptrace.SpanKindClient
	}
	return ptrace.SpanKindUnspecified
}

// isDatabase reports whether spans of this type are calls to a database.
func isDatabase(typ string) bool {
	switch typ {
	case "sql", "db", "cache", "redis", "valkey", "memcached", "mongodb", "cassandra", "elasticsearch", "opensearch", "dynamodb":
		return true
	}
	return false
}
