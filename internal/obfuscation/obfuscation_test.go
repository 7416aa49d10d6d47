package obfuscation

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/DataDog/datadog-agent/pkg/obfuscate"
	"github.com/stretchr/testify/require"
)

var dialects = []string{"postgresql", "mysql", "mssql", "oracle", "sqlite", "cassandra"}

// statements are shapes with holes: %s is a text literal, %d a number.
var statements = []string{
	"SELECT id, name FROM users WHERE email = %s AND age > %d AND active = true AND x IS NULL",
	"INSERT INTO t (a,b,c) VALUES (%d,%s,%s), (%d,%s,%s)",
	"SELECT * FROM `orders` WHERE id IN (%d, %d, %d) -- trailing comment %d",
	`SELECT "col" FROM "Tab" WHERE a = %s`,
	"SELECT TOP 5 [a] FROM [dbo].[t] WHERE x = @P1 AND y = N%s",
	"SELECT * FROM t WHERE a = $1 AND b = :name AND c = ? AND d = %s",
	"SELECT data->>%s FROM t_2024_01 WHERE data @> %s",
	"BEGIN my_proc(%s, %d); END;",
	"UPDATE accounts SET balance = balance - %d, note = %s WHERE id = %d RETURNING *",
	"DELETE FROM sessions WHERE token = %s OR expires < %d",
	"SELECT 1 AS x, 0xFF, 1e10, -%d, .5, '', %s",
	"CALL f(%s); SELECT %d",
	"SELECT /* trace:%s */ %d",
	"MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET v = %s",
	"WITH x AS (SELECT %d) SELECT * FROM x JOIN y ON x.id = y.id WHERE y.name LIKE %s LIMIT %d OFFSET %d",
	"SELECT 'unterminated",
	"EXPLAIN SELECT count(*) FROM t WHERE s = %s",
	"",
	"   ",
	"/* nothing but a comment */",
}

func fill(r *rand.Rand, shape string) (statement string, literals []string) {
	var b strings.Builder
	for i := 0; i < len(shape); i++ {
		if shape[i] != '%' || i+1 == len(shape) {
			b.WriteByte(shape[i])
			continue
		}
		i++
		if shape[i] == 'd' {
			n := fmt.Sprint(100_000 + r.IntN(899_999))
			b.WriteString(n)
			literals = append(literals, n)
			continue
		}
		text := fmt.Sprintf("jane%d@example.com", 100_000+r.IntN(899_999))
		literals = append(literals, text)
		switch r.IntN(5) {
		case 0:
			text += "''s"
		case 1:
			text += `\'s`
		case 2:
			text += `\\`
		case 3:
			text = "ünï " + text
		}
		b.WriteString("'" + text + "'")
	}
	return b.String(), literals
}

// What a statement becomes is, byte for byte, what the Agent's library makes of it on its own, in every mode and whatever came before.
func TestStatementsBecomeWhatTheAgentMakesOfThem(t *testing.T) {
	for _, mode := range []SQLMode{Agent, ObfuscateAndNormalize} {
		cfg := DefaultConfig()
		cfg.SQL.Mode = mode
		o := New(cfg, nil)
		r := rand.New(rand.NewPCG(1, 1))
		for range 300 {
			statement, _ := fill(r, statements[r.IntN(len(statements))])
			for _, dbms := range dialects {
				lib := obfuscate.Config{}
				if mode != Agent {
					lib.SQL.ObfuscationMode = obfuscate.ObfuscationMode(mode)
				}
				want := NonParsable
				if q, err := obfuscate.NewObfuscator(lib).ObfuscateSQLStringForDBMS(statement, dbms); err == nil {
					want = q.Query
				}
				if statement == "" {
					want = "" // there is nothing to read
				}
				for range 2 { // computed, and remembered
					got, _ := o.Query(SQL, dbms, statement)
					require.Equal(t, want, got, "%s %s: %s", mode, dbms, statement)
				}
			}
		}
	}
}

