package obfuscation

import (
	"regexp"
	"strings"

	"github.com/DataDog/datadog-agent/pkg/obfuscate"
	sqllexer "github.com/DataDog/go-sqllexer"
)

// uuids outside of quotes would be read as numbers and names, and leave in pieces.
var uuids = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)

// lexed replaces the literals of a text in whatever language, and keeps its form.
func lexed(text string) string {
	return lexedWith(text, &obfuscate.SQLConfig{ObfuscationMode: obfuscate.ObfuscateOnly})
}

// lexedWith removes comments, which the library keeps in this mode, before it replaces literals.
func lexedWith(text string, opts *obfuscate.SQLConfig) string {
	text = withoutComments(uuids.ReplaceAllString(text, "?"), opts.DBMS)
	return sqllexer.NewObfuscator(
		sqllexer.WithReplaceDigits(opts.ReplaceDigits),
		sqllexer.WithDollarQuotedFunc(opts.DollarQuotedFunc),
		sqllexer.WithReplacePositionalParameter(!opts.KeepPositionalParameter),
		sqllexer.WithReplaceBoolean(!opts.KeepBoolean),
		sqllexer.WithReplaceNull(!opts.KeepNull),
		sqllexer.WithKeepJsonPath(opts.KeepJSONPath),
		sqllexer.WithReplaceBindParameter(opts.ReplaceBindParameter),
	).Obfuscate(text, sqllexer.WithDBMS(sqllexer.DBMSType(opts.DBMS)))
}

func withoutComments(text, dbms string) string {
	if !strings.Contains(text, "--") && !strings.Contains(text, "/*") && !strings.Contains(text, "#") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	lexer := sqllexer.New(text, sqllexer.WithDBMS(sqllexer.DBMSType(dbms)))
	for token := lexer.Scan(); token.Type != sqllexer.EOF; token = lexer.Scan() {
		if token.Type == sqllexer.COMMENT || token.Type == sqllexer.MULTILINE_COMMENT {
			b.WriteByte(' ')
		} else {
			b.WriteString(token.Value)
		}
	}
	return strings.TrimSpace(b.String())
}
