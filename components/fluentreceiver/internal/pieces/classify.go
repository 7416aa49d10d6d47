package pieces

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// style is how a piece says that it is one.
type style uint8

const (
	whole style = iota // is none
	docker
	oldDocker // says only that more follows; the next record without ends the line
	cri
	trace // a line of a stack trace, or one that such a line may follow
)

// The attributes of pieces.
const (
	partialMessage = "partial_message"
	partialID      = "partial_id"
	partialOrdinal = "partial_ordinal"
	partialLast    = "partial_last"
	logTag         = "logtag"

	countKey   = "fluent.partial.count"
	partialKey = "fluent.partial"
)

// maxOrdinal bounds what is believed of an ordinal: MaxLineBytes in pieces of 16 KiB are 64.
const maxOrdinal = 1 << 20

// piece is what a record says about the line it is of.
type piece struct {
	style   style
	key     string
	ordinal int
	last    bool
}

func (j *Joiner) classify(res pcommon.Resource, lr plog.LogRecord) piece {
	attrs := lr.Attributes()
	if j.options.Lines {
		if text(attrs, partialMessage) == "true" {
			return dockerPiece(res, attrs)
		}
		switch tag := text(attrs, logTag); {
		case tag == "P" || strings.HasPrefix(tag, "P:"):
			return piece{style: cri, key: "cri\x00" + stream(res, attrs)}
		case tag == "F" || strings.HasPrefix(tag, "F:"):
			if key := "cri\x00" + stream(res, attrs); j.isOpen(key) {
				return piece{style: cri, key: key, last: true}
			}
		}
		if key := "old\x00" + stream(res, attrs); j.isOpen(key) {
			return piece{style: oldDocker, key: key, last: true}
		}
	}
	return piece{}
}

func (j *Joiner) isOpen(key string) bool { return len(j.lines) > 0 && j.lines[key] != nil }

func dockerPiece(res pcommon.Resource, attrs pcommon.Map) piece {
	id := text(attrs, partialID)
	ordinal, err := strconv.Atoi(text(attrs, partialOrdinal))
	if id == "" || err != nil || ordinal < 1 || ordinal > maxOrdinal {
		return piece{style: oldDocker, key: "old\x00" + stream(res, attrs)}
	}
	return piece{style: docker, key: "id\x00" + id, ordinal: ordinal, last: text(attrs, partialLast) == "true"}
}

// stream names what one process writes to one descriptor.
func stream(res pcommon.Resource, attrs pcommon.Map) string {
	var b strings.Builder
	for _, m := range []pcommon.Map{res.Attributes(), attrs} {
		for _, key := range []string{"container.id", "container_id", "k8s.pod.uid", "k8s.pod.name", "k8s.container.name", "fluent.tag", "log.iostream"} {
			b.WriteString(text(m, key))
			b.WriteByte(0)
		}
	}
	return b.String()
}

func text(m pcommon.Map, key string) string {
	v, ok := m.Get(key)
	switch {
	case !ok:
		return ""
	case v.Type() == pcommon.ValueTypeStr:
		return v.Str()
	}
	return v.AsString()
}

// bodyBytes is the size of the one record in logs.
func bodyBytes(logs plog.Logs) int {
	return len(body(logs)) + 512 // attributes and the rest, about
}

func record(logs plog.Logs) plog.LogRecord {
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
}

func body(logs plog.Logs) string { return record(logs).Body().AsString() }