// Without comments and bare UUIDs, which the library leaves there, obfuscate_only is the library's too.
func TestObfuscateOnlyKeepsTheForm(t *testing.T) {
	cfg := DefaultConfig()
	cfg.SQL.Mode = ObfuscateOnly
	o := New(cfg, nil)
	for in, want := range map[string]string{
		"SELECT  a FROM t WHERE b='x'":                                           "SELECT  a FROM t WHERE b=?",
		"INSERT INTO t (a,b,c) VALUES (1,'two',$$three$$), (4,'five',$f$six$f$)": "INSERT INTO t (a,b,c) VALUES (?,?,?), (?,?,?)",
		"SELECT /* trace:'abc' */ 1":                                             "SELECT   ?",
		"SELECT 1 -- jane@example.com":                                           "SELECT ?",
		"SELECT * FROM ks.t WHERE id = 62b90ba5-1de4-11ee-be56-0242ac120002":     "SELECT * FROM ks.t WHERE id = ?",
	} {
		got, _ := o.Query(SQL, "postgresql", in)
		require.Equal(t, want, got)
	}
}

func TestNoLiteralSurvives(t *testing.T) {
	for _, mode := range []SQLMode{Agent, ObfuscateAndNormalize, ObfuscateOnly} {
		cfg := DefaultConfig()
		cfg.SQL.Mode = mode
		o := New(cfg, nil)
		r := rand.New(rand.NewPCG(2, 2))
		for range 2000 {
			statement, literals := fill(r, statements[r.IntN(len(statements))])
			for _, system := range []System{SQL, OtherSystem} {
				got, _ := o.Query(system, dialects[r.IntN(len(dialects))], statement)
				for _, literal := range literals {
					require.NotContains(t, got, literal, "%s: %s", mode, statement)
				}
			}
		}
	}
}

func TestTheOrderOfTextsDoesNotMatter(t *testing.T) {
	texts := []string{`SELECT '\'`, `SELECT 'it\'s', 'x'`, `SELECT 'C:\', 'secret'`, `SELECT 1`}
	want := map[string]string{}
	for _, text := range texts {
		want[text], _ = New(DefaultConfig(), nil).Query(SQL, "", text)
	}
	cfg := DefaultConfig()
	cfg.CacheBytes = 0
	o := New(cfg, nil)
	r := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		text := texts[r.IntN(len(texts))]
		got, _ := o.Query(SQL, "", text)
		require.Equal(t, want[text], got)
	}
}

func TestCommandsAndDocuments(t *testing.T) {
	all := DefaultConfig()
	all.Redis.RemoveAllArgs, all.Memcached.KeepCommand, all.MongoDB.KeepValues = true, true, []string{"find"}
	off := Config{SQL: SQLConfig{Mode: Off}, MaxTextBytes: 1000}
	for _, c := range []struct {
		cfg      Config
		system   System
		in, want string
		outcome  Outcome
	}{
		{DefaultConfig(), Redis, "SET user:1 secret EX 10", "SET user:1 ? EX 10", Changed},
		{DefaultConfig(), Valkey, "AUTH user pass", "AUTH ?", Changed},
		{DefaultConfig(), Redis, "GET k", "GET k", Unchanged},
		{all, Redis, "SET user:1 secret EX 10", "SET ?", Changed},
		{off, Redis, "SET user:1 secret", "SET user:1 secret", Unchanged},
		{DefaultConfig(), Memcached, "set k 0 0 5\r\nvalue", "", Changed},
		{all, Memcached, "set k 0 0 5\r\nvalue", "set k 0 0 5", Changed},
		{DefaultConfig(), MongoDB, `{"find":"users","filter":{"email":"a@b.c","n":[1,2]}}`, `{"find":"?","filter":{"email":"?","n":["?","?"]}}`, Changed},
		{all, MongoDB, `{"find":"users","filter":{"email":"a@b.c"}}`, `{"find":"users","filter":{"email":"?"}}`, Changed},
		{DefaultConfig(), MongoDB, `find users {"email": "a@b.c"}`, `find users {"email":"?"}`, Changed},
		{DefaultConfig(), MongoDB, `db.users.find('a@b.c')`, `db.users.find(?)`, Changed},
		{DefaultConfig(), Elasticsearch, `{"query":{"match":{"t":"x"}}}`, `{"query":{"match":{"t":"?"}}}`, Changed},
		{DefaultConfig(), OpenSearch, `{"query":{"match":{"t":"x"}}}`, `{"query":{"match":{"t":"?"}}}`, Changed},
		{DefaultConfig(), SQL, "SELECT 'unterminated", NonParsable, Failed},
		{DefaultConfig(), OtherSystem, "FETCH things WHERE name = 'x' -- y", "FETCH things WHERE name = ?", Changed},
		{off, SQL, "SELECT 'x'", "SELECT 'x'", Unchanged},
		{off, OtherSystem, "SELECT 'x'", "SELECT 'x'", Unchanged},
	} {
		got, outcome := New(c.cfg, nil).Query(c.system, "", c.in)
		require.Equal(t, c.want, got)
		require.Equal(t, c.outcome, outcome, c.in)
	}
	got, _ := New(DefaultConfig(), nil).Resource(Redis, "", "SET k v\nGET k\nDEL k")
	require.Equal(t, "SET GET DEL ...", got)
	got, _ = New(DefaultConfig(), nil).Resource(MongoDB, "", "find users")
	require.Equal(t, "find users", got)
}

