package tagtruncate

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// jsonText writes a value as JSON and stops after left bytes, so that a huge
// value costs no more than the limit it is cut to.
type jsonText struct {
	buf  []byte
	left int
}

func (j *jsonText) full() bool { return len(j.buf) >= j.left }

func (j *jsonText) value(v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		j.str(v.Str())
	case pcommon.ValueTypeInt:
		j.buf = strconv.AppendInt(j.buf, v.Int(), 10)
	case pcommon.ValueTypeBool:
		j.buf = strconv.AppendBool(j.buf, v.Bool())
	case pcommon.ValueTypeDouble:
		if f := v.Double(); math.IsNaN(f) || math.IsInf(f, 0) {
			j.str(strconv.FormatFloat(f, 'g', -1, 64)) // JSON has no such numbers
		} else {
			j.buf = strconv.AppendFloat(j.buf, f, 'g', -1, 64)
		}
	case pcommon.ValueTypeBytes:
		b := v.Bytes()
		raw := make([]byte, max(0, min(b.Len(), j.left-len(j.buf))))
		for i := range raw {
			raw[i] = b.At(i)
		}
		j.buf = append(j.buf, '"')
		j.buf = base64.StdEncoding.AppendEncode(j.buf, raw)
		j.buf = append(j.buf, '"')
	case pcommon.ValueTypeMap:
		separator := byte('{')
		for k, inner := range v.Map().All() {
			if j.full() {
				return
			}
			j.buf = append(j.buf, separator)
			separator = ','
			j.str(k)
			j.buf = append(j.buf, ':')
			j.value(inner)
		}
		if separator == '{' {
			j.buf = append(j.buf, '{')
		}
		j.buf = append(j.buf, '}')
	case pcommon.ValueTypeSlice:
		separator := byte('[')
		for _, inner := range v.Slice().All() {
			if j.full() {
				return
			}
			j.buf = append(j.buf, separator)
			separator = ','
			j.value(inner)
		}
		if separator == '[' {
			j.buf = append(j.buf, '[')
		}
		j.buf = append(j.buf, ']')
	default:
		j.buf = append(j.buf, "null"...)
	}
}

func (j *jsonText) str(s string) {
	if space := j.left - len(j.buf); len(s) > space {
		s = strings.ToValidUTF8(s[:max(space, 0)], "")
	}
	quoted, _ := json.Marshal(s) // a string always marshals
	j.buf = append(j.buf, quoted...)
}
