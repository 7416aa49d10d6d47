package eventtime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/wire"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

func TestTimesAreReadAsSendersWriteThem(t *testing.T) {
	at := time.Unix(1795771200, 0).UTC()
	for name, tc := range map[string]struct {
		in   Raw
		want time.Time
		m    Marker
		ok   bool
	}{
		"integer":                  {Append(nil, 1795771200), at, None, true},
		"float":                    {Append(nil, 1795771200.25), at.Add(250 * time.Millisecond), None, true},
		"event time":               {EventTime(1795771200, 7), at.Add(7), None, true},
		"event time as ext8":       {Ext(0, EventTime(1795771200, 7)[2:]...), at.Add(7), None, true},
		"timestamp of 4 bytes":     {Ext(-1, 0x6b, 0x09, 0x4e, 0x40), time.Unix(0x6b094e40, 0).UTC(), None, true},
		"group begins":             {EventTime(0xffffffff, 0), time.Unix(0, 0).UTC(), GroupBegin, true},
		"group ends":               {EventTime(0xfffffffe, 0), time.Unix(0, 0).UTC(), GroupEnd, true},
		"nil":                      {Append(nil, nil), time.Unix(0, 0).UTC(), None, true},
		"negative":                 {Append(nil, -5), time.Unix(0, 0).UTC(), None, false},
		"too large":                {Append(nil, uint64(1<<63)), time.Unix(0, 0).UTC(), None, false},
		"too large a float":        {Append(nil, 1e30), time.Unix(0, 0).UTC(), None, false},
		"nanoseconds that are not": {Ext(0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff), time.Unix(0, 0).UTC(), None, false},
		"another extension":        {Ext(5, 1, 2, 3, 4), time.Unix(0, 0).UTC(), None, false},
		"text":                     {Append(nil, "now"), time.Unix(0, 0).UTC(), None, false},
	} {
		got, m, ok := Read(&msgpack.Reader{Buf: tc.in})
		require.Equal(t, tc.want, got.AsTime(), name)
		require.Equal(t, tc.m, m, name)
		require.Equal(t, tc.ok, ok, name)
	}
}
