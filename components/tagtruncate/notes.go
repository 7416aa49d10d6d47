package tagtruncate

import (
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// notes write a sample of what was cut to the collector's debug log: the key,
// never the value.
type notes struct{ logger *zap.Logger }

// notesPerInterval of one message every notesInterval, whatever the load.
const (
	notesPerInterval = 5
	notesInterval    = 10 * time.Second
)

func newNotes(logger *zap.Logger) *notes {
	return &notes{logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, notesInterval, notesPerInterval, 0)
	}))}
}

// on reports whether anyone reads the notes; asked once per batch.
func (n *notes) on() bool { return n.logger.Core().Enabled(zap.DebugLevel) }

func (n *notes) write(s scope, r reason, key string) {
	if entry := n.logger.Check(zap.DebugLevel, "attribute limited"); entry != nil {
		entry.Write(zap.String("scope", scopeNames[s]), zap.String("reason", reasonNames[r]), zap.String("key", printable(key)))
	}
}

// maxReported is how many keys a span lists; a span that is cut in more places
// is not explained better by more names.
const maxReported = 32

// keyList collects the keys changed on one span. A nil list collects nothing.
type keyList struct {
	name string
	keys []string
}

func (k *keyList) add(key string) {
	if k != nil && len(k.keys) < maxReported {
		k.keys = append(k.keys, printable(key))
	}
}

// longestNote bounds a key in a report or a log line; it comes from a stranger.
const longestNote = 256

func printable(key string) string {
	return strings.ToValidUTF8(key[:min(len(key), longestNote)], "\uFFFD")
}

// write adds the collected keys to attrs, unless attrs would then be more than limit.
func (k *keyList) write(attrs pcommon.Map, limit int) {
	if k == nil || len(k.keys) == 0 {
		return
	}
	defer func() { k.keys = k.keys[:0] }()
	list, found := attrs.Get(k.name)
	if !found {
		if attrs.Len() >= limit {
			return
		}
		list = attrs.PutEmpty(k.name)
	}
	if list.Type() != pcommon.ValueTypeSlice {
		list.SetEmptySlice()
	}
	for _, key := range k.keys {
		if list.Slice().Len() >= maxReported {
			return
		}
		if !contains(list.Slice(), key) {
			list.Slice().AppendEmpty().SetStr(key)
		}
	}
}

func contains(list pcommon.Slice, key string) bool {
	for _, v := range list.All() {
		if v.Str() == key {
			return true
		}
	}
	return false
}