// Of a megabyte of SQL the first 64 KiB are read; the rest is gone, and a literal that the cut went through as well.
func TestLongTextsAreCut(t *testing.T) {
	o := New(DefaultConfig(), nil)
	long := "SELECT * FROM t WHERE id IN (" + strings.Repeat("'secret', ", 100_000) + "1)"
	got, outcome := o.Query(SQL, "", long)
	require.Equal(t, Cut, outcome)
	require.True(t, strings.HasSuffix(got, cutMark))
	require.NotContains(t, got, "secr")
	require.Less(t, len(got), 70_000)
}

func TestURLs(t *testing.T) {
	o := New(DefaultConfig(), nil)
	for in, want := range map[string]string{
		"https://u:p@h/users/123/a1b2?token=x&q=1#frag": "https://h/users/123/a1b2?token=REDACTED&q=1#frag",
		"https://u@h":             "https://h",
		"//u:p@h/":                "//h/",
		"https://h/a@b?x=//u:p@h": "https://h/a@b?x=//u:p@h",
		"/x?Token=y;sig=z&api_key=&password=1&notoken=2": "/x?Token=REDACTED;sig=REDACTED&api_key=&password=REDACTED&notoken=2",
		"/x?X-Amz-Credential=a%2Fb&X-Goog-Signature=c":   "/x?X-Amz-Credential=REDACTED&X-Goog-Signature=REDACTED",
		"https://h/cb#access_token=x":                    "https://h/cb#access_token=x",
		"":                                               "",
		"/plain":                                         "/plain",
		"https://h/%zz?token=x":                          "https://h/%zz?token=REDACTED",
		"https://u:p%zz@h/?sig=1":                        "https://h/?sig=REDACTED",
	} {
		got, changed := o.URL(in)
		require.Equal(t, want, got)
		require.Equal(t, in != want, changed, in)
	}
	query, _ := o.URLQuery("a=1&token=x")
	require.Equal(t, "a=1&token=REDACTED", query)
	cfg := DefaultConfig()
	cfg.HTTP = HTTPConfig{RemoveQueryString: true, RemovePathsWithDigits: true}
	got, _ := New(cfg, nil).URL("https://u:p@h/users/123/a1b2?token=x")
	require.Equal(t, "https://h/users/?/??", got)
}

