package hide

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func one(name string, attrs map[string]any) ptrace.Traces {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetName(name)
	_ = s.Attributes().FromRaw(attrs)
	_ = s.Events().AppendEmpty().Attributes().FromRaw(map[string]any{"http.url": "https://user:secret@host/", "card": "4111111111111111"})
	return td
}

func TestNoLiteralIsLeft(t *testing.T) {
	t.Parallel()
	h := New()
	for i, attrs := range []map[string]any{
		{"db.system": "postgresql", "db.statement": "SELECT * FROM t WHERE a = 'secret'", "resource.name": "SELECT * FROM t WHERE a = 'secret'"},
		{"db.system.name": "mysql", "db.query.text": "SELECT 'secret'"},
		{"span.type": "sql", "resource.name": "INSERT INTO t VALUES ('secret')", "sql.query": "INSERT INTO t VALUES ('secret')"},
		{"span.type": "redis", "resource.name": "SET user secret", "redis.raw_command": "SET user secret"},
		{"db.statement": "FROB 'secret'"},
		{"mongodb.query": `{"find":"users","filter":{"email":"secret"}}`, "span.type": "mongodb"},
		{"elasticsearch.body": `{"query":{"match":{"a":"secret"}}}`, "span.type": "elasticsearch"},
		{"http.url": "https://user:secret@host/a?token=secret"}, {"url.query": "password=secret"},
		{"user.card": "4111 1111 1111 1111"}, {"user.card": int64(4111111111111111)},
	} {
		name := "span"
		if r, ok := attrs["db.statement"].(string); ok {
			name = r
		}
		td := one(name, attrs)
		h.Traces(td)
		raw, err := new(ptrace.JSONMarshaler).MarshalTraces(td)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "secret", "case %d", i)
		require.NotContains(t, strings.ReplaceAll(string(raw), " ", ""), "4111", "case %d", i)
	}
}

func TestASpanWithoutTextsStaysAsItIs(t *testing.T) {
	t.Parallel()
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetName("GET /orders")
	s.Attributes().PutStr("resource.name", "GET /orders")
	s.Attributes().PutStr("http.url", "https://host/orders?page=2")
	s.Attributes().PutInt("n", 5)
	want := ptrace.NewTraces()
	td.CopyTo(want)
	New().Traces(td)
	require.Equal(t, fmt.Sprint(want.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().AsRaw()), fmt.Sprint(s.Attributes().AsRaw()))
}
