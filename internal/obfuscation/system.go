package obfuscation

import "strings"

// System is a family of databases whose texts are read alike.
type System uint8

// The families.
const (
	NoSystem System = iota
	SQL
	Redis
	Valkey
	Memcached
	MongoDB
	Elasticsearch
	OpenSearch
	// OtherSystem is a database this package has no grammar for.
	OtherSystem
	// SystemCount is the number of families.
	SystemCount
)

// String returns the family as metrics spell it.
func (s System) String() string {
	return [SystemCount]string{"none", "sql", "redis", "valkey", "memcached", "mongodb", "elasticsearch", "opensearch", "other"}[s]
}

// systems are the names of OpenTelemetry's db.system.name and db.system, of Datadog's db.type and span types, and of dialects.
var systems = func() map[string]System {
	m := map[string]System{
		"redis": Redis, "valkey": Valkey, "memcached": Memcached, "mongodb": MongoDB, "mongo": MongoDB,
		"elasticsearch": Elasticsearch, "opensearch": OpenSearch,
	}
	for name := range strings.FieldsSeq(`sql cassandra other_sql postgresql postgres mysql mariadb mssql sqlserver sql_server sql-server
		microsoft.sql_server mssqlcompact oracle oracle.db oracledb db2 ibm.db2 sqlite sqlite3 snowflake redshift aws.redshift cockroachdb
		clickhouse trino presto hive spanner gcp.spanner vertica teradata hana sap.hana sybase firebird firebirdsql derby h2 h2database hsqldb
		informix ibm.informix ingres actian.ingres interbase maxdb sap.maxdb netezza ibm.netezza progress filemaker edb greenplum bigquery
		databricks duckdb cloudscape pervasive pointbase adabas softwareag.adabas cache instantdb intersystems_cache jdbc odbc tidb yugabytedb
		singlestore memsql timescaledb questdb athena impala phoenix vitess scylladb`) {
		m[name] = SQL
	}
	return m
}()

// SystemOf returns the family of a database system's name.
func SystemOf(name string) System {
	if name == "" {
		return NoSystem
	}
	if s, ok := systems[name]; ok {
		return s
	}
	if s, ok := systems[strings.ToLower(name)]; ok {
		return s
	}
	return OtherSystem
}

// SystemOfType returns the family of a Datadog span type. Most types are no database.
func SystemOfType(spanType string) System {
	switch spanType {
	case "sql", "cassandra":
		return SQL
	case "redis":
		return Redis
	case "valkey":
		return Valkey
	case "memcached":
		return Memcached
	case "mongodb":
		return MongoDB
	case "elasticsearch":
		return Elasticsearch
	case "opensearch":
		return OpenSearch
	case "db":
		return OtherSystem
	}
	return NoSystem
}