func TestCards(t *testing.T) {
	o := New(DefaultConfig(), nil)
	for text, want := range map[string]bool{
		"4111 1111 1111 1111": true, "4111111111111111": true, "4111-1111-1111-1111": true, "378282246310005": true, "order 4111111111111111 ok": false,
		"411111111111111111": false, "": false, "1795772000000": false,
	} {
		require.Equal(t, want, o.IsCard("card", text), text)
	}
	for _, key := range []string{"_dd.card", "dd.trace_id", "otel.span_id", "http.status_code", "error.stack"} {
		require.False(t, o.IsCard(key, "4111111111111111"), key)
	}
	require.True(t, o.IsCardNumber("card", 4111111111111111))
	require.False(t, o.IsCardNumber("bytes", 4111111111112))
	require.False(t, o.IsCardNumber("trace_id", 4111111111111111))
	require.False(t, o.IsCardNumber("time", 1795772000000))
	cfg := DefaultConfig()
	cfg.CreditCards = CardsConfig{Enabled: true, Luhn: true, KeepValues: []string{"kept"}}
	luhn := New(cfg, nil)
	require.True(t, luhn.IsCard("card", "4111111111111111"))
	require.False(t, luhn.IsCard("card", "4111111111111112"))
	require.False(t, luhn.IsCard("kept", "4111111111111111"))
	cfg.CreditCards.Enabled = false
	require.False(t, New(cfg, nil).IsCard("card", "4111111111111111"))
}

func TestTheCacheHasAnEdge(t *testing.T) {
	cfg := DefaultConfig()
	cfg.CacheBytes = 20_000
	hits := 0
	o := New(cfg, func(hit bool) {
		if hit {
			hits++
		}
	})
	for i := range 1000 {
		text := fmt.Sprintf("SELECT %d", i)
		o.Query(SQL, "", text)
		got, _ := o.Query(SQL, "", text)
		require.Equal(t, "SELECT ?", got)
		require.LessOrEqual(t, o.cache.len(), 20_000/entryBytes)
	}
	require.Equal(t, 1000, hits)
}

func TestCachedTextsDoNotAllocate(t *testing.T) {
	o := New(DefaultConfig(), nil)
	const text = "SELECT id, name FROM users WHERE email = 'jane@example.com' AND age > 42"
	o.Query(SQL, "postgresql", text)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		o.Query(SQL, "postgresql", text)
		o.URL("https://example.com/users/1?page=2")
		o.IsCard("http.method", "GET")
		o.IsCard("id", "1795772000000")
	}))
}

func FuzzQuery(f *testing.F) {
	f.Add("SELECT 'x", "postgresql", 0)
	f.Add(`{"a":"b`, "", 2)
	o := New(DefaultConfig(), nil)
	f.Fuzz(func(t *testing.T, text, dbms string, system int) {
		s := System(uint(system) % uint(SystemCount))
		once, _ := o.Query(s, dbms, text)
		again, _ := New(DefaultConfig(), nil).Query(s, dbms, text)
		require.Equal(t, once, again)
		o.Resource(s, dbms, text)
		o.URL(text)
		o.URLQuery(text)
		o.IsCard(dbms, text)
	})
}

func BenchmarkQuery(b *testing.B) {
	const text = "SELECT id, name FROM users WHERE email = 'jane@example.com' AND age > 42 AND active = true AND x IS NULL"
	b.Run("cached", func(b *testing.B) {
		o := New(DefaultConfig(), nil)
		b.ReportAllocs()
		for b.Loop() {
			o.Query(SQL, "postgresql", text)
		}
	})
	b.Run("computed", func(b *testing.B) {
		cfg := DefaultConfig()
		cfg.CacheBytes = 0
		o := New(cfg, nil)
		b.ReportAllocs()
		for b.Loop() {
			o.Query(SQL, "postgresql", text)
		}
	})
	b.Run("library", func(b *testing.B) {
		o := obfuscate.NewObfuscator(obfuscate.Config{})
		b.ReportAllocs()
		for b.Loop() {
			_, _ = o.ObfuscateSQLStringForDBMS(text, "postgresql")
		}
	})
	b.Run("megabyte", func(b *testing.B) {
		cfg := DefaultConfig()
		cfg.CacheBytes = 0
		o := New(cfg, nil)
		long := "SELECT * FROM t WHERE id IN (" + strings.Repeat("'secret', ", 100_000) + "1)"
		for b.Loop() {
			o.Query(SQL, "postgresql", long)
		}
	})
}
