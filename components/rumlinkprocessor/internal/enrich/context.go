package enrich

import (
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

// The attributes that a log gains from its span.
const (
	AttrService = "service.name"
	AttrSpan    = "span.name"
)

// Copies says which attributes a log gains.
type Copies struct {
	service, span bool
	rum           [index.RUMFields]bool
}

// NewCopies reads attribute names; "rum.view.*" stands for all that begin so.
func NewCopies(names []string) (c Copies, err error) {
	for _, name := range names {
		switch name {
		case AttrService:
			c.service = true
			continue
		case AttrSpan:
			c.span = true
			continue
		}
		prefix, all := strings.CutSuffix(name, "*")
		found := false
		for i, rum := range index.RUMNames {
			if rum == name || all && prefix != "" && strings.HasPrefix(rum, prefix) {
				c.rum[i], found = true, true
			}
		}
		if !found {
			return c, fmt.Errorf("logs::copy must name %s, %s or some of %v, got %q", AttrService, AttrSpan, index.RUMNames, name)
		}
	}
	return c, nil
}

// Service reports whether a log gains the name of its span's service.
func (c *Copies) Service() bool { return c.service }

// Log gives a log what its span and trace know and it does not. hasService says
// that its resource names a service.
func (c *Copies) Log(attrs pcommon.Map, f *index.Found, hasService bool) {
	if info, ok := f.Span(); ok {
		if c.service && !hasService && info.Service != "" {
			putAbsent(attrs, AttrService, info.Service)
		}
		if c.span && info.Name != "" {
			putAbsent(attrs, AttrSpan, info.Name)
		}
	}
	if ctx, ok := f.RUM(); ok {
		putRUM(attrs, &ctx, &c.rum)
	}
}

var everyField = func() (want [index.RUMFields]bool) {
	for i := range want {
		want[i] = true
	}
	return want
}()

// User writes the session, user and account of the span's own baggage, then what the
// trace knows.
func User(attrs pcommon.Map, f *index.Found) {
	copyAbsent(attrs, index.BaggageSession, index.RUMNames[index.SessionID])
	copyAbsent(attrs, index.BaggageUser, index.RUMNames[index.UserID])
	copyAbsent(attrs, index.BaggageAccount, index.RUMNames[index.AccountID])
	if ctx, ok := f.RUM(); ok {
		putRUM(attrs, &ctx, &everyField)
	}
}

// putRUM writes the wanted fields that attrs does not have yet, but none of a
// session, view or action other than attrs' own.
func putRUM(attrs pcommon.Map, ctx *index.RUM, want *[index.RUMFields]bool) {
	var foreign [index.RUMFields]bool
	for i := range ctx {
		if index.Governor[i] == i {
			own, ok := attrs.Get(index.RUMNames[i])
			foreign[i] = ok && own.AsString() != ctx[i]
		}
	}
	for i, s := range ctx {
		if s != "" && want[i] && !foreign[index.Governor[i]] {
			putAbsent(attrs, index.RUMNames[i], s)
		}
	}
}

func copyAbsent(attrs pcommon.Map, from, to string) {
	if v, ok := attrs.Get(from); ok && v.Type() == pcommon.ValueTypeStr && v.Str() != "" {
		putAbsent(attrs, to, v.Str())
	}
}

func putAbsent(attrs pcommon.Map, key, value string) {
	if v, had := attrs.GetOrPutEmpty(key); !had {
		v.SetStr(value)
	}
}
